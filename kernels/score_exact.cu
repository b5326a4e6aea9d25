// The exact retriever: products of a group's queries with every key of the context, scaled by log2(e) / sqrt(head_dim), and their softmax
// so far by part of the context; select_top.cu pools them.
//
// Keys [blocks, keeping_heads * block_size * head_dim] of CACHE are read once: 2 * head_dim bytes a token and asking KV head; 4 * group
// bytes are written. The keys bound it: expected 85 % of the memory bandwidth; the products take a few percent of the tensor cores.
// Macros: ELEMENT, CACHE, HEAD_DIM, GROUP, BLOCK_SIZE.
#define WIDTH HEAD_DIM
#define ROWS_PER_BLOCK BLOCK_SIZE
#define POOLED true
#include "scorer.cuh"

__device__ __forceinline__ float query_element(const float* query, int element, const int*, float scale) { return query[element] * scale; }

SCORER(score_exact, 1)
