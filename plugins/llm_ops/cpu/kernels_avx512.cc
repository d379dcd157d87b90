// Six rows of four 16-float registers: 24 of the 32 hold the tile.
#define LLM_OPS_ISA avx512
#define LLM_OPS_TILE_ROWS 6
#define LLM_OPS_TILE_COLS 64
#include "kernels_impl.h"
