/*!
 * \file tvm/ffi/extra/cuda/base.h
 * \brief CUDA runtime errors as exceptions, and the launch dimensions of the cubin launcher.
 *
 * Code that uses these links the CUDA runtime.
 */
#ifndef TVM_FFI_EXTRA_CUDA_BASE_H_
#define TVM_FFI_EXTRA_CUDA_BASE_H_

#include <cuda_runtime.h>
#include <tvm/ffi/error.h>

/*! \brief Runs a call of the CUDA runtime; RuntimeError with its name, number and text if it fails.
 */
#define TVM_FFI_CHECK_CUDA_ERROR(stmt)                                                 \
  do {                                                                                 \
    const cudaError_t tvm_ffi_cuda_error_ = (stmt);                                    \
    if (TVM_FFI_PREDICT_FALSE(tvm_ffi_cuda_error_ != cudaSuccess)) {                   \
      TVM_FFI_THROW(RuntimeError) << "CUDA Runtime Error: "                            \
                                  << cudaGetErrorName(tvm_ffi_cuda_error_) << " ("     \
                                  << static_cast<int>(tvm_ffi_cuda_error_)             \
                                  << "): " << cudaGetErrorString(tvm_ffi_cuda_error_); \
    }                                                                                  \
  } while (false)

namespace tvm {
namespace ffi {

/*!
 * \brief Sizes of a grid or a block. Another type than CUDA's own ::dim3: code that is compiled
 * without nvcc has it too.
 */
struct dim3 {
  unsigned int x = 1;
  unsigned int y = 1;
  unsigned int z = 1;

  dim3() = default;
  explicit dim3(unsigned int x) : x(x) {}
  dim3(unsigned int x, unsigned int y) : x(x), y(y) {}
  dim3(unsigned int x, unsigned int y, unsigned int z) : x(x), y(y), z(z) {}
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXTRA_CUDA_BASE_H_
