/*!
 * \file tvm/ffi/extra/dtype.h
 * \brief dtype_trait<T>::value: the DLDataType of a C++ type, at compile time.
 *
 * Covers the standard integers, float, double and bool, and the half, bfloat16, fp8 and fp4 types
 * of CUDA and HIP. Those are only declared here: include cuda_fp16.h and its like to use them.
 * Specialize it for types of your own.
 */
#ifndef TVM_FFI_EXTRA_DTYPE_H_
#define TVM_FFI_EXTRA_DTYPE_H_

#include <tvm/ffi/c_api.h>

struct __half;
struct __nv_bfloat16;
struct __nv_fp8_e4m3;
struct __nv_fp8_e5m2;
struct __nv_fp8_e8m0;
struct __nv_fp4_e2m1;
struct __nv_fp4x2_e2m1;

struct __hip_bfloat16;
struct hip_bfloat16;
struct __hip_fp8_e4m3;
struct __hip_fp8_e5m2;
struct __hip_fp8_e4m3_fnuz;
struct __hip_fp8_e5m2_fnuz;
struct __hip_fp4_e2m1;
struct __hip_fp4x2_e2m1;

namespace tvm {
namespace ffi {

/*! \brief The DLDataType of T as `value`; types without one have no `value`. */
template <typename T>
struct dtype_trait {};

namespace details {
template <DLDataTypeCode kCode, int kBits, int kLanes = 1>
struct FixedDType {
  static constexpr DLDataType value = {static_cast<uint8_t>(kCode), static_cast<uint8_t>(kBits),
                                       static_cast<uint16_t>(kLanes)};
};
template <typename T>
using SignedDType = FixedDType<kDLInt, sizeof(T) * 8>;
template <typename T>
using UnsignedDType = FixedDType<kDLUInt, sizeof(T) * 8>;
}  // namespace details

template <>
struct dtype_trait<signed char> : public details::SignedDType<signed char> {};
template <>
struct dtype_trait<short> : public details::SignedDType<short> {};  // NOLINT(runtime/int)
template <>
struct dtype_trait<int> : public details::SignedDType<int> {};
template <>
struct dtype_trait<long> : public details::SignedDType<long> {};  // NOLINT(runtime/int)
template <>
struct dtype_trait<long long> : public details::SignedDType<long long> {};  // NOLINT(runtime/int)
template <>
struct dtype_trait<unsigned char> : public details::UnsignedDType<unsigned char> {};
template <>
struct dtype_trait<unsigned short>                   // NOLINT(runtime/int)
    : public details::UnsignedDType<unsigned short>  // NOLINT(runtime/int)
{};
template <>
struct dtype_trait<unsigned int> : public details::UnsignedDType<unsigned int> {};
template <>
struct dtype_trait<unsigned long>                   // NOLINT(runtime/int)
    : public details::UnsignedDType<unsigned long>  // NOLINT(runtime/int)
{};
template <>
struct dtype_trait<unsigned long long>                   // NOLINT(runtime/int)
    : public details::UnsignedDType<unsigned long long>  // NOLINT(runtime/int)
{};
template <>
struct dtype_trait<float> : public details::FixedDType<kDLFloat, 32> {};
template <>
struct dtype_trait<double> : public details::FixedDType<kDLFloat, 64> {};
template <>
struct dtype_trait<bool> : public details::FixedDType<kDLBool, 8> {};

template <>
struct dtype_trait<__half> : public details::FixedDType<kDLFloat, 16> {};
template <>
struct dtype_trait<__nv_bfloat16> : public details::FixedDType<kDLBfloat, 16> {};
template <>
struct dtype_trait<__nv_fp8_e4m3> : public details::FixedDType<kDLFloat8_e4m3fn, 8> {};
template <>
struct dtype_trait<__nv_fp8_e5m2> : public details::FixedDType<kDLFloat8_e5m2, 8> {};
template <>
struct dtype_trait<__nv_fp8_e8m0> : public details::FixedDType<kDLFloat8_e8m0fnu, 8> {};
template <>
struct dtype_trait<__nv_fp4_e2m1> : public details::FixedDType<kDLFloat4_e2m1fn, 4> {};
template <>
struct dtype_trait<__nv_fp4x2_e2m1> : public details::FixedDType<kDLFloat4_e2m1fn, 4, 2> {};

template <>
struct dtype_trait<__hip_bfloat16> : public details::FixedDType<kDLBfloat, 16> {};
template <>
struct dtype_trait<hip_bfloat16> : public details::FixedDType<kDLBfloat, 16> {};
template <>
struct dtype_trait<__hip_fp8_e4m3> : public details::FixedDType<kDLFloat8_e4m3fn, 8> {};
template <>
struct dtype_trait<__hip_fp8_e5m2> : public details::FixedDType<kDLFloat8_e5m2, 8> {};
template <>
struct dtype_trait<__hip_fp8_e4m3_fnuz> : public details::FixedDType<kDLFloat8_e4m3fnuz, 8> {};
template <>
struct dtype_trait<__hip_fp8_e5m2_fnuz> : public details::FixedDType<kDLFloat8_e5m2fnuz, 8> {};
template <>
struct dtype_trait<__hip_fp4_e2m1> : public details::FixedDType<kDLFloat4_e2m1fn, 4> {};
template <>
struct dtype_trait<__hip_fp4x2_e2m1> : public details::FixedDType<kDLFloat4_e2m1fn, 4, 2> {};

}  // namespace ffi
}  // namespace tvm

/*! \brief Where earlier code looks for it. */
namespace tvm_ffi {
template <typename T>
struct dtype_trait : public ::tvm::ffi::dtype_trait<T> {};
}  // namespace tvm_ffi
#endif  // TVM_FFI_EXTRA_DTYPE_H_
