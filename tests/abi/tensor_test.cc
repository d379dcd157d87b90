#include <gtest/gtest.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/tvm_ffi.h>

#include <cstdlib>
#include <type_traits>
#include <vector>

#include "expect_error.h"

namespace tvm {
namespace ffi {
namespace {

constexpr DLDataType kFloat32{kDLFloat, 32, 1};
constexpr DLDevice kCpu{kDLCPU, 0};

struct CountingAlloc {
  int* freed = nullptr;
  void AllocData(DLTensor* tensor) { tensor->data = std::malloc(GetDataSize(*tensor)); }
  void FreeData(DLTensor* tensor) {
    std::free(tensor->data);
    if (freed != nullptr) {
      ++*freed;
    }
  }
};

Tensor Empty(ShapeView shape) {
  return Tensor::FromNDAlloc(CountingAlloc(), shape, kFloat32, kCpu);
}

// A view of a temporary would dangle.
static_assert(!std::is_constructible_v<TensorView, Tensor&&>);
static_assert(!std::is_assignable_v<TensorView&, Tensor&&>);
static_assert(std::is_constructible_v<TensorView, const Tensor&>);

TEST(CppApi, B61_SizesAndStrides) {
  const Tensor t = Empty({2, 3});
  EXPECT_EQ(t.size(-1), 3);
  EXPECT_EQ(t.stride(-2), 3);
  EXPECT_EQ(t.numel(), 6);
  EXPECT_EQ(t.dim(), 2);
  EXPECT_ERROR(t.size(5), "IndexError", "Index 5 out of bounds for tensor with 2 dimensions");
  EXPECT_ERROR(t.size(-3), "IndexError", "Index -3 out of bounds for tensor with 2 dimensions");
}

TEST(CppApi, B62_Contiguity) {
  const auto contiguous = [](std::vector<int64_t> shape, std::vector<int64_t> strides) {
    DLTensor tensor{};
    tensor.ndim = static_cast<int32_t>(shape.size());
    tensor.shape = shape.data();
    tensor.strides = strides.empty() ? nullptr : strides.data();
    return IsContiguous(tensor);
  };
  EXPECT_TRUE(contiguous({1, 4}, {999, 1}));
  EXPECT_FALSE(contiguous({2, 4}, {999, 1}));
  EXPECT_TRUE(contiguous({0, 5}, {7, 7}));
  EXPECT_TRUE(contiguous({5, 0}, {7, 7}));
  EXPECT_TRUE(contiguous({2, 4}, {}));
}

struct Source {
  DLManagedTensorVersioned managed{};
  int64_t shape[2] = {4, 5};
  int64_t strides[2] = {1, 4};
  float data[32] = {};
  int deleted = 0;

  DLManagedTensorVersioned* Get(bool with_strides) {
    managed.version = {1, 3};
    managed.manager_ctx = this;
    managed.deleter = [](DLManagedTensorVersioned* self) {
      ++static_cast<Source*>(self->manager_ctx)->deleted;
    };
    managed.dl_tensor =
        DLTensor{data, kCpu, 2, kFloat32, shape, with_strides ? strides : nullptr, 0};
    return &managed;
  }
};

TEST(CppApi, B63_B64_DLPackRoundTrip) {
  Source source;
  {
    Tensor t = Tensor::FromDLPackVersioned(source.Get(false));
    EXPECT_EQ(t.stride(0), 5);
    EXPECT_EQ(t.stride(1), 1);
    EXPECT_EQ(t.data_ptr(), source.data);
    DLManagedTensorVersioned* exported = t.ToDLPackVersioned();
    EXPECT_EQ(t.use_count(), 2);
    EXPECT_EQ(exported->version.major, 1u);
    EXPECT_EQ(exported->version.minor, 3u);
    EXPECT_EQ(exported->manager_ctx, details::ObjectUnsafe::GetHeader(t.operator->()));
    {
      const Tensor again = Tensor::FromDLPackVersioned(exported);
      EXPECT_EQ(again.data_ptr(), source.data);
    }
    EXPECT_EQ(t.use_count(), 1);
    DLManagedTensor* old = t.ToDLPack();
    old->deleter(old);
    EXPECT_EQ(source.deleted, 0);
  }
  EXPECT_EQ(source.deleted, 1);
}

TEST(CppApi, B65_ImportChecks) {
  Source source;
  DLManagedTensorVersioned* managed = source.Get(true);
  EXPECT_ERROR(Tensor::FromDLPackVersioned(managed, 0, true), "RuntimeError",
               "FromDLPack: Tensor is not contiguous.");
  managed->dl_tensor.byte_offset = 4;
  managed->dl_tensor.device = DLDevice{kDLVulkan, 0};
  EXPECT_ERROR(Tensor::FromDLPackVersioned(managed, 64), "RuntimeError",
               "FromDLPack: Data is not aligned to 64 bytes.");
  managed->flags = DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED;
  EXPECT_ERROR(Tensor::FromDLPackVersioned(managed), "RuntimeError",
               "Subbyte type padded is not yet supported");
  managed->version.major = 2;
  EXPECT_ERROR_CONTAINS(Tensor::FromDLPackVersioned(managed), "RuntimeError", "(2 vs. 1)");
  EXPECT_EQ(source.deleted, 0);
}

TEST(CppApi, B66_DataSize) {
  EXPECT_EQ(GetDataSize(3, DLDataType{kDLFloat4_e2m1fn, 4, 1}), 2u);
  EXPECT_EQ(GetDataSize(3, DLDataType{kDLInt, 32, 2}), 24u);
  EXPECT_EQ(GetDataSize(Empty({2, 3})), 24u);
}

TEST(CppApi, B67_AsStrided) {
  const Tensor t = Empty({2, 3});
  const Tensor v = t.as_strided({3, 2}, {1, 3});
  EXPECT_EQ(t.use_count(), 2);
  EXPECT_FALSE(v.IsContiguous());
  EXPECT_ERROR(t.as_strided({1}, {1}, -1), "InternalError",
               "Check failed: elem_offset_as_i64 >= 0 (-1 vs. 0) : ");
  const TensorView view = t;
  const TensorView shifted = view.as_strided({1}, {1}, 2);
  EXPECT_EQ(static_cast<char*>(shifted.data_ptr()) - static_cast<char*>(t.data_ptr()), 8);
  EXPECT_EQ(shifted.byte_offset(), 0u);
  DLTensor opaque = *t.GetDLTensorPtr();
  opaque.device = DLDevice{kDLVulkan, 0};
  EXPECT_EQ(TensorView(&opaque).as_strided({1}, {1}, 2).byte_offset(), 8u);
  EXPECT_EQ(t.as_strided({}, {}).ndim(), 0);
}

TEST(CppApi, B68_FreeDataRunsOnceAfterTheLastReference) {
  int freed = 0;
  DLManagedTensorVersioned* exported = nullptr;
  {
    const Tensor t = Tensor::FromNDAlloc(CountingAlloc{&freed}, {2}, kFloat32, kCpu);
    const Tensor view = t.as_strided({1}, {1});
    exported = view.ToDLPackVersioned();
  }
  EXPECT_EQ(freed, 0);
  exported->deleter(exported);
  EXPECT_EQ(freed, 1);
}

TEST(CppApi, B69_NullSourcesAndBadArguments) {
  const Tensor null;
  EXPECT_ERROR_CONTAINS(TensorView(null), "InternalError", "");
  EXPECT_ERROR_CONTAINS(TensorView(static_cast<const DLTensor*>(nullptr)), "InternalError",
                        "Check not null");
  EXPECT_ERROR_CONTAINS(Tensor::FromNDAllocStrided(CountingAlloc(), {2, 3}, {1}, kFloat32, kCpu),
                        "ValueError", "shape and strides must have the same size.");
  EXPECT_ERROR_CONTAINS(Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, {2}, kFloat32, kCpu),
                        "RuntimeError", "TVMFFIEnvTensorAlloc: allocator is nullptr");
}

TEST(Tensor, FromEnvAllocUsesTheThreadsAllocator) {
  const DLPackManagedTensorAllocator alloc = [](DLTensor* prototype, DLManagedTensorVersioned** out,
                                                void*, void (*)(void*, const char*, const char*)) {
    *out = Tensor::FromNDAlloc(CountingAlloc(),
                               ShapeView(prototype->shape, static_cast<size_t>(prototype->ndim)),
                               prototype->dtype, prototype->device)
               .ToDLPackVersioned();
    return 0;
  };
  TVM_FFI_CHECK_SAFE_CALL(TVMFFIEnvSetDLPackManagedTensorAllocator(alloc, 0, nullptr));
  const Tensor t = Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, {2, 3}, kFloat32, kCpu);
  TVM_FFI_CHECK_SAFE_CALL(TVMFFIEnvSetDLPackManagedTensorAllocator(nullptr, 0, nullptr));
  EXPECT_EQ(t.numel(), 6);
  EXPECT_EQ(t.dtype(), kFloat32);
}

std::string RoundTrip(const char* text) {
  return static_cast<std::string>(DLDataTypeToString(StringToDLDataType(text)));
}

TEST(CppApi, B70_B72_B73_DTypeTexts) {
  const char* const cases[][2] = {{"i32", "int32"},
                                  {"u8", "uint8"},
                                  {"f16", "float16"},
                                  {"bf16", "bfloat16"},
                                  {"int", "int32"},
                                  {"float", "float32"},
                                  {"bool", "bool"},
                                  {"handle", "handle"},
                                  {"", ""},
                                  {"void", ""},
                                  {"fp8_e5m2", "float8_e5m2"},
                                  {"f8_e8m0fnu", "float8_e8m0fnu"},
                                  {"float4_e2m1fn_x2", "float4_e2m1fnx2"},
                                  {"float32x4", "float32x4"},
                                  {"float32xvscalex4", "float32xvscalex4"}};
  for (const auto& c : cases) {
    EXPECT_EQ(RoundTrip(c[0]), c[1]);
  }
  EXPECT_EQ(StringToDLDataType("float32xvscalex4").lanes, 65532);
  EXPECT_EQ(StringToDLDataType("float4_e2m1fnx2"), (DLDataType{kDLFloat4_e2m1fn, 4, 2}));
}

TEST(CppApi, B71_B73_DTypeAbbreviations) {
  EXPECT_EQ(DTypeAbbrev(StringToDLDataType("float8_e4m3fn")), "f8_e4m3fn");
  EXPECT_EQ(DTypeAbbrev(StringToDLDataType("float32x4")), "f32x4");
  EXPECT_EQ(DTypeAbbrev(StringToDLDataType("float32xvscalex4")), "f32xvscalex4");
  EXPECT_EQ(DTypeAbbrev(StringToDLDataType("int8x2")), "i8x2");
}

TEST(CppApi, B74_B75_B76_DTypeErrors) {
  EXPECT_ERROR(StringToDLDataType("foo"), "ValueError", "unknown dtype `foo`");
  EXPECT_ERROR(StringToDLDataType("int32abc"), "ValueError", "unknown dtype `int32abc`");
  EXPECT_ERROR(StringToDLDataType("float8_zz"), "ValueError", "unknown float8 type `float8_zz`");
  EXPECT_ERROR(DLDataTypeToString(DLDataType{77, 8, 1}), "ValueError",
               "DLDataType contains unknown type_code=77");
  EXPECT_ERROR(StringToDLDataType("custom[x]8"), "ValueError",
               "Function dtype.get_custom_type_code not found");
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
