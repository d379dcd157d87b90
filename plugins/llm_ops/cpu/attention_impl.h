// Causal attention, one block of query rows of one head at a time: scores, softmax of each row up
// to its own key, weighted sum of values. A block looks only at the keys its last row may see.
#ifndef PLUGINS_LLM_OPS_CPU_ATTENTION_IMPL_H_
#define PLUGINS_LLM_OPS_CPU_ATTENTION_IMPL_H_

#include "gemm_impl.h"

namespace llm_ops {
namespace LLM_OPS_ISA {

constexpr int64_t kQueryBlock = 48;

inline int64_t AttentionScratch(const AttentionShape& shape) {
  return kPackFloats + kQueryBlock * (shape.key_len + shape.head_dim);
}

inline void CausalSoftmax(float* scores, int64_t stride, int64_t rows, int64_t first_row_keys,
                          float scale) {
  for (int64_t i = 0; i < rows; ++i, scores += stride) {
    const int64_t visible = first_row_keys + i;
#pragma omp simd
    for (int64_t j = 0; j < visible; ++j) scores[j] *= scale;
    SoftmaxRow(scores, visible);
    Zero(scores + visible, stride - visible);
  }
}

template <typename T>
void Attention(const AttentionShape& shape, const T* q, const T* k, const T* v, T* out,
               float* scratch) {
  const int64_t dim = shape.head_dim;
  const int64_t q_stride = shape.heads * dim;
  const int64_t kv_stride = shape.kv_heads * dim;
  const int64_t group = shape.heads / shape.kv_heads;
  float* scores = scratch + kPackFloats;
  float* sums = scores + kQueryBlock * shape.key_len;
  for (int64_t head = 0; head < shape.heads; ++head) {
    const Matrix<T> keys_transposed{k + head / group * dim, 1, kv_stride};
    const Matrix<T> values{v + head / group * dim, kv_stride, 1};
    for (int64_t first = 0; first < shape.query_len; first += kQueryBlock) {
      const int64_t rows = Min(kQueryBlock, shape.query_len - first);
      const int64_t first_row_keys = shape.key_len - shape.query_len + first + 1;
      const int64_t keys = first_row_keys + rows - 1;
      const Matrix<T> queries{q + first * q_stride + head * dim, q_stride, 1};
      Zero(scores, rows * keys);
      GemmAccumulate(queries, keys_transposed, scores, keys, rows, keys, dim, scratch);
      CausalSoftmax(scores, keys, rows, first_row_keys, shape.scale);
      Zero(sums, rows * dim);
      GemmAccumulate(Matrix<float>{scores, keys, 1}, values, sums, dim, rows, dim, keys, scratch);
      for (int64_t i = 0; i < rows; ++i) {
        T* row = out + (first + i) * q_stride + head * dim;
#pragma omp simd
        for (int64_t d = 0; d < dim; ++d) Store(sums[i * dim + d], &row[d]);
      }
    }
  }
}

}  // namespace LLM_OPS_ISA
}  // namespace llm_ops

#endif  // PLUGINS_LLM_OPS_CPU_ATTENTION_IMPL_H_
