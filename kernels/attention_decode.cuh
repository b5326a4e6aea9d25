// One decode row over some tiles of its tokens: the loop that every decode attention runs, the division of a context over blocks, and
// the merge of what warps and blocks have found.
#pragma once
#include "attention_places.cuh"

constexpr int LEAST_TILES = 2 * WARPS;  // of a block that reads everything; half of it suffices for a list
constexpr int COMMON_TILES = 8 * WARPS; // that a block should have before there are more blocks than fit at once
constexpr int PIECES = GROUP * HEAD_DIM / 4;                    // 16-byte pieces of a head's result
constexpr int LANE_PIECES = (PIECES + WARP - 1) / WARP;
constexpr int MERGE_UNROLL = LANE_PIECES > 2 ? 1 : 4;

// One block's work: tiles [tile, end) of one head of a sequence.
struct Split
{
    int sequence;
    int head;
    int tile;
    int end;
    int count;              // splits of the same sequence and head
    int index;              // which of them
    int first_slot;         // place of the first one's partial result
    int slot_step;          // to the next one's
};

struct BlockMemory
{
    uint16 queries[HEAD_TILES * 8 * QUERY_STRIDE];
    float outputs[WARPS][GROUP * HEAD_DIM];
    float maxima[WARPS][GROUP];
    float sums[WARPS][GROUP];
    Split split;            // this and the next not in registers, which the tiles need
    Places places;
    int is_last;
};

// Where results go.
struct Output
{
    uint16* attended;       // [rows, kv_heads * GROUP * HEAD_DIM] of ELEMENT
    float* partials;        // [block of the grid][GROUP * HEAD_DIM]: outputs of one split, not yet divided by the sum
    float2* states;         // [block of the grid][GROUP]: its maximum and sum
    int* counters;          // [max_sequences * kv_heads]: splits that are done; 0 between launches
    float* log_sums;        // [max_sequences, heads]: log2 of the sum of 2^score, or null
};

__device__ __forceinline__ int sum_of_lanes(int value)
{
    for (int mask = WARP / 2; mask > 0; mask /= 2)
        value += shuffle_xor(value, mask);
    return value;
}

// Tiles of a sequence of the group that is read whole; none of one that is not there.
__device__ __forceinline__ int whole_tiles(const Step& step, int index)
{
    int length = index < step.count ? step.lengths[step.first + index] : 0;
    return ceiling(length, TILE) - first_visible(step, length) / TILE;
}

// Divides the tiles of all sequences and heads evenly over as many blocks as fit at once (`slots`), or a few times as many, so that
// sequences of unequal length keep the whole machine busy. Every block works it out from the lengths; neighbouring blocks read
// neighbouring heads. Returns false for blocks that are left over. All lanes of all warps.
__device__ __forceinline__ bool plan_split(Split& split, const Step& step, int slots, int waves)
{
    const int lane = lane_index(), block = blockIdx.x;
    int total = 0;
    for (int start = 0; start < step.count; start += WARP)
        total += whole_tiles(step, start + lane);
    total = sum_of_lanes(total) * step.kv_heads;
    const int size = max(max(LEAST_TILES, min(COMMON_TILES, ceiling(total, slots))), ceiling(total, slots * waves));
    for (int start = 0, before = 0; start < step.count; start += WARP)
    {
        int tiles = whole_tiles(step, start + lane), splits = ceiling(tiles, size), end = splits * step.kv_heads;
        for (int distance = 1; distance < WARP; distance *= 2)
        {
            int other = shuffle_up(end, distance);
            end += lane >= distance ? other : 0;
        }

        uint32 behind = ballot(before + end > block);
        if (behind == 0)
        {
            before += shuffle(end, WARP - 1);
            continue;
        }

        const int at = __ffs(behind) - 1;
        tiles = shuffle(tiles, at);
        split.count = shuffle(splits, at);
        split.sequence = step.first + start + at;
        const int sequence_start = before + shuffle(end, at) - split.count * step.kv_heads;
        split.index = (block - sequence_start) / step.kv_heads;
        split.head = (block - sequence_start) % step.kv_heads;
        split.first_slot = sequence_start + split.head;
        split.slot_step = step.kv_heads;
        const int length = step.lengths[split.sequence], first = first_visible(step, length) / TILE, share = ceiling(tiles, split.count);
        split.tile = first + split.index * share;
        split.end = min(split.tile + share, first + tiles);
        return true;
    }

    return false;
}

// The grid is [kv_heads, sequences, splits] and each list is divided into as many splits as hold any of it. Returns false for the others.
__device__ __forceinline__ bool split_list(Split& split, int tiles)
{
    const int share = max(LEAST_TILES / 2, ceiling(tiles, gridDim.z));
    split.index = blockIdx.z;
    split.count = ceiling(tiles, share);
    split.first_slot = blockIdx.y * gridDim.x + blockIdx.x;
    split.slot_step = gridDim.x * gridDim.y;
    split.tile = split.index * share;
    split.end = min(split.tile + share, tiles);
    return split.index < split.count;
}

// Attends over this warp's tiles of a split. As soon as a tile's keys are used up, its values and the next tile's keys are asked for
// together, 8 KB a warp (half of that of an e4m3 cache), and with them the rows of the tile after and the tokens of the one behind
// that. All threads of the block.
template <typename Rows> __device__ __forceinline__ void attend_tiles(
    Softmax& softmax, BlockMemory& memory, const Places& places, const Rows& rows, const Split& split, const Step& step)
{
    const int end = split.end, lane = lane_index() % TILE; // of the tile's tokens
    int tile = split.tile + warp_index();
    typename Rows::Row row, next;
    typename Rows::Keys keys;
    int token = 0;
    if (tile < end)
    {
        row = rows.locate(places.token(tile * TILE + lane));
        next = rows.locate(places.token((tile + WARPS) * TILE + lane));
        token = places.token((tile + 2 * WARPS) * TILE + lane);
        rows.load_keys(keys, row, tile * TILE);
    }

    const float* query = step.qkv + (long long)split.sequence * step.qkv_columns + split.head * (GROUP * HEAD_DIM);
    prepare_queries(memory.queries, query, step.query_factor);
    if (threadIdx.x == 0)
    {
        memory.split = split;
        memory.places = places;
    }

    sync_block();
    clear(softmax);
    for (; tile < end; tile += WARPS)
    {
        float scores[HEAD_TILES][4];
        rows.score_tile(scores, keys, memory.queries, tile * TILE);
        ValueTile values;
        rows.load_values(values, row);
        if (tile + WARPS < end)
            rows.load_keys(keys, next, (tile + WARPS) * TILE);
        row = next;
        next = rows.locate(token);
        token = memory.places.token((tile + 3 * WARPS) * TILE + lane_index_again() % TILE);
        hide_unread(scores, memory.places.first, memory.places.count, tile * TILE);
        uint32 weights[HEAD_TILES][2];
        weigh(softmax, scores, weights);
        add_values(softmax, values, weights);
    }
}

// Leaves what a warp has found in shared memory.
__device__ __forceinline__ void leave_warp_result(BlockMemory& memory, const Softmax& softmax)
{
    const int warp = warp_index(), g = lane_index() / 4, t = lane_index() % 4;
    #pragma unroll
    for (int n = 0; n < HEAD_TILES; n++)
    {
        #pragma unroll
        for (int e = 0; e < 2; e++)
        {
            const int head = n * 8 + t * 2 + e;
            float sum = sum_over_rows(softmax.sums[n][e]);
            if (head >= GROUP)
                continue;
            if (g == 0)
            {
                memory.maxima[warp][head] = softmax.maxima[n][e];
                memory.sums[warp][head] = sum;
            }

            #pragma unroll
            for (int part = 0; part < VALUE_PARTS; part++)
            {
                const int dim = part * 64 + g * 8;
                if (dim >= HEAD_DIM)
                    continue;
                float eight[8];
                #pragma unroll
                for (int i = 0; i < 8; i++)
                    eight[element_of(i / 2, i % 2)] = softmax.outputs[part][i / 2][n][i % 2 * 2 + e];
                float4* to = (float4*)(memory.outputs[warp] + head * HEAD_DIM + dim);
                to[0] = make_float4(eight[0], eight[1], eight[2], eight[3]);
                to[1] = make_float4(eight[4], eight[5], eight[6], eight[7]);
            }
        }
    }
}

__device__ __forceinline__ void write_attended(
    const Output& output, const Step& step, const Split& split, int at, float value, float max, float sum)
{
    const long long first = ((long long)split.sequence * step.kv_heads + split.head) * GROUP;
    output.attended[first * HEAD_DIM + at] = from_float<ELEMENT>(value / sum).bits;
    if (output.log_sums && at % HEAD_DIM == 0)
        output.log_sums[first + at / HEAD_DIM] = max + logf(sum) * LOG2E;
}

// Joins the splits of one head, each warp every fourth of them, in a fixed order. All threads of the block that was the last to be done.
__device__ __forceinline__ void merge_splits(BlockMemory& memory, const Output& output, const Step& step, const Split& split)
{
    for (int head = warp_index(); head < GROUP; head += WARPS)
    {
        float max = NO_SCORE, sum = 0;
        for (int i = lane_index(); i < split.count; i += WARP)
            max = fmaxf(max, output.states[(long long)(split.first_slot + i * split.slot_step) * GROUP + head].x);
        max = warp_max(max);
        for (int i = lane_index(); i < split.count; i += WARP)
        {
            float2 state = output.states[(long long)(split.first_slot + i * split.slot_step) * GROUP + head];
            sum += state.y * exp2_fast(state.x - max);
        }

        sum = warp_sum(sum);
        if (lane_index() == 0)
        {
            memory.maxima[0][head] = max;
            memory.sums[0][head] = sum;
        }
    }

    sync_block();
    const int warp = warp_index();
    float4 total[LANE_PIECES];
    #pragma unroll
    for (int p = 0; p < LANE_PIECES; p++)
        total[p] = make_float4(0, 0, 0, 0);
    #pragma unroll MERGE_UNROLL
    for (int i = warp; i < split.count; i += WARPS)
    {
        const long long slot = split.first_slot + i * split.slot_step;
        const float4* from = (const float4*)(output.partials + slot * (GROUP * HEAD_DIM));
        #pragma unroll
        for (int p = 0; p < LANE_PIECES; p++)
        {
            const int piece = p * WARP + lane_index(), head = piece * 4 / HEAD_DIM;
            if (PIECES % WARP != 0 && piece >= PIECES)
                continue;
            const float4 part = load_fresh(from + piece);
            const float factor = exp2_fast(output.states[slot * GROUP + head].x - memory.maxima[0][head]);
            total[p].x += part.x * factor;
            total[p].y += part.y * factor;
            total[p].z += part.z * factor;
            total[p].w += part.w * factor;
        }
    }

    #pragma unroll
    for (int p = 0; p < LANE_PIECES; p++)
    {
        const int piece = p * WARP + lane_index();
        if (piece < PIECES)
            ((float4*)memory.outputs[warp])[piece] = total[p];
    }

    sync_block();
    for (int at = threadIdx.x; at < GROUP * HEAD_DIM; at += THREADS)
    {
        float value = 0;
        #pragma unroll
        for (int i = 0; i < WARPS; i++)
            value += memory.outputs[i][at];
        write_attended(output, step, split, at, value, memory.maxima[0][at / HEAD_DIM], memory.sums[0][at / HEAD_DIM]);
    }
}

// Joins what the warps have found and writes it: the result where there is one split, else a partial result, and the last block to be
// done joins them all. All threads of the block.
__device__ __forceinline__ void finish(BlockMemory& memory, const Softmax& softmax, const Output& output, const Step& step)
{
    leave_warp_result(memory, softmax);
    sync_block();
    const Split split = memory.split;
    const long long slot = split.first_slot + split.index * split.slot_step;
    for (int at = threadIdx.x; at < GROUP * HEAD_DIM; at += THREADS)
    {
        const int head = at / HEAD_DIM;
        float max = memory.maxima[0][head], sum = 0, value = 0;
        #pragma unroll
        for (int warp = 1; warp < WARPS; warp++)
            max = fmaxf(max, memory.maxima[warp][head]);
        #pragma unroll
        for (int warp = 0; warp < WARPS; warp++)
        {
            float factor = exp2_fast(memory.maxima[warp][head] - max);
            sum += memory.sums[warp][head] * factor;
            value += memory.outputs[warp][at] * factor;
        }

        if (split.count == 1)
        {
            write_attended(output, step, split, at, value, max, sum);
            continue;
        }

        output.partials[slot * (GROUP * HEAD_DIM) + at] = value;
        if (at % HEAD_DIM == 0)
            output.states[slot * GROUP + head] = make_float2(max, sum);
    }

    if (split.count == 1)
        return;
    __threadfence(); // what every thread has written is there before the block is counted
    sync_block();
    int* counter = output.counters + split.sequence * step.kv_heads + split.head;
    if (threadIdx.x == 0)
        memory.is_last = atomicAdd(counter, 1) == split.count - 1;
    sync_block();
    if (!memory.is_last)
        return;
    __threadfence(); // and nothing that was read before it is taken for it
    merge_splits(memory, output, step, split);
    if (threadIdx.x == 0)
        *counter = 0;
}
