// swiglu and rope: one thread per element or pair.

#include "device.cuh"

namespace llm_ops {
namespace {

template <typename T>
__global__ void SwiGluKernel(const T* gate, const T* up, T* out, int64_t size) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < size;
       i += step) {
    const float g = ToFloat(gate[i]);
    Store(g / (1.0f + expf(-g)) * ToFloat(up[i]), &out[i]);
  }
}

// One block per token. The angle is computed in float64: positions go into the hundreds of
// thousands.
template <typename T>
__global__ void RopeKernel(const T* x, const int64_t* positions, T* out, int64_t tokens,
                           int64_t heads, int64_t head_dim, double log2_theta) {
  const int64_t half = head_dim / 2;
  for (int64_t token = blockIdx.x; token < tokens; token += gridDim.x) {
    const double position = static_cast<double>(positions[token]);
    for (int64_t i = threadIdx.x; i < half; i += blockDim.x) {
      const double exponent = -static_cast<double>(i) / static_cast<double>(half);
      double sine, cosine;
      sincos(position * exp2(log2_theta * exponent), &sine, &cosine);
      const float s = static_cast<float>(sine);
      const float c = static_cast<float>(cosine);
      for (int64_t head = 0; head < heads; ++head) {
        const int64_t at = (token * heads + head) * head_dim + i;
        const float first = ToFloat(x[at]);
        const float second = ToFloat(x[at + half]);
        Store(first * c - second * s, &out[at]);
        Store(second * c + first * s, &out[at + half]);
      }
    }
  }
}

template <typename T>
void LaunchSwiGlu(cudaStream_t stream, const SwiGluArgs& args) {
  SwiGluKernel<T><<<GridFor(args.size, kThreads), kThreads, 0, stream>>>(
      In<T>(args.gate), In<T>(args.up), Out<T>(args.out), args.size);
}

template <typename T>
void LaunchRope(cudaStream_t stream, const RopeArgs& args) {
  RopeKernel<T><<<GridFor(args.tokens, 1), kWarpSize, 0, stream>>>(
      In<T>(args.x), args.positions, Out<T>(args.out), args.tokens, args.heads, args.head_dim,
      log2(args.theta));
}

}  // namespace

void CudaSwiGlu(const Target& target, const SwiGluArgs& args) {
  const LaunchScope scope(target);
  const bool is_float = target.type == ElementType::kFloat32;
  (is_float ? LaunchSwiGlu<float> : LaunchSwiGlu<__nv_bfloat16>)(scope.stream(), args);
  CheckCuda(cudaGetLastError(), "cannot launch swiglu");
}

void CudaRope(const Target& target, const RopeArgs& args) {
  const LaunchScope scope(target);
  const bool is_float = target.type == ElementType::kFloat32;
  (is_float ? LaunchRope<float> : LaunchRope<__nv_bfloat16>)(scope.stream(), args);
  CheckCuda(cudaGetLastError(), "cannot launch rope");
}

}  // namespace llm_ops
