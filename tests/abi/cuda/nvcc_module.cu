// What nvcc makes of the headers: a kernel launched with <<<>>> on the caller's stream.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/extra/cuda/cubin_launcher.h>
#include <tvm/ffi/extra/cuda/device_guard.h>
#include <tvm/ffi/extra/dtype.h>
#include <tvm/ffi/extra/stl.h>
#include <tvm/ffi/function.h>

namespace ffi = tvm::ffi;

static_assert(tvm_ffi::dtype_trait<__half>::value.bits == 16, "half");
static_assert(tvm_ffi::dtype_trait<__nv_bfloat16>::value.code == kDLBfloat, "bfloat16");

__global__ void AddOneKernel(const float* x, float* y, int64_t n) {
  const int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  if (i < n) {
    y[i] = x[i] + 1.0f;
  }
}

void AddOne(ffi::TensorView x, ffi::TensorView y) {
  TVM_FFI_ICHECK_EQ(x.ndim(), 1) << "x must be a 1D tensor";
  ffi::CUDADeviceGuard guard(x.device().device_id);
  const int64_t n = x.size(0);
  const int block = 256;
  const cudaStream_t stream =
      static_cast<cudaStream_t>(TVMFFIEnvGetStream(x.device().device_type, x.device().device_id));
  AddOneKernel<<<static_cast<unsigned int>((n + block - 1) / block), block, 0, stream>>>(
      static_cast<const float*>(x.data_ptr()), static_cast<float*>(y.data_ptr()), n);
  TVM_FFI_CHECK_CUDA_ERROR(cudaGetLastError());
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(add_one, AddOne);
