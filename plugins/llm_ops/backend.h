// What an implementation of the operators provides for one kind of device. The arguments have been
// checked: shapes agree, every tensor is contiguous, on the same device and of the same type.
#ifndef PLUGINS_LLM_OPS_BACKEND_H_
#define PLUGINS_LLM_OPS_BACKEND_H_

#include <cstdint>

namespace llm_ops {

enum class ElementType { kFloat32, kBfloat16 };

// Common to every call: how to read the pointers and where to run.
struct Target {
  ElementType type;
  int device_id;
};

struct RmsNormArgs {
  const void* x;
  const void* weight;
  void* out;
  int64_t rows, dim;
  float eps;
};

struct RopeArgs {
  const void* x;
  const int64_t* positions;
  void* out;
  int64_t tokens, heads, head_dim;
  double theta;
};

struct AttentionArgs {
  const void *q, *k, *v;
  void* out;
  int64_t query_len, key_len;
  int64_t heads, kv_heads, head_dim;
  float scale;
};

struct SwiGluArgs {
  const void *gate, *up;
  void* out;
  int64_t size;
};

struct MatmulArgs {
  const void *a, *b;
  void* out;
  int64_t m, n, k;
};

struct SoftmaxArgs {
  const void* x;
  void* out;
  int64_t rows, dim;
};

struct Backend {
  void (*rmsnorm)(const Target& target, const RmsNormArgs& args);
  void (*rope)(const Target& target, const RopeArgs& args);
  void (*attention)(const Target& target, const AttentionArgs& args);
  void (*swiglu)(const Target& target, const SwiGluArgs& args);
  void (*matmul)(const Target& target, const MatmulArgs& args);
  void (*softmax)(const Target& target, const SoftmaxArgs& args);
};

extern const Backend kCpuBackend;
// In llm_ops_cuda.so only.
extern const Backend kCudaBackend;

}  // namespace llm_ops

#endif  // PLUGINS_LLM_OPS_BACKEND_H_
