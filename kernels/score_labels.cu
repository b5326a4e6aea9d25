// DoubleSparse: products of a group's queries with the few channels of each key that matter most for the head, scaled by
// log2(e) / sqrt(channels). With one query head these are the scores; else select_top.cu pools the heads' softmaxes.
//
// Labels [blocks, keeping_heads * block_size * channels] of CACHE are read once: 32 bytes a token and asking KV head with 16 channels; 4
// * group bytes are written, which mostly stay in the second-level cache. 16 sequences of 4096 tokens, 16 asking heads: 33 MB, 8 us at
// 4.3 TB/s; expected 70 % of that (a short run: its start and end weigh).
// Macros: ELEMENT, CACHE, HEAD_DIM, GROUP, BLOCK_SIZE, CHANNELS.
#define WIDTH CHANNELS
#define ROWS_PER_BLOCK BLOCK_SIZE
#define POOLED (GROUP > 1)
#include "scorer.cuh"

__device__ __forceinline__ float query_element(const float* query, int element, const int* channels, float scale)
{
    return query[channels[element]] * scale;
}

SCORER(score_labels, 1)
