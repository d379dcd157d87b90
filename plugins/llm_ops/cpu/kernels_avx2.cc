// Six rows of two 8-float registers: 12 of the 16 hold the tile.
#define LLM_OPS_ISA avx2
#define LLM_OPS_TILE_ROWS 6
#define LLM_OPS_TILE_COLS 16
#include "kernels_impl.h"
