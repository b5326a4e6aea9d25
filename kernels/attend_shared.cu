// Attention of one query for each of some decode sequences in a layer some of whose heads keep proximal keys only (PoD), over all
// tokens or, with LISTS = 1, over sinks, chosen tokens and window.
//
// As attend_decode.cu and attend_selected.cu, but for a follower's distant tokens the keys are its leader's, or there are none: the
// leader's scores, which attention of its layer left, stand in for them. All scores of a head meet in one softmax.
//
// Bytes: of a token's values HEAD_DIM * sizeof(CACHE) for each KV head; of its keys as much, except for a follower of scores, which
// reads GROUP floats of a distant token instead (and its leader writes them): with GROUP = 1 and heads of 128 in 16 bits 260 bytes
// instead of 512. 80 to 85 % of the bandwidth limit is expected of followers of keys and of leaders, 75 % of followers of scores,
// whose warps have half the bytes in flight.
//
// Macros: ELEMENT, CACHE, HEAD_DIM, GROUP, BLOCKS_PER_SM (that run at once: 3 leave each thread 168 registers), LISTS.
#include "attention_decode.cuh"
#include "attention_shared.cuh"

#if LISTS
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS_PER_SM) attend_shared(
    Step step, Cache cache, Output output, SharedKeys shared, Lists lists)
#else
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS_PER_SM) attend_shared(
    Step step, Cache cache, Output output, SharedKeys shared, int slots, int waves)
#endif
{
    wait_for_previous_kernel();
    let_next_kernel_start();
    __shared__ __align__(16) BlockMemory memory;
    Split split;
#if LISTS
    split.head = blockIdx.x;
    split.sequence = step.first + blockIdx.y;
    const Places places = list_of(step, lists, split.sequence, split.head);
    if (!split_list(split, ceiling(places.count, TILE)))
        return;
#else
    if (!plan_split(split, step, slots, waves))
        return;
    const Places places = range_of(step, split.sequence);
#endif
    Softmax softmax;
    SharedRows rows = shared_rows(step, cache, shared, split.sequence, split.head, true);
    attend_tiles(softmax, memory, places, rows, split, step);
    finish(memory, softmax, output, step);
}
