// The loops behind the operators: raw pointers, checked shapes, no library. They are compiled once
// per instruction set and chosen when the plug-in is loaded, so one file serves every x86-64
// machine and other architectures too.
#ifndef PLUGINS_LLM_OPS_CPU_KERNELS_H_
#define PLUGINS_LLM_OPS_CPU_KERNELS_H_

#include <cstdint>

namespace llm_ops {

// The upper half of a float32.
struct Bf16 {
  uint16_t bits;
};

struct AttentionShape {
  int64_t query_len, key_len;  // query i sees keys 0 .. key_len - query_len + i
  int64_t heads, kv_heads;     // heads is a multiple of kv_heads
  int64_t head_dim;
  float scale;
};

// All tensors are contiguous, row-major. `out` may be the same memory as `x` except in matmul and
// attention.
template <typename T>
struct Kernels {
  void (*rmsnorm)(const T* x, const T* weight, T* out, int64_t rows, int64_t dim, float eps);
  // One token: x and out are [heads, 2 * half]; cosines and sines have `half` entries.
  void (*rope)(const T* x, const float* cosines, const float* sines, T* out, int64_t heads,
               int64_t half);
  void (*swiglu)(const T* gate, const T* up, T* out, int64_t size);
  void (*softmax)(const T* x, T* out, int64_t rows, int64_t dim);
  // out[m, n] = a[m, k] b[k, n]; scratch has matmul_scratch(m) floats.
  void (*matmul)(const T* a, const T* b, T* out, int64_t m, int64_t n, int64_t k, float* scratch);
  int64_t (*matmul_scratch)(int64_t m);
  // q, out: [query_len, heads, head_dim]; k, v: [key_len, kv_heads, head_dim]; scratch has
  // attention_scratch floats.
  void (*attention)(const AttentionShape& shape, const T* q, const T* k, const T* v, T* out,
                    float* scratch);
  int64_t (*attention_scratch)(const AttentionShape& shape);
};

// One pair per instruction set the build has; each is defined in its own file.
namespace generic {
extern const Kernels<float> kFloat32;
extern const Kernels<Bf16> kBfloat16;
}  // namespace generic
namespace avx2 {
extern const Kernels<float> kFloat32;
extern const Kernels<Bf16> kBfloat16;
}  // namespace avx2
namespace avx512 {
extern const Kernels<float> kFloat32;
extern const Kernels<Bf16> kBfloat16;
}  // namespace avx512

}  // namespace llm_ops

#endif  // PLUGINS_LLM_OPS_CPU_KERNELS_H_
