/*!
 * \file tvm/ffi/extra/cuda/device_guard.h
 * \brief CUDADeviceGuard: another current device for the time of a scope.
 */
#ifndef TVM_FFI_EXTRA_CUDA_DEVICE_GUARD_H_
#define TVM_FFI_EXTRA_CUDA_DEVICE_GUARD_H_

#include <tvm/ffi/extra/cuda/base.h>

#include <exception>

namespace tvm {
namespace ffi {

/*!
 * \brief Makes a device current for the calling thread, and the previous one again when it dies.
 *
 * \code
 * ffi::CUDADeviceGuard guard(x.device().device_id);
 * \endcode
 *
 * Both ends throw RuntimeError when the CUDA runtime fails; the end does not while another
 * exception is on its way.
 */
class CUDADeviceGuard {
 public:
  explicit CUDADeviceGuard(int device_index) : target_(device_index) {
    TVM_FFI_CHECK_CUDA_ERROR(cudaGetDevice(&original_));
    if (target_ != original_) {
      TVM_FFI_CHECK_CUDA_ERROR(cudaSetDevice(target_));
    }
  }
  ~CUDADeviceGuard() noexcept(false) {
    if (target_ != original_) {
      const cudaError_t error = cudaSetDevice(original_);
      if (std::uncaught_exceptions() == 0) {
        TVM_FFI_CHECK_CUDA_ERROR(error);
      }
    }
  }
  CUDADeviceGuard(const CUDADeviceGuard&) = delete;
  CUDADeviceGuard& operator=(const CUDADeviceGuard&) = delete;

 private:
  int original_ = 0;
  int target_;
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXTRA_CUDA_DEVICE_GUARD_H_
