#include "proto/codec/tensor.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <vector>

namespace tvmffi {
namespace {

constexpr DLDataType kFloat32 = {kDLFloat, 32, 1};
constexpr DLDataType kFloat4 = {kDLFloat4_e2m1fn, 4, 1};
constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();

struct Case {
  DLDataType dtype;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;

  TensorLayout layout() const {
    return {dtype, static_cast<uint32_t>(shape.size()), shape.data(), strides.data()};
  }
};

TensorSpan Span(const Case& tensor) {
  TensorSpan span = {-1, -1};
  Status status = SpanOf(tensor.layout(), &span);
  EXPECT_TRUE(status.ok()) << status.message;
  return span;
}

void ExpectSpan(const Case& tensor, int64_t low, int64_t high) {
  const TensorSpan span = Span(tensor);
  EXPECT_EQ(span.low, low);
  EXPECT_EQ(span.high, high);
}

TEST(TensorSpan, CoversEveryElementOnBothSidesOfTheFirst) {
  ExpectSpan({kFloat32, {}, {}}, 0, 4);
  ExpectSpan({kFloat32, {3, 4}, {4, 1}}, 0, 48);
  ExpectSpan({kFloat32, {3, 4}, {-4, 1}}, -32, 16);
  ExpectSpan({kFloat32, {3, 4}, {-4, -1}}, -44, 4);
  ExpectSpan({kFloat32, {5}, {0}}, 0, 4);
  ExpectSpan({kFloat32, {1}, {kHuge}}, 0, 4);
}

TEST(TensorSpan, IsNothingForAnEmptyTensorWhateverItsStrides) {
  ExpectSpan({kFloat32, {0}, {1}}, 0, 0);
  ExpectSpan({kFloat32, {kHuge, 0}, {kHuge, kLowest}}, 0, 0);
}

TEST(TensorSpan, RoundsPackedElementsToWholeBytes) {
  ExpectSpan({kFloat4, {3}, {1}}, 0, 2);
  ExpectSpan({kFloat4, {4}, {1}}, 0, 2);
  ExpectSpan({kFloat4, {3}, {-1}}, -1, 1);
  ExpectSpan({{kDLInt, 1, 1}, {9}, {1}}, 0, 2);
  ExpectSpan({{kDLFloat, 32, 4}, {2}, {1}}, 0, 32);
}

TEST(TensorSpan, RefusesWhatFitsNoAddressSpace) {
  const Case cases[] = {
      {kFloat32, {-1}, {1}},
      {kFloat32, {kHuge}, {1}},
      {kFloat32, {kHuge, kHuge, kHuge}, {0, 0, 0}},
      {kFloat32, {2}, {kHuge}},
      {kFloat32, {2}, {kLowest}},
      {kFloat32, {int64_t{1} << 32, int64_t{1} << 32}, {int64_t{1} << 62, 1}},
      {kFloat32, {int64_t{1} << 61}, {0}},
      {{kDLFloat, 0, 1}, {2}, {1}},
      {{kDLFloat, 32, 0}, {2}, {1}},
      {{kDLFloat, 32, 0xFFFC}, {2}, {1}},  // scalable: -4 lanes
      {kFloat32, std::vector<int64_t>(kMaxNdim + 1, 1), std::vector<int64_t>(kMaxNdim + 1, 1)},
  };
  for (const Case& tensor : cases) {
    TensorSpan span;
    EXPECT_EQ(SpanOf(tensor.layout(), &span).code, Code::kInvalidArgument)
        << "case " << &tensor - cases;
    EXPECT_LE(DenseBytes(tensor.layout()), uint64_t{1} << 62);
  }
}

TEST(CompactStrides, AreRowMajor) {
  const int64_t shape[] = {2, 3, 4};
  int64_t strides[3];
  ASSERT_TRUE(CompactStrides(3, shape, strides).ok());
  EXPECT_EQ(std::vector<int64_t>(strides, strides + 3), (std::vector<int64_t>{12, 4, 1}));

  const int64_t huge[] = {kHuge, kHuge, 2};
  EXPECT_FALSE(CompactStrides(3, huge, strides).ok());
}

TEST(IsCompact, IgnoresStridesThatMoveNowhere) {
  EXPECT_TRUE(IsCompact(Case{kFloat32, {2, 1, 3}, {3, 77, 1}}.layout()));
  EXPECT_TRUE(IsCompact(Case{kFloat32, {2, 0}, {5, 5}}.layout()));
  EXPECT_TRUE(IsCompact(Case{kFloat32, {}, {}}.layout()));
  EXPECT_FALSE(IsCompact(Case{kFloat32, {2, 3}, {1, 2}}.layout()));
  EXPECT_FALSE(IsCompact(Case{kFloat32, {2, 3}, {4, 1}}.layout()));
}

TensorDesc Desc(const Case& tensor, uint64_t offset, uint64_t nbytes, uint64_t data_offset) {
  TensorDesc desc = {};
  desc.offset = offset;
  desc.nbytes = nbytes;
  desc.data_offset = data_offset;
  desc.dtype_code = tensor.dtype.code;
  desc.dtype_bits = tensor.dtype.bits;
  desc.dtype_lanes = tensor.dtype.lanes;
  desc.ndim = static_cast<uint32_t>(tensor.shape.size());
  return desc;
}

TEST(CheckDesc, AcceptsExactlyWhatLiesInTheRegion) {
  const Case tensor = {kFloat32, {4}, {-1}};  // bytes -12 to 4
  auto check = [&](uint64_t offset, uint64_t nbytes, uint64_t data_offset) {
    return CheckDesc(Desc(tensor, offset, nbytes, data_offset), tensor.shape.data(),
                     tensor.strides.data())
        .ok();
  };

  EXPECT_TRUE(check(100, 16, 112));
  EXPECT_TRUE(check(90, 50, 112));
  EXPECT_FALSE(check(100, 16, 111));
  EXPECT_FALSE(check(100, 16, 113));
  EXPECT_FALSE(check(100, 15, 112));
  EXPECT_FALSE(check(0, 16, 4));
  EXPECT_FALSE(check(~uint64_t{0} - 4, 16, ~uint64_t{0}));
  EXPECT_FALSE(check(100, 16, ~uint64_t{0} - 2));
}

TEST(CheckDesc, KeepsAnEmptyTensorsAddressInTheRegion) {
  const Case tensor = {kFloat32, {0}, {1}};
  EXPECT_TRUE(CheckDesc(Desc(tensor, 0, 0, 0), tensor.shape.data(), tensor.strides.data()).ok());
  EXPECT_TRUE(CheckDesc(Desc(tensor, 8, 8, 16), tensor.shape.data(), tensor.strides.data()).ok());
  EXPECT_FALSE(CheckDesc(Desc(tensor, 8, 8, 17), tensor.shape.data(), tensor.strides.data()).ok());
}

// Element addresses computed one by one.
void ReferenceCopy(const TensorLayout& layout, uint32_t dim, int64_t element, const char* from,
                   char* to) {
  if (dim < layout.ndim) {
    for (int64_t i = 0; i < layout.shape[dim]; ++i) {
      ReferenceCopy(layout, dim + 1, element + i * layout.strides[dim], from, to);
    }
    return;
  }
  const int64_t bits = layout.dtype.bits * layout.dtype.lanes;
  for (int64_t bit = element * bits; bit < (element + 1) * bits; ++bit) {
    const int64_t byte = bit >= 0 ? bit / 8 : -((-bit + 7) / 8);
    const int mask = 1 << (bit - byte * 8);
    to[byte] = static_cast<char>((to[byte] & ~mask) | (from[byte] & mask));
  }
}

TEST(CopyElements, CopiesEveryElementAndNothingBetweenThem) {
  const Case cases[] = {
      {kFloat32, {}, {}},
      {kFloat32, {3, 4}, {4, 1}},
      {kFloat32, {3, 4}, {6, 1}},
      {kFloat32, {3, 4}, {1, 3}},
      {kFloat32, {3, 4}, {-5, 1}},
      {kFloat32, {2, 3, 2}, {8, -2, 1}},
      {kFloat32, {3, 0}, {1, 1}},
      {kFloat32, {3, 2}, {0, 1}},
      {kFloat4, {7}, {1}},
      {kFloat4, {5}, {2}},
      {kFloat4, {5}, {-1}},
      {{kDLInt, 1, 1}, {3, 9}, {16, 1}},
      {{kDLFloat, 16, 2}, {4}, {2}},
  };
  for (const Case& tensor : cases) {
    std::vector<char> source(512);
    std::iota(source.begin(), source.end(), 1);
    std::vector<char> expected(512, 0);
    std::vector<char> copied(512, 0);
    ReferenceCopy(tensor.layout(), 0, 0, source.data() + 256, expected.data() + 256);

    const uint64_t bytes = CopyElements(tensor.layout(), source.data() + 256, copied.data() + 256);

    EXPECT_EQ(copied, expected) << "case " << &tensor - cases;
    EXPECT_EQ(bytes, DenseBytes(tensor.layout()));
  }
}

TEST(DenseBytes, CountsPackedElements) {
  EXPECT_EQ(DenseBytes(Case{kFloat32, {3, 4}, {9, 1}}.layout()), 48u);
  EXPECT_EQ(DenseBytes(Case{kFloat4, {3}, {1}}.layout()), 2u);
  EXPECT_EQ(DenseBytes(Case{kFloat32, {0}, {1}}.layout()), 0u);
}

TEST(LayoutOf, FillsInStridesThatAreLeftOut) {
  int64_t shape[] = {2, 3};
  DLTensor tensor = {nullptr, {kDLCPU, 0}, 2, kFloat32, shape, nullptr, 0};
  int64_t scratch[kMaxNdim];
  TensorLayout layout;
  ASSERT_TRUE(LayoutOf(tensor, scratch, &layout).ok());
  EXPECT_EQ(layout.strides[0], 3);
  EXPECT_EQ(layout.strides[1], 1);

  tensor.ndim = -1;
  EXPECT_FALSE(LayoutOf(tensor, scratch, &layout).ok());
  tensor.ndim = kMaxNdim + 1;
  EXPECT_FALSE(LayoutOf(tensor, scratch, &layout).ok());
}

}  // namespace
}  // namespace tvmffi
