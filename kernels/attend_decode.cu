// Attention of one query for each of some decode sequences over all of its cached tokens.
//
// attended[s, h] = softmax(q[s, h] · K[s]ᵀ / sqrt(HEAD_DIM)) · V[s], GROUP query heads reading each KV head; [sequences, kv_heads *
// GROUP * HEAD_DIM] of ELEMENT. Grid: at most slots * waves + sequences * kv_heads blocks of 128 threads; each takes an even share of
// all tiles (plan_split), and the last block of a head to be done joins its splits.
//
// Bytes: 2 * kv_heads * HEAD_DIM * sizeof(CACHE) for each token of each sequence, read once (batch 16 of 4096 tokens, 32 heads of 128
// in 16 bits: 1.07 GB); the queries, results and partial results are below 1 % of that. A warp has 8 KB in flight, an SM 128 KB, three
// times what the memory's latency asks for; a warp spends some 280 instructions on them, 16 of them products, a sixth of what an SM
// can issue while the memory delivers 8 KB. About 90 % of the bandwidth limit is expected from 100 MB on, less below for the start
// (lengths, block table, first tile: three latencies) and the end.
//
// Macros: ELEMENT, CACHE, HEAD_DIM, GROUP, BLOCKS_PER_SM (that run at once: 4 leave each thread 128 registers, 3 leave 168).
#define LISTS 0
#include "attention_decode.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS_PER_SM) attend_decode(
    Step step, Cache cache, Output output, int slots, int waves)
{
    wait_for_previous_kernel();
    let_next_kernel_start();
    __shared__ __align__(16) BlockMemory memory;
    Split split;
    if (!plan_split(split, step, slots, waves))
        return;
    Softmax softmax;
    OwnRows rows = own_rows(step, cache, split.sequence, split.head);
    attend_tiles(softmax, memory, range_of(step, split.sequence), rows, split, step);
    finish(memory, softmax, output, step);
}
