// Largest and least key elements of the pages that a step's rows lie in, from the keys as they are cached.
//
// Shapes: keys: a block [keeping, block_size, HEAD_DIM] of CACHE; bounds: a block [keeping, pages of a block, 2, HEAD_DIM] of CACHE,
// largest first; slots [rows] int32. Bytes per row and head: one key read, an eighth of one written. Expected: 70 % of the bandwidth of the
// second-level cache, where the keys still are. Steps without prompts need no such pass: rotate_and_store does it on the way.
//
// One warp per row and head. The last of a step's rows in a page does the page's work: the tokens up to it are all there are. A sequence's
// rows follow each other in the step and, within a page, in the cache; no two sequences write to one page.
#include "device.cuh"
#include "elements.cuh"

constexpr int WARPS = 4;
constexpr int PAGE = 16;
constexpr int PAIRS = HEAD_DIM / 2;
constexpr int PER_LANE = (PAIRS + WARP - 1) / WARP;

extern "C" __global__ void __launch_bounds__(WARPS * WARP) page_bounds(
    const int* slots, const CACHE* keys, CACHE* bounds, int rows, int keeping, int block_size, int blocks)
{
    let_next_kernel_start();
    const int row = blockIdx.x, place = blockIdx.y * WARPS + warp_index();
    const int slot = read_step(slots + row), next = read_step(slots + (row + 1 < rows ? row + 1 : row));
    wait_for_previous_kernel();
    const bool is_last = row + 1 == rows || slot % PAGE == PAGE - 1 || next != slot + 1;
    if (place >= keeping || slot < 0 || slot / block_size >= blocks || !is_last)
        return;

    const long long head = (long long)(slot / block_size) * keeping + place;
    const int page = slot % block_size / PAGE, tokens = slot % PAGE + 1;
    const CACHE* from = keys + (head * block_size + page * PAGE) * HEAD_DIM;
    CACHE* to = bounds + (head * (block_size / PAGE) + page) * 2 * HEAD_DIM;
#pragma unroll
    for (int i = 0; i < PER_LANE; i++)
    {
        const int at = 2 * (i * WARP + lane_index());
        if (at >= HEAD_DIM)
            continue;
        float2 largest = load_pair(from + at), least = largest;
#pragma unroll
        for (int token = 1; token < PAGE; token++)
        {
            // Behind the last token the last one is read again: all loads are under way at once.
            const float2 key = load_pair(from + (token < tokens ? token : tokens - 1) * HEAD_DIM + at);
            largest = make_float2(fmaxf(largest.x, key.x), fmaxf(largest.y, key.y));
            least = make_float2(fminf(least.x, key.x), fminf(least.y, key.y));
        }
        store_pair(to + at, largest);
        store_pair(to + HEAD_DIM + at, least);
    }
}
