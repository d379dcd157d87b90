#include <gtest/gtest.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/extra/dtype.h>

#include <cstdint>

struct OwnType {};
template <>
struct tvm::ffi::dtype_trait<OwnType> {
  static constexpr DLDataType value = {kDLOpaqueHandle, 64, 1};
};

namespace {

template <typename T>
DLDataType Trait() {
  static_assert(tvm::ffi::dtype_trait<T>::value.lanes >= 1, "known at compile time");
  return tvm_ffi::dtype_trait<T>::value;
}

TEST(DTypeTrait, StandardTypes) {
  EXPECT_EQ(Trait<int8_t>(), (DLDataType{kDLInt, 8, 1}));
  EXPECT_EQ(Trait<int16_t>(), (DLDataType{kDLInt, 16, 1}));
  EXPECT_EQ(Trait<int32_t>(), (DLDataType{kDLInt, 32, 1}));
  EXPECT_EQ(Trait<int64_t>(), (DLDataType{kDLInt, 64, 1}));
  EXPECT_EQ(Trait<long long>(), (DLDataType{kDLInt, 64, 1}));  // NOLINT(runtime/int)
  EXPECT_EQ(Trait<uint8_t>(), (DLDataType{kDLUInt, 8, 1}));
  EXPECT_EQ(Trait<uint16_t>(), (DLDataType{kDLUInt, 16, 1}));
  EXPECT_EQ(Trait<uint32_t>(), (DLDataType{kDLUInt, 32, 1}));
  EXPECT_EQ(Trait<uint64_t>(), (DLDataType{kDLUInt, 64, 1}));
  EXPECT_EQ(Trait<unsigned long long>(), (DLDataType{kDLUInt, 64, 1}));  // NOLINT(runtime/int)
  EXPECT_EQ(Trait<float>(), (DLDataType{kDLFloat, 32, 1}));
  EXPECT_EQ(Trait<double>(), (DLDataType{kDLFloat, 64, 1}));
  EXPECT_EQ(Trait<bool>(), (DLDataType{kDLBool, 8, 1}));
}

TEST(DTypeTrait, AcceleratorTypesNeedOnlyTheirDeclarations) {
  EXPECT_EQ(Trait<__half>(), (DLDataType{kDLFloat, 16, 1}));
  EXPECT_EQ(Trait<__nv_bfloat16>(), (DLDataType{kDLBfloat, 16, 1}));
  EXPECT_EQ(Trait<__nv_fp8_e4m3>(), (DLDataType{kDLFloat8_e4m3fn, 8, 1}));
  EXPECT_EQ(Trait<__nv_fp8_e5m2>(), (DLDataType{kDLFloat8_e5m2, 8, 1}));
  EXPECT_EQ(Trait<__nv_fp8_e8m0>(), (DLDataType{kDLFloat8_e8m0fnu, 8, 1}));
  EXPECT_EQ(Trait<__nv_fp4_e2m1>(), (DLDataType{kDLFloat4_e2m1fn, 4, 1}));
  EXPECT_EQ(Trait<__nv_fp4x2_e2m1>(), (DLDataType{kDLFloat4_e2m1fn, 4, 2}));
  EXPECT_EQ(Trait<__hip_bfloat16>(), (DLDataType{kDLBfloat, 16, 1}));
  EXPECT_EQ(Trait<hip_bfloat16>(), (DLDataType{kDLBfloat, 16, 1}));
  EXPECT_EQ(Trait<__hip_fp8_e4m3>(), (DLDataType{kDLFloat8_e4m3fn, 8, 1}));
  EXPECT_EQ(Trait<__hip_fp8_e5m2>(), (DLDataType{kDLFloat8_e5m2, 8, 1}));
  EXPECT_EQ(Trait<__hip_fp8_e4m3_fnuz>(), (DLDataType{kDLFloat8_e4m3fnuz, 8, 1}));
  EXPECT_EQ(Trait<__hip_fp8_e5m2_fnuz>(), (DLDataType{kDLFloat8_e5m2fnuz, 8, 1}));
  EXPECT_EQ(Trait<__hip_fp4_e2m1>(), (DLDataType{kDLFloat4_e2m1fn, 4, 1}));
  EXPECT_EQ(Trait<__hip_fp4x2_e2m1>(), (DLDataType{kDLFloat4_e2m1fn, 4, 2}));
}

TEST(DTypeTrait, UsersAddTheirOwn) {
  EXPECT_EQ(Trait<OwnType>(), (DLDataType{kDLOpaqueHandle, 64, 1}));
}

}  // namespace
