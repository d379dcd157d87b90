// Shared by the CUDA kernels: conversions, the caller's stream, launches that report their errors.
#ifndef PLUGINS_LLM_OPS_CUDA_DEVICE_CUH_
#define PLUGINS_LLM_OPS_CUDA_DEVICE_CUH_

#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/c_env_api.h>

#include <cstdint>

#include "../backend.h"

namespace llm_ops {

constexpr int kThreads = 256;
constexpr int kWarpSize = 32;

__device__ inline float ToFloat(float x) { return x; }
__device__ inline float ToFloat(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ inline void Store(float x, float* out) { *out = x; }
__device__ inline void Store(float x, __nv_bfloat16* out) { *out = __float2bfloat16(x); }

struct Sum {
  static constexpr float kIdentity = 0.0f;
  __device__ static float Combine(float a, float b) { return a + b; }
};

struct Max {
  static constexpr float kIdentity = -3.402823466e38f;
  __device__ static float Combine(float a, float b) { return fmaxf(a, b); }
};

// One value per thread in, the same combined value in every thread out. Every thread of the block
// must call it.
template <typename Op>
__device__ float BlockReduce(float value) {
  __shared__ float partial[kWarpSize];
  __shared__ float result;
  for (int step = kWarpSize / 2; step > 0; step /= 2) {
    value = Op::Combine(value, __shfl_down_sync(0xffffffffu, value, step));
  }
  if (threadIdx.x % kWarpSize == 0) partial[threadIdx.x / kWarpSize] = value;
  __syncthreads();
  if (threadIdx.x == 0) {
    float all = Op::kIdentity;
    for (int warp = 0; warp < (static_cast<int>(blockDim.x) + kWarpSize - 1) / kWarpSize; ++warp) {
      all = Op::Combine(all, partial[warp]);
    }
    result = all;
  }
  __syncthreads();
  return result;
}

inline void CheckCuda(cudaError_t status, const char* doing) {
  TVM_FFI_CHECK(status == cudaSuccess, RuntimeError)
      << doing << ": " << cudaGetErrorName(status) << " (" << static_cast<int>(status)
      << "): " << cudaGetErrorString(status);
}

// Makes the tensors' device current and restores the caller's. `stream` is the one the caller set
// for that device.
class LaunchScope {
 public:
  explicit LaunchScope(const Target& target)
      : stream_(static_cast<cudaStream_t>(TVMFFIEnvGetStream(kDLCUDA, target.device_id))) {
    CheckCuda(cudaGetDevice(&previous_), "cannot read the current CUDA device");
    CheckCuda(cudaSetDevice(target.device_id), "cannot select the tensors' CUDA device");
  }
  ~LaunchScope() { cudaSetDevice(previous_); }
  LaunchScope(const LaunchScope&) = delete;
  LaunchScope& operator=(const LaunchScope&) = delete;

  cudaStream_t stream() const { return stream_; }

 private:
  cudaStream_t stream_;
  int previous_ = 0;
};

// The grid of a kernel whose blocks walk `items` in steps of the whole grid.
inline unsigned GridFor(int64_t items, int64_t per_block) {
  const int64_t blocks = (items + per_block - 1) / per_block;
  return static_cast<unsigned>(blocks < 65535 ? blocks : 65535);
}

template <typename T>
const T* In(const void* data) {
  return static_cast<const T*>(data);
}

template <typename T>
T* Out(void* data) {
  return static_cast<T*>(data);
}

// One function per operator, in its own file.
void CudaRmsNorm(const Target& target, const RmsNormArgs& args);
void CudaRope(const Target& target, const RopeArgs& args);
void CudaAttention(const Target& target, const AttentionArgs& args);
void CudaSwiGlu(const Target& target, const SwiGluArgs& args);
void CudaMatmul(const Target& target, const MatmulArgs& args);
void CudaSoftmax(const Target& target, const SoftmaxArgs& args);

}  // namespace llm_ops

#endif  // PLUGINS_LLM_OPS_CUDA_DEVICE_CUH_
