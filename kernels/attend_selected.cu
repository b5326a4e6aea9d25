// Attention of one query for each of some decode sequences over sinks, chosen tokens and window.
//
// attended[s, h] as attend_decode.cu, over the tokens of the list that the KV head reads. Grid: [kv_heads, sequences, splits] blocks
// of 128 threads; splits without tokens leave at once, and the last block of a head to be done joins the others.
//
// Bytes: 2 * HEAD_DIM * sizeof(CACHE) for each token read of each KV head (batch 16, 32 heads of 128 in 16 bits, 512 tokens: 134 MB),
// in rows of HEAD_DIM elements that lie apart. At that shape every head is one block and all of them run at once, four on an SM with
// 128 KB in flight; the start (slot, list, block table, first tile: four latencies) and the end cost some 3 us beside the 31 us of the
// bytes at 4.3 TB/s: about 85 to 90 % of the bandwidth limit is expected.
//
// Macros: ELEMENT, CACHE, HEAD_DIM, GROUP, BLOCKS_PER_SM (that run at once: 4 leave each thread 128 registers, 3 leave 168).
#define LISTS 1
#include "attention_decode.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS_PER_SM) attend_selected(Step step, Cache cache, Output output, Lists lists)
{
    wait_for_previous_kernel();
    let_next_kernel_start();
    __shared__ __align__(16) BlockMemory memory;
    Split split;
    split.head = blockIdx.x;
    split.sequence = step.first + blockIdx.y;
    const List list = list_of(step, lists, split.sequence, split.head);
    if (!split_list(split, ceiling(list.count, TILE)))
        return;
    Softmax softmax;
    OwnRows rows = own_rows(step, cache, split.sequence, split.head);
    attend_tiles(softmax, memory, list, rows, split, step);
    finish(memory, softmax, output, step);
}
