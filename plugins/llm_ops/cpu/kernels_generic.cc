// Whatever the compiler targets by default: SSE2 on x86-64, NEON on aarch64.
#define LLM_OPS_ISA generic
#define LLM_OPS_TILE_ROWS 4
#define LLM_OPS_TILE_COLS 8
#include "kernels_impl.h"
