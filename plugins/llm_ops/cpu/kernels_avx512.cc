#define LLM_OPS_ISA avx512
#define LLM_OPS_TILE_ROWS 6
#define LLM_OPS_TILE_COLS 64

#include "kernels.h"
// In this order: each uses the one before it.
#include "elementwise_impl.h"
#include "gemm_impl.h"
#include "attention_impl.h"
