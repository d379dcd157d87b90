// rmsnorm and softmax: one block per row.

#include "device.cuh"

namespace llm_ops {
namespace {

template <typename T>
__global__ void RmsNormKernel(const T* x, const T* weight, T* out, int64_t rows, int64_t dim,
                              float eps) {
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const T* from = x + row * dim;
    T* to = out + row * dim;
    float sum = 0.0f;
    for (int64_t i = threadIdx.x; i < dim; i += blockDim.x)
      sum += ToFloat(from[i]) * ToFloat(from[i]);
    const float mean = BlockReduce<Sum>(sum) / static_cast<float>(dim);
    const float factor = rsqrtf(mean + eps);
    for (int64_t i = threadIdx.x; i < dim; i += blockDim.x) {
      Store(ToFloat(from[i]) * factor * ToFloat(weight[i]), &to[i]);
    }
  }
}

template <typename T>
__global__ void SoftmaxKernel(const T* x, T* out, int64_t rows, int64_t dim) {
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const T* from = x + row * dim;
    T* to = out + row * dim;
    float largest = Max::kIdentity;
    for (int64_t i = threadIdx.x; i < dim; i += blockDim.x) {
      largest = fmaxf(largest, ToFloat(from[i]));
    }
    largest = BlockReduce<Max>(largest);
    float sum = 0.0f;
    for (int64_t i = threadIdx.x; i < dim; i += blockDim.x) sum += expf(ToFloat(from[i]) - largest);
    const float factor = 1.0f / BlockReduce<Sum>(sum);
    for (int64_t i = threadIdx.x; i < dim; i += blockDim.x) {
      Store(expf(ToFloat(from[i]) - largest) * factor, &to[i]);
    }
  }
}

template <typename T>
void LaunchRmsNorm(cudaStream_t stream, const RmsNormArgs& args) {
  RmsNormKernel<T><<<GridFor(args.rows, 1), kThreads, 0, stream>>>(
      In<T>(args.x), In<T>(args.weight), Out<T>(args.out), args.rows, args.dim, args.eps);
}

template <typename T>
void LaunchSoftmax(cudaStream_t stream, const SoftmaxArgs& args) {
  SoftmaxKernel<T><<<GridFor(args.rows, 1), kThreads, 0, stream>>>(In<T>(args.x), Out<T>(args.out),
                                                                   args.rows, args.dim);
}

}  // namespace

void CudaRmsNorm(const Target& target, const RmsNormArgs& args) {
  const LaunchScope scope(target);
  const bool is_float = target.type == ElementType::kFloat32;
  (is_float ? LaunchRmsNorm<float> : LaunchRmsNorm<__nv_bfloat16>)(scope.stream(), args);
  CheckCuda(cudaGetLastError(), "cannot launch rmsnorm");
}

void CudaSoftmax(const Target& target, const SoftmaxArgs& args) {
  const LaunchScope scope(target);
  const bool is_float = target.type == ElementType::kFloat32;
  (is_float ? LaunchSoftmax<float> : LaunchSoftmax<__nv_bfloat16>)(scope.stream(), args);
  CheckCuda(cudaGetLastError(), "cannot launch softmax");
}

}  // namespace llm_ops
