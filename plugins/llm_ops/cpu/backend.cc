// Picks the kernels for this processor and lends them their scratch memory.

#include "../backend.h"

#include <cmath>
#include <vector>

#include "kernels.h"

namespace llm_ops {
namespace {

template <typename T>
const Kernels<T>& Choose(const Kernels<T>& generic, const Kernels<T>* avx2,
                         const Kernels<T>* avx512) {
#ifdef LLM_OPS_X86_64
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    return *avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return *avx2;
#endif
  (void)avx2;
  (void)avx512;
  return generic;
}

#ifdef LLM_OPS_X86_64
#define LLM_OPS_CHOOSE(table) Choose(generic::table, &avx2::table, &avx512::table)
#else
#define LLM_OPS_CHOOSE(table) Choose(generic::table, decltype (&generic::table)(nullptr), nullptr)
#endif

template <typename T>
const Kernels<T>& GetKernels();

template <>
const Kernels<float>& GetKernels() {
  static const Kernels<float>& kernels = LLM_OPS_CHOOSE(kFloat32);
  return kernels;
}

template <>
const Kernels<Bf16>& GetKernels() {
  static const Kernels<Bf16>& kernels = LLM_OPS_CHOOSE(kBfloat16);
  return kernels;
}

// Kept by the thread between calls; grows to the largest call it has seen.
float* Scratch(int64_t floats) {
  thread_local std::vector<float> scratch;
  if (scratch.size() < static_cast<size_t>(floats)) scratch.resize(floats);
  return scratch.data();
}

template <typename T>
const T* In(const void* data) {
  return static_cast<const T*>(data);
}

template <typename T>
T* Out(void* data) {
  return static_cast<T*>(data);
}

template <typename T>
void RmsNorm(const RmsNormArgs& args) {
  GetKernels<T>().rmsnorm(In<T>(args.x), In<T>(args.weight), Out<T>(args.out), args.rows, args.dim,
                          args.eps);
}

template <typename T>
void Rope(const RopeArgs& args) {
  const int64_t half = args.head_dim / 2;
  const int64_t token_size = args.heads * args.head_dim;
  float* cosines = Scratch(2 * half);
  float* sines = cosines + half;
  std::vector<double> frequencies(half);
  for (int64_t i = 0; i < half; ++i) {
    frequencies[i] = std::pow(args.theta, -static_cast<double>(i) / static_cast<double>(half));
  }
  for (int64_t token = 0; token < args.tokens; ++token) {
    for (int64_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(args.positions[token]) * frequencies[i];
      cosines[i] = static_cast<float>(std::cos(angle));
      sines[i] = static_cast<float>(std::sin(angle));
    }
    GetKernels<T>().rope(In<T>(args.x) + token * token_size, cosines, sines,
                         Out<T>(args.out) + token * token_size, args.heads, half);
  }
}

template <typename T>
void Attention(const AttentionArgs& args) {
  const Kernels<T>& kernels = GetKernels<T>();
  const AttentionShape shape{args.query_len, args.key_len,  args.heads,
                             args.kv_heads,  args.head_dim, args.scale};
  kernels.attention(shape, In<T>(args.q), In<T>(args.k), In<T>(args.v), Out<T>(args.out),
                    Scratch(kernels.attention_scratch(shape)));
}

template <typename T>
void SwiGlu(const SwiGluArgs& args) {
  GetKernels<T>().swiglu(In<T>(args.gate), In<T>(args.up), Out<T>(args.out), args.size);
}

template <typename T>
void Matmul(const MatmulArgs& args) {
  const Kernels<T>& kernels = GetKernels<T>();
  kernels.matmul(In<T>(args.a), In<T>(args.b), Out<T>(args.out), args.m, args.n, args.k,
                 Scratch(kernels.matmul_scratch(args.m)));
}

template <typename T>
void Softmax(const SoftmaxArgs& args) {
  GetKernels<T>().softmax(In<T>(args.x), Out<T>(args.out), args.rows, args.dim);
}

template <typename Args, void (*kFloat32Op)(const Args&), void (*kBfloat16Op)(const Args&)>
void Dispatch(const Target& target, const Args& args) {
  (target.type == ElementType::kFloat32 ? kFloat32Op : kBfloat16Op)(args);
}

}  // namespace

const Backend kCpuBackend = {
    &Dispatch<RmsNormArgs, RmsNorm<float>, RmsNorm<Bf16>>,
    &Dispatch<RopeArgs, Rope<float>, Rope<Bf16>>,
    &Dispatch<AttentionArgs, Attention<float>, Attention<Bf16>>,
    &Dispatch<SwiGluArgs, SwiGlu<float>, SwiGlu<Bf16>>,
    &Dispatch<MatmulArgs, Matmul<float>, Matmul<Bf16>>,
    &Dispatch<SoftmaxArgs, Softmax<float>, Softmax<Bf16>>,
};

}  // namespace llm_ops
