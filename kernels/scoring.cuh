// How much the query heads of a group think of short rows that the cache keeps: of keys, of label channels, of page bounds. One row is
// WIDTH elements of CACHE; its product with each query of the group is a matrix product on tensor cores whose second operand comes
// straight from memory: the order of the summed elements is free, so a lane takes 8 neighbouring ones (16 bytes) at once, and nothing
// passes through shared memory. Queries are float32: they go in as the sum of two 16-bit numbers, in the upper and the lower half of the
// first operand where the group has at most 8 heads, so that products are exact to about 2^-17 at no cost.
// Macros: ELEMENT, CACHE, GROUP, BLOCK_SIZE, HEAD_DIM; the including file defines WIDTH, ROWS_PER_BLOCK and POOLED (whether scores are
// pooled through a softmax, or are the products themselves).
#pragma once
#include "asking.cuh"

constexpr int THREADS = 128;
constexpr int WARPS = THREADS / WARP;

constexpr int WIDE = WIDTH % 8 == 0 ? WIDTH / 32 : 0;        // pieces of 32 elements, 8 by lane
constexpr int NARROW = (WIDTH - 32 * WIDE + 15) / 16;        // pieces of 16 elements behind them, 4 by lane
constexpr int STEPS = 2 * WIDE + NARROW;                     // products of depth 16
constexpr int WIDE_WORDS = 2 * (int)sizeof(CACHE);           // 32-bit words of 8 elements
constexpr int NARROW_WORDS = (int)sizeof(CACHE);             // of 4
constexpr int WORDS = WIDE * WIDE_WORDS + NARROW * NARROW_WORDS;
constexpr bool NARROW_ALIGNED = WIDTH % 4 == 0;

constexpr int SETS = GROUP > 8 ? 2 : 1;                      // query rows of a lane
constexpr int TILES_IN_FLIGHT = 32 / WORDS < 1 ? 1 : 32 / WORDS > 8 ? 8 : 32 / WORDS;
constexpr int TILE = 8;                                      // rows of a product
constexpr int WARP_ROWS = TILE * TILES_IN_FLIGHT;
constexpr float NO_SCORE = -1e30f;                           // finite, so that differences of maxima are never NaN

// One KV head of one sequence whose tokens or pages are judged.
struct Judged
{
    const int* table;   // the sequence's blocks
    long long columns;  // elements of a block of all heads
    int place;          // of the head in a block
    int first;          // first row that the layer's window shows
    int count;          // rows of the context
};

// First element of a lane's four in a step.
__device__ __forceinline__ int first_element(int step, int t)
{
    return step < 2 * WIDE ? 32 * (step / 2) + 8 * t + 4 * (step % 2) : 32 * WIDE + 16 * (step - 2 * WIDE) + 4 * t;
}

__device__ __forceinline__ uint32 load_word(const CACHE* row, int element)
{
    constexpr int EACH = 4 / (int)sizeof(CACHE);
    uint32 word = 0;
    for (int i = 0; i < EACH; i++)
        word |= element + i < WIDTH ? (uint32)row[element + i].bits << (i * 32 / EACH) : 0;
    return word;
}

// A lane's elements of one row.
__device__ __forceinline__ void load_row(const CACHE* row, int t, uint32 (&words)[WORDS])
{
#pragma unroll
    for (int piece = 0; piece < WIDE; piece++)
    {
        const CACHE* from = row + 32 * piece + 8 * t;
        if constexpr (WIDE_WORDS == 4)
        {
            uint4 v = load_streaming(from);
            words[4 * piece] = v.x;
            words[4 * piece + 1] = v.y;
            words[4 * piece + 2] = v.z;
            words[4 * piece + WIDE_WORDS - 1] = v.w;
        }
        else
        {
            uint2 v = *(const uint2*)from;
            words[2 * piece] = v.x;
            words[2 * piece + 1] = v.y;
        }
    }
#pragma unroll
    for (int piece = 0; piece < NARROW; piece++)
    {
        constexpr int AT = WIDE * WIDE_WORDS;
        const int element = first_element(2 * WIDE + piece, t);
        const bool inside = element < WIDTH;
        if constexpr (NARROW_WORDS == 2)
        {
            uint2 v = make_uint2(0, 0);
            if (NARROW_ALIGNED && inside)
                v = *(const uint2*)(row + element);
            else if (inside)
                v = make_uint2(load_word(row, element), load_word(row, element + 2));
            words[AT + 2 * piece] = v.x;
            words[AT + 2 * piece + NARROW_WORDS - 1] = v.y;
        }
        else
        {
            uint32 v = 0;
            if (NARROW_ALIGNED && inside)
                v = *(const uint32*)(row + element);
            else if (inside)
                v = load_word(row, element);
            words[AT + piece] = v;
        }
    }
}

// The second operand of a step from a lane's words.
__device__ __forceinline__ void operand_of(const uint32 (&words)[WORDS], int step, uint32 (&b)[2])
{
    if constexpr (sizeof(CACHE) == 2)
    {
        b[0] = words[2 * step % WORDS];
        b[1] = words[(2 * step + 1) % WORDS];
    }
    else
    {
        const uint32 word = words[step % WORDS];
        b[0] = from_e4m3_pair<ELEMENT>((uint16)word);
        b[1] = from_e4m3_pair<ELEMENT>((uint16)(word >> 16));
    }
}

// A query's elements as 16-bit numbers, and what these leave out.
__device__ __forceinline__ void split_pair(float x, float y, uint32& main, uint32& rest)
{
    main = pack<ELEMENT>(x, y);
    rest = pack<ELEMENT>(x - low<ELEMENT>(main), y - high<ELEMENT>(main));
}

// The first operand: queries [GROUP][WIDTH] in shared memory, already scaled. With two sets the second is what the first leaves out.
__device__ __forceinline__ void load_queries(const float* queries, uint32 (&a)[SETS][STEPS][4])
{
    const int g = lane_index() / 4, t = lane_index() % 4;
#pragma unroll
    for (int step = 0; step < STEPS; step++)
    {
#pragma unroll
        for (int half = 0; half < SETS; half++)
        {
            const int row = g + 8 * half, element = first_element(step, t);
            float q[4];
#pragma unroll
            for (int i = 0; i < 4; i++)
                q[i] = row < GROUP && element + i < WIDTH ? queries[row * WIDTH + element + i] : 0;
            uint32 main[2], rest[2];
            split_pair(q[0], q[1], main[0], rest[0]);
            split_pair(q[2], q[3], main[1], rest[1]);
            a[0][step][half] = main[0];
            a[0][step][2 + half] = main[1];
            a[SETS - 1][step][SETS == 1 ? 1 : half] = rest[0];
            a[SETS - 1][step][SETS == 1 ? 3 : 2 + half] = rest[1];
        }
    }
}

// A running maximum and the sum of 2^(score - maximum).
struct Softmax
{
    float max;
    float sum;
};

__device__ __forceinline__ void add_score(Softmax& total, float score)
{
    const float difference = score - total.max, factor = exp2_fast(-fabsf(difference));
    total.sum = difference > 0 ? total.sum * factor + 1 : total.sum + factor;
    total.max = fmaxf(total.max, score);
}

__device__ __forceinline__ void add_softmax(Softmax& total, float max, float sum)
{
    const float both = fmaxf(total.max, max);
    total.sum = total.sum * exp2_fast(total.max - both) + sum * exp2_fast(max - both);
    total.max = both;
}

// The rows that a warp has under way: a lane's words of one row of each tile.
struct Turn
{
    int blocks[TILES_IN_FLIGHT];
    uint32 words[TILES_IN_FLIGHT][WORDS];
};

// The first row of a warp's first turn. Products that are scores themselves are left for all rows: what the window hides is nobody's
// candidate, but can be looked at.
__device__ __forceinline__ int first_row(const Judged& judged)
{
    return ((POOLED ? judged.first / WARP_ROWS : 0) + (int)blockIdx.x * WARPS + warp_index()) * WARP_ROWS;
}

// A lane's row of a tile; behind the last row the last one is read again.
__device__ __forceinline__ int row_of_tile(const Judged& judged, int start, int tile)
{
    const int row = start + TILE * tile + lane_index() / 4;
    return row < judged.count ? row : judged.count - 1;
}

__device__ __forceinline__ void find_blocks(const Judged& judged, int start, Turn& turn)
{
#pragma unroll
    for (int tile = 0; tile < TILES_IN_FLIGHT; tile++)
        turn.blocks[tile] = start < judged.count ? read_step(judged.table + row_of_tile(judged, start, tile) / ROWS_PER_BLOCK) : 0;
}

__device__ __forceinline__ void load_turn(const CACHE* rows, const Judged& judged, int start, Turn& turn)
{
    if (start >= judged.count)
        return;
    const CACHE* head = rows + (long long)judged.place * ROWS_PER_BLOCK * WIDTH;
#pragma unroll
    for (int tile = 0; tile < TILES_IN_FLIGHT; tile++)
    {
        const int row = row_of_tile(judged, start, tile);
        load_row(head + turn.blocks[tile] * judged.columns + row % ROWS_PER_BLOCK * WIDTH, lane_index() % 4, turn.words[tile]);
    }
}

// Every block's part of the rows: products [GROUP][stride] for this head, and (POOLED) their softmax so far, part [GROUP][gridDim.x].
// Warps take WARP_ROWS rows at a time, in turn with the other blocks of the head, so that all end at about the same time however long the
// context is. The first turn, from `start` on, is under way already.
__device__ __forceinline__ void score_rows(
    const float* queries, const CACHE* rows, const Judged& judged, int start, Turn& turn, float* products, int stride, float2* parts)
{
    __shared__ Softmax warp_totals[WARPS][GROUP];
    const int lane = lane_index(), warp = warp_index(), g = lane / 4, t = lane % 4;
    uint32 a[SETS][STEPS][4];
    load_queries(queries, a);
    Softmax totals[SETS];
#pragma unroll
    for (int set = 0; set < SETS; set++)
        totals[set] = { NO_SCORE, 0 };

    const int hop = (int)gridDim.x * WARPS * WARP_ROWS;
    while (start < judged.count)
    {
#pragma unroll
        for (int tile = 0; tile < TILES_IN_FLIGHT; tile++)
        {
            float c[4] = { 0, 0, 0, 0 };
#pragma unroll
            for (int step = 0; step < STEPS; step++)
            {
                uint32 b[2];
                operand_of(turn.words[tile], step, b);
#pragma unroll
                for (int set = 0; set < SETS; set++)
                    mma<ELEMENT>(c, a[set][step], b);
            }
            if (SETS == 1)
            {
                c[0] += c[2];
                c[1] += c[3];
            }

            const int at = start + TILE * tile + 2 * t;
#pragma unroll
            for (int set = 0; set < SETS; set++)
            {
                const int query = g + 8 * set;
                if (query < GROUP && at < judged.count) // one behind the last may be written: rows of products are even
                    *(float2*)(products + (long long)query * stride + at) = make_float2(c[2 * set], c[2 * set + 1]);
#pragma unroll
                for (int i = 0; i < 2; i++)
                {
                    if (POOLED && at + i >= judged.first && at + i < judged.count)
                        add_score(totals[set], c[2 * set + i]);
                }
            }
        }

        start += hop;
        find_blocks(judged, start, turn);
        load_turn(rows, judged, start, turn);
    }

    if (!POOLED)
        return;
#pragma unroll
    for (int set = 0; set < SETS; set++)
    {
        for (int mask = 1; mask <= 2; mask *= 2)
        {
            const float max = shuffle_xor(totals[set].max, mask), sum = shuffle_xor(totals[set].sum, mask);
            add_softmax(totals[set], max, sum);
        }
        if (t == 0 && g + 8 * set < GROUP)
            warp_totals[warp][g + 8 * set] = totals[set];
    }
    sync_block();
    for (int query = threadIdx.x; query < GROUP; query += THREADS)
    {
        Softmax total = warp_totals[0][query];
        for (int i = 1; i < WARPS; i++)
            add_softmax(total, warp_totals[i][query].max, warp_totals[i][query].sum);
        parts[query * gridDim.x + blockIdx.x] = make_float2(total.max, total.sum);
    }
}
