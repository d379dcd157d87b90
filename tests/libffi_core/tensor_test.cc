#include <algorithm>
#include <vector>

#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

// A managed tensor that counts its deleter's calls.
struct Source {
  explicit Source(std::vector<int64_t> extents, std::vector<int64_t> steps = {})
      : shape(std::move(extents)), strides(std::move(steps)) {
    managed.version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
    managed.manager_ctx = this;
    managed.deleter = [](DLManagedTensorVersioned* self) {
      ++static_cast<Source*>(self->manager_ctx)->deleter_calls;
    };
    managed.dl_tensor.data = data;
    managed.dl_tensor.device = {kDLCPU, 0};
    managed.dl_tensor.ndim = static_cast<int32_t>(shape.size());
    managed.dl_tensor.dtype = {kDLFloat, 32, 1};
    managed.dl_tensor.shape = shape.empty() ? nullptr : shape.data();
    managed.dl_tensor.strides = strides.empty() ? nullptr : strides.data();
  }

  int Import(Ref* out, int32_t alignment = 0, int32_t contiguous = 0) {
    return TVMFFITensorFromDLPackVersioned(&managed, alignment, contiguous, out->out());
  }

  alignas(64) float data[64] = {};
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  DLManagedTensorVersioned managed{};
  int deleter_calls = 0;
};

DLTensor* Dl(const Ref& tensor) { return TVMFFITensorGetDLTensorPtr(tensor.get()); }

TEST(CAbi, C079_ImportWithoutStridesComputesThem) {
  Source source({2, 3});
  Ref tensor;
  ASSERT_EQ(source.Import(&tensor), 0);

  EXPECT_EQ(Header(tensor.get())->type_index, kTVMFFITensor);
  EXPECT_EQ(Dl(tensor)->data, source.data);
  EXPECT_EQ(Dl(tensor)->shape, source.shape.data());
  EXPECT_EQ(Dl(tensor)->strides[0], 3);
  EXPECT_EQ(Dl(tensor)->strides[1], 1);
}

TEST(CAbi, C080_ExportsHoldTheTensor) {
  Source source({4});
  Ref tensor;
  ASSERT_EQ(source.Import(&tensor), 0);

  DLManagedTensorVersioned* versioned = nullptr;
  ASSERT_EQ(TVMFFITensorToDLPackVersioned(tensor.get(), &versioned), 0);
  EXPECT_EQ(versioned->version.major, 1u);
  EXPECT_EQ(versioned->version.minor, 3u);
  EXPECT_EQ(versioned->flags, 0u);
  EXPECT_EQ(versioned->manager_ctx, tensor.get());
  EXPECT_EQ(versioned->dl_tensor.data, source.data);
  EXPECT_EQ(StrongCount(tensor.get()), 2u);
  DLManagedTensor* plain = nullptr;
  ASSERT_EQ(TVMFFITensorToDLPack(tensor.get(), &plain), 0);
  EXPECT_EQ(plain->manager_ctx, tensor.get());
  EXPECT_EQ(StrongCount(tensor.get()), 3u);

  versioned->deleter(versioned);
  plain->deleter(plain);
  EXPECT_EQ(StrongCount(tensor.get()), 1u);
}

TEST(CAbi, C081_TheSourceLivesUntilTensorAndExportsAreGone) {
  Source source({4});
  Ref tensor;
  ASSERT_EQ(source.Import(&tensor), 0);
  DLManagedTensorVersioned* exported = nullptr;
  ASSERT_EQ(TVMFFITensorToDLPackVersioned(tensor.get(), &exported), 0);

  tensor.Drop();
  EXPECT_EQ(source.deleter_calls, 0);

  exported->deleter(exported);
  EXPECT_EQ(source.deleter_calls, 1);
}

TEST(CAbi, C082_StridedDataIsRefusedWhenContiguousIsRequired) {
  Source source({2, 3}, {1, 2});
  Ref tensor;
  ExpectRaised(source.Import(&tensor, 0, 1), "RuntimeError",
               "FromDLPack: Tensor is not contiguous.");
  EXPECT_EQ(source.deleter_calls, 0);
  EXPECT_EQ(source.Import(&tensor, 0, 0), 0);
}

TEST(CAbi, C083_MisalignedDataIsRefused) {
  Source source({4});
  source.managed.dl_tensor.byte_offset = 4;
  Ref tensor;
  ExpectRaised(source.Import(&tensor, 64), "RuntimeError",
               "FromDLPack: Data is not aligned to 64 bytes.");
  EXPECT_EQ(source.deleter_calls, 0);
  EXPECT_EQ(source.Import(&tensor, 4), 0);
}

TEST(CAbi, C083_OnIndirectDevicesOnlyTheOffsetIsAligned) {
  Source source({4});
  source.managed.dl_tensor.device = {kDLVulkan, 0};
  source.managed.dl_tensor.data = reinterpret_cast<char*>(source.data) + 1;
  Ref tensor;
  EXPECT_EQ(source.Import(&tensor, 64), 0);
}

TEST(CAbi, C084_PaddedSubBytesAreRefusedAndANullDeleterAccepted) {
  Source source({4});
  source.managed.flags = DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED;
  Ref tensor;
  ExpectRaised(source.Import(&tensor), "RuntimeError", "Subbyte type padded is not yet supported");

  source.managed.flags = 0;
  source.managed.deleter = nullptr;
  EXPECT_EQ(source.Import(&tensor), 0);
}

TEST(CAbi, ReadOnlySurvivesViewsAndExports) {
  Source source({4}, {1});
  source.managed.flags = DLPACK_FLAG_BITMASK_READ_ONLY;
  Ref tensor;
  ASSERT_EQ(source.Import(&tensor), 0);
  Ref view;
  ASSERT_EQ(TVMFFITensorCreateUnsafeView(tensor.get(), &source.managed.dl_tensor, view.out()), 0);
  for (const Ref* exported : {&tensor, &view}) {
    DLManagedTensorVersioned* managed = nullptr;
    ASSERT_EQ(TVMFFITensorToDLPackVersioned(exported->get(), &managed), 0);
    EXPECT_EQ(managed->flags, uint64_t{DLPACK_FLAG_BITMASK_READ_ONLY});
    managed->deleter(managed);
  }
}

TEST(CAbi, AnotherDlpackMajorVersionIsRefused) {
  Source source({4});
  source.managed.version.major = 2;
  Ref tensor;
  ExpectRaised(source.Import(&tensor), "RuntimeError", "DLPack major version 2, expected 1");
  EXPECT_EQ(source.deleter_calls, 0);
}

TEST(CAbi, C085_EmptyAndUnitExtentsCountAsContiguous) {
  Ref tensor;
  Source empty({0, 5}, {77, 33});
  EXPECT_EQ(empty.Import(&tensor, 0, 1), 0);
  Source unit({1, 3}, {77, 1});
  EXPECT_EQ(unit.Import(&tensor, 0, 1), 0);
  tensor.Drop();
  EXPECT_EQ(empty.deleter_calls, 1);
  EXPECT_EQ(unit.deleter_calls, 1);
}

TEST(CAbi, C086_ScalarsKeepNullStrides) {
  Source source({});
  Ref tensor;
  ASSERT_EQ(source.Import(&tensor, 0, 1), 0);
  EXPECT_EQ(Dl(tensor)->ndim, 0);
  EXPECT_EQ(Dl(tensor)->strides, nullptr);
}

TEST(CAbi, C087_ViewsCopyTheirShapeAndHoldTheSource) {
  Source source({2, 3});
  Ref tensor;
  ASSERT_EQ(source.Import(&tensor), 0);
  int64_t shape[] = {3, 2};
  int64_t strides[] = {1, 3};
  DLTensor prototype = *Dl(tensor);
  prototype.shape = shape;
  prototype.strides = nullptr;
  Ref view;
  ExpectRaised(TVMFFITensorCreateUnsafeView(tensor.get(), &prototype, view.out()), "InternalError",
               "Check not null: prototype.strides");

  prototype.strides = strides;
  ASSERT_EQ(TVMFFITensorCreateUnsafeView(tensor.get(), &prototype, view.out()), 0);
  EXPECT_NE(Dl(view)->shape, shape);
  EXPECT_TRUE(std::equal(shape, shape + 2, Dl(view)->shape));
  EXPECT_TRUE(std::equal(strides, strides + 2, Dl(view)->strides));
  EXPECT_EQ(StrongCount(tensor.get()), 2u);
  view.Drop();
  EXPECT_EQ(StrongCount(tensor.get()), 1u);
}

}  // namespace
}  // namespace tvmffi::test
