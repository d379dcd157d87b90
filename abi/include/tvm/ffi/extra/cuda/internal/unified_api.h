/*!
 * \file tvm/ffi/extra/cuda/internal/unified_api.h
 * \brief tvm::ffi::cuda_api: the calls of the cubin launcher over the CUDA runtime or the driver.
 *
 * TVM_FFI_CUBIN_LAUNCHER_USE_DRIVER_API chooses:
 *  0, the default from CUDA 12.8 on: the runtime library API; link the CUDA runtime.
 *  1, the default before: the driver API. Nothing is linked: libcuda.so.1 is opened at the first
 *     call, so that a library with embedded cubins loads on machines without a GPU.
 *
 * All calls may come from any thread. They return what CUDA returned; without a driver that can be
 * used they return an error whose GetErrorString says why.
 */
#ifndef TVM_FFI_EXTRA_CUDA_INTERNAL_UNIFIED_API_H_
#define TVM_FFI_EXTRA_CUDA_INTERNAL_UNIFIED_API_H_

#include <cuda_runtime.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/cuda/base.h>

#ifndef TVM_FFI_CUBIN_LAUNCHER_USE_DRIVER_API
#if CUDART_VERSION >= 12080
#define TVM_FFI_CUBIN_LAUNCHER_USE_DRIVER_API 0
#else
#define TVM_FFI_CUBIN_LAUNCHER_USE_DRIVER_API 1
#endif
#endif

#if TVM_FFI_CUBIN_LAUNCHER_USE_DRIVER_API
#include <tvm/ffi/extra/cuda/internal/driver_api.h>
#else
#include <tvm/ffi/extra/cuda/internal/runtime_api.h>
#endif

/*! \brief Runs a call of cuda_api; RuntimeError with CUDA's name, number and text if it fails. */
#define TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(stmt)                                    \
  do {                                                                                   \
    const ::tvm::ffi::cuda_api::ResultType tvm_ffi_cuda_result_ = (stmt);                \
    if (TVM_FFI_PREDICT_FALSE(tvm_ffi_cuda_result_ != ::tvm::ffi::cuda_api::kSuccess)) { \
      const char* tvm_ffi_cuda_name_ = nullptr;                                          \
      const char* tvm_ffi_cuda_text_ = nullptr;                                          \
      ::tvm::ffi::cuda_api::GetErrorString(tvm_ffi_cuda_result_, &tvm_ffi_cuda_name_,    \
                                           &tvm_ffi_cuda_text_);                         \
      TVM_FFI_THROW(RuntimeError) << "CUDA Error: " << tvm_ffi_cuda_name_ << " ("        \
                                  << static_cast<int>(tvm_ffi_cuda_result_)              \
                                  << "): " << tvm_ffi_cuda_text_;                        \
    }                                                                                    \
  } while (false)

#endif  // TVM_FFI_EXTRA_CUDA_INTERNAL_UNIFIED_API_H_
