// Blocked matrix product. B is packed into panels that stay in the second-level cache, A into
// slivers that stay in the first, both as float32; an MR x NR tile of the result is kept in
// registers over the whole inner loop.
#ifndef PLUGINS_LLM_OPS_CPU_GEMM_IMPL_H_
#define PLUGINS_LLM_OPS_CPU_GEMM_IMPL_H_

#include "elementwise_impl.h"

namespace llm_ops {
namespace LLM_OPS_ISA {

constexpr int kTileRows = LLM_OPS_TILE_ROWS;
constexpr int kTileCols = LLM_OPS_TILE_COLS;
constexpr int64_t kBlockRows = 16 * kTileRows;
constexpr int64_t kBlockCols = 8 * kTileCols;
constexpr int64_t kBlockDepth = 256;

inline int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t RoundUp(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

// Element (i, j) lies at data[i * row_stride + j * col_stride].
template <typename T>
struct Matrix {
  const T* data;
  int64_t row_stride;
  int64_t col_stride;
  Matrix At(int64_t i, int64_t j) const {
    return {data + i * row_stride + j * col_stride, row_stride, col_stride};
  }
};

// Lays `lines` x `depth` out as strips of kWidth lines, each strip depth-major; missing lines
// become zeros.
template <int kWidth, typename T>
void Pack(const T* from, int64_t line_stride, int64_t depth_stride, int64_t lines, int64_t depth,
          float* to) {
  for (int64_t strip = 0; strip < lines; strip += kWidth, to += depth * kWidth) {
    const int64_t width = Min(kWidth, lines - strip);
    const T* base = from + strip * line_stride;
    if (width == kWidth && line_stride == 1) {
      for (int64_t p = 0; p < depth; ++p) {
#pragma omp simd
        for (int64_t i = 0; i < kWidth; ++i)
          to[p * kWidth + i] = ToFloat(base[p * depth_stride + i]);
      }
      continue;
    }
    for (int64_t i = 0; i < width; ++i) {
      const T* line = base + i * line_stride;
      for (int64_t p = 0; p < depth; ++p) to[p * kWidth + i] = ToFloat(line[p * depth_stride]);
    }
    for (int64_t i = width; i < kWidth; ++i) {
      for (int64_t p = 0; p < depth; ++p) to[p * kWidth + i] = 0.0f;
    }
  }
}

// c[rows, cols] += a b over packed strips.
inline void MultiplyTile(const float* a, const float* b, int64_t depth, float* c, int64_t c_stride,
                         int64_t rows, int64_t cols) {
  float tile[kTileRows][kTileCols] = {};
  for (int64_t p = 0; p < depth; ++p, a += kTileRows, b += kTileCols) {
#pragma GCC unroll 16
    for (int i = 0; i < kTileRows; ++i) {
#pragma omp simd
      for (int j = 0; j < kTileCols; ++j) tile[i][j] += a[i] * b[j];
    }
  }
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) c[i * c_stride + j] += tile[i][j];
  }
}

constexpr int64_t kPackFloats = kBlockDepth * (kBlockCols + kBlockRows);

// sums[m, n] (row stride n) += a b. `pack` has kPackFloats floats.
template <typename TA, typename TB>
void GemmAccumulate(Matrix<TA> a, Matrix<TB> b, float* sums, int64_t sums_stride, int64_t m,
                    int64_t n, int64_t k, float* pack) {
  float* packed_b = pack;
  float* packed_a = pack + kBlockDepth * kBlockCols;
  for (int64_t p = 0; p < k; p += kBlockDepth) {
    const int64_t depth = Min(kBlockDepth, k - p);
    for (int64_t j = 0; j < n; j += kBlockCols) {
      const int64_t cols = Min(kBlockCols, n - j);
      Pack<kTileCols>(b.At(p, j).data, b.col_stride, b.row_stride, cols, depth, packed_b);
      for (int64_t i = 0; i < m; i += kBlockRows) {
        const int64_t rows = Min(kBlockRows, m - i);
        Pack<kTileRows>(a.At(i, p).data, a.row_stride, a.col_stride, rows, depth, packed_a);
        for (int64_t jj = 0; jj < cols; jj += kTileCols) {
          for (int64_t ii = 0; ii < rows; ii += kTileRows) {
            MultiplyTile(packed_a + ii * depth, packed_b + jj * depth, depth,
                         sums + (i + ii) * sums_stride + j + jj, sums_stride,
                         Min(kTileRows, rows - ii), Min(kTileCols, cols - jj));
          }
        }
      }
    }
  }
}

inline void Zero(float* data, int64_t size) {
  for (int64_t i = 0; i < size; ++i) data[i] = 0.0f;
}

inline int64_t MatmulScratch(int64_t m) { return kPackFloats + m * kBlockCols; }

template <typename T>
void Matmul(const T* a, const T* b, T* out, int64_t m, int64_t n, int64_t k, float* scratch) {
  float* sums = scratch + kPackFloats;
  for (int64_t j = 0; j < n; j += kBlockCols) {
    const int64_t cols = Min(kBlockCols, n - j);
    Zero(sums, m * cols);
    GemmAccumulate(Matrix<T>{a, k, 1}, Matrix<T>{b + j, n, 1}, sums, cols, m, cols, k, scratch);
    for (int64_t i = 0; i < m; ++i) {
#pragma omp simd
      for (int64_t c = 0; c < cols; ++c) Store(sums[i * cols + c], &out[i * n + j + c]);
    }
  }
}

}  // namespace LLM_OPS_ISA
}  // namespace llm_ops

#endif  // PLUGINS_LLM_OPS_CPU_GEMM_IMPL_H_
