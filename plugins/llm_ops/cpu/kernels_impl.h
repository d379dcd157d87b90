// The tables of one instruction set. The including file sets LLM_OPS_ISA, LLM_OPS_TILE_ROWS and
// LLM_OPS_TILE_COLS.
#ifndef PLUGINS_LLM_OPS_CPU_KERNELS_IMPL_H_
#define PLUGINS_LLM_OPS_CPU_KERNELS_IMPL_H_

#include "attention_impl.h"

namespace llm_ops {
namespace LLM_OPS_ISA {

template <typename T>
constexpr Kernels<T> MakeKernels() {
  return {&RmsNorm<T>, &Rope<T>,       &SwiGlu<T>,    &Softmax<T>,
          &Matmul<T>,  &MatmulScratch, &Attention<T>, &AttentionScratch};
}

extern constexpr Kernels<float> kFloat32 = MakeKernels<float>();
extern constexpr Kernels<Bf16> kBfloat16 = MakeKernels<Bf16>();

}  // namespace LLM_OPS_ISA
}  // namespace llm_ops

#endif  // PLUGINS_LLM_OPS_CPU_KERNELS_IMPL_H_
