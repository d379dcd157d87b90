// Tiled matrix product: a block computes a kTile x kTile tile of the result, a thread a 4 x 4 patch
// of it.

#include "device.cuh"

namespace llm_ops {
namespace {

constexpr int kTile = 64;
constexpr int kDepth = 16;
constexpr int kPatch = 4;
constexpr int kSide = kTile / kPatch;

template <typename T>
__global__ void __launch_bounds__(kSide* kSide)
    MatmulKernel(const T* a, const T* b, T* out, int64_t m, int64_t n, int64_t k) {
  __shared__ float a_tile[kDepth]
                         [kTile + 1];  // transposed; the padding spreads the writes over the banks
  __shared__ float b_tile[kDepth][kTile];
  const int thread = static_cast<int>(threadIdx.x);
  const int patch_row = thread / kSide * kPatch;
  const int patch_col = thread % kSide * kPatch;
  const int64_t first_col = static_cast<int64_t>(blockIdx.x) * kTile;
  const int64_t row_step = static_cast<int64_t>(gridDim.y) * kTile;
  for (int64_t first_row = static_cast<int64_t>(blockIdx.y) * kTile; first_row < m;
       first_row += row_step) {
    float sums[kPatch][kPatch] = {};
    for (int64_t p = 0; p < k; p += kDepth) {
      for (int i = thread; i < kDepth * kTile; i += kSide * kSide) {
        const int64_t row = first_row + i / kDepth;
        const int64_t depth_a = p + i % kDepth;
        a_tile[i % kDepth][i / kDepth] =
            row < m && depth_a < k ? ToFloat(a[row * k + depth_a]) : 0.0f;
        const int64_t col = first_col + i % kTile;
        const int64_t depth_b = p + i / kTile;
        b_tile[i / kTile][i % kTile] =
            col < n && depth_b < k ? ToFloat(b[depth_b * n + col]) : 0.0f;
      }
      __syncthreads();
      for (int d = 0; d < kDepth; ++d) {
        for (int i = 0; i < kPatch; ++i) {
          for (int j = 0; j < kPatch; ++j) {
            sums[i][j] += a_tile[d][patch_row + i] * b_tile[d][patch_col + j];
          }
        }
      }
      __syncthreads();
    }
    for (int i = 0; i < kPatch; ++i) {
      for (int j = 0; j < kPatch; ++j) {
        const int64_t row = first_row + patch_row + i;
        const int64_t col = first_col + patch_col + j;
        if (row < m && col < n) Store(sums[i][j], &out[row * n + col]);
      }
    }
  }
}

template <typename T>
void LaunchMatmul(cudaStream_t stream, const MatmulArgs& args) {
  const dim3 grid(static_cast<unsigned>((args.n + kTile - 1) / kTile), GridFor(args.m, kTile));
  MatmulKernel<T><<<grid, kSide * kSide, 0, stream>>>(In<T>(args.a), In<T>(args.b),
                                                      Out<T>(args.out), args.m, args.n, args.k);
}

}  // namespace

void CudaMatmul(const Target& target, const MatmulArgs& args) {
  const LaunchScope scope(target);
  const bool is_float = target.type == ElementType::kFloat32;
  (is_float ? LaunchMatmul<float> : LaunchMatmul<__nv_bfloat16>)(scope.stream(), args);
  CheckCuda(cudaGetLastError(), "cannot launch matmul");
}

}  // namespace llm_ops
