// Quest: of each page of 16 tokens the largest product that a key within its bounds could have with a query, q+ * max + q- * min, scaled by
// log2(e) / sqrt(head_dim): a product of depth 2 * head_dim. With one query head these are the scores; else select_top.cu pools the heads'
// softmaxes.
//
// Bounds [blocks, keeping_heads * pages * 2 * head_dim] of CACHE, largest first, are read once: 4 * head_dim bytes a page, 32 bytes a
// token at head_dim 128; 4 * group bytes a page are written. 16 sequences of 4096 tokens, 16 asking heads: 33 MB, 8 us at 4.3 TB/s;
// expected 75 %.
// Macros: ELEMENT, CACHE, HEAD_DIM, GROUP, BLOCK_SIZE.
#define WIDTH (2 * HEAD_DIM)
#define ROWS_PER_BLOCK (BLOCK_SIZE / 16)
#define POOLED (GROUP > 1)
#include "scorer.cuh"

__device__ __forceinline__ float query_element(const float* query, int element, const int*, float scale)
{
    const float q = query[element % HEAD_DIM] * scale;
    return element < HEAD_DIM ? fmaxf(q, 0) : fminf(q, 0);
}

SCORER(score_pages, 16)
