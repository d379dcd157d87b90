// Causal attention with a running softmax: one block per query and head; its threads share the keys
// of a tile for the scores, then the head dimension for the weighted sum, so no score ever goes to
// memory.

#include "device.cuh"

namespace llm_ops {
namespace {

constexpr int kKeyTile = kThreads;
constexpr int64_t kMaxHeadDim = 1024;
constexpr int kDimsPerThread = kMaxHeadDim / kThreads;

template <typename T>
__global__ void AttentionKernel(const T* q, const T* k, const T* v, T* out, int64_t query_len,
                                int64_t key_len, int64_t heads, int64_t kv_heads, int64_t head_dim,
                                float scale) {
  extern __shared__ float query[];
  __shared__ float weights[kKeyTile];
  const int64_t head = blockIdx.y;
  const int64_t kv_stride = kv_heads * head_dim;
  const int64_t kv_offset = head / (heads / kv_heads) * head_dim;
  for (int64_t row = blockIdx.x; row < query_len; row += gridDim.x) {
    const int64_t q_offset = (row * heads + head) * head_dim;
    for (int64_t d = threadIdx.x; d < head_dim; d += blockDim.x) {
      query[d] = ToFloat(q[q_offset + d]) * scale;
    }
    __syncthreads();
    const int64_t visible = key_len - query_len + row + 1;
    float largest = Max::kIdentity;
    float total = 0.0f;
    float sums[kDimsPerThread] = {};
    for (int64_t first = 0; first < visible; first += kKeyTile) {
      const int64_t key = first + threadIdx.x;
      float score = Max::kIdentity;
      if (key < visible) {
        score = 0.0f;
        const T* key_row = k + key * kv_stride + kv_offset;
        for (int64_t d = 0; d < head_dim; ++d) score += query[d] * ToFloat(key_row[d]);
      }
      const float new_largest = fmaxf(largest, BlockReduce<Max>(score));
      const float weight = key < visible ? expf(score - new_largest) : 0.0f;
      weights[threadIdx.x] = weight;
      const float rescale = expf(largest - new_largest);
      total = total * rescale + BlockReduce<Sum>(weight);  // also publishes weights[] to the block
      largest = new_largest;
      const int tile = static_cast<int>(visible - first < kKeyTile ? visible - first : kKeyTile);
      for (int s = 0; s < kDimsPerThread; ++s) {
        const int64_t d = threadIdx.x + static_cast<int64_t>(s) * kThreads;
        if (d >= head_dim) break;
        float sum = sums[s] * rescale;
        for (int j = 0; j < tile; ++j) {
          sum += weights[j] * ToFloat(v[(first + j) * kv_stride + kv_offset + d]);
        }
        sums[s] = sum;
      }
      __syncthreads();
    }
    for (int s = 0; s < kDimsPerThread; ++s) {
      const int64_t d = threadIdx.x + static_cast<int64_t>(s) * kThreads;
      if (d < head_dim) Store(sums[s] / total, &out[q_offset + d]);
    }
  }
}

template <typename T>
void LaunchAttention(cudaStream_t stream, const AttentionArgs& args) {
  const dim3 grid(GridFor(args.query_len, 1), static_cast<unsigned>(args.heads));
  const size_t shared = static_cast<size_t>(args.head_dim) * sizeof(float);
  AttentionKernel<T><<<grid, kThreads, shared, stream>>>(
      In<T>(args.q), In<T>(args.k), In<T>(args.v), Out<T>(args.out), args.query_len, args.key_len,
      args.heads, args.kv_heads, args.head_dim, args.scale);
}

}  // namespace

void CudaAttention(const Target& target, const AttentionArgs& args) {
  TVM_FFI_CHECK(args.head_dim <= kMaxHeadDim, ValueError)
      << "attention: the head dimension is " << args.head_dim << ", the CUDA kernel takes up to "
      << kMaxHeadDim;
  const LaunchScope scope(target);
  const bool is_float = target.type == ElementType::kFloat32;
  (is_float ? LaunchAttention<float> : LaunchAttention<__nv_bfloat16>)(scope.stream(), args);
  CheckCuda(cudaGetLastError(), "cannot launch attention");
}

const Backend kCudaBackend = {&CudaRmsNorm, &CudaRope,   &CudaAttention,
                              &CudaSwiGlu,  &CudaMatmul, &CudaSoftmax};

}  // namespace llm_ops
