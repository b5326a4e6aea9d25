// What attention of single rows is built from: tiles of 16 tokens whose keys and values go straight from the cache to registers,
// scores and weighted values as tensor-core products, the softmax online between them. Macros: ELEMENT, CACHE, HEAD_DIM, GROUP.
//
// The queries of a group are few, so keys are the left operand and queries the right one: S[token, head] = K · Qᵀ, O[dim, head] = Vᵀ ·
// P. With g = lane / 4 and t = lane % 4:
// - A dot product does not care about the order of its terms. So lane (g, t) loads eight neighbouring dims (16 bytes) of tokens g and
//   g + 8, uses them as two left operands, and the queries lie in shared memory in the order that fits.
// - The rows of O need no order either. Lane (g, t) loads dims 8g to 8g + 7 of tokens 2t, 2t + 1, 2t + 8, 2t + 9, which are two rows
//   in each of four products, and holds those same dims of heads 2t and 2t + 1 of the result. So every byte of keys and values is
//   loaded once, 16 at a time, and never passes through shared memory.
#pragma once
#include "device.cuh"
#include "weight_pairs.cuh"

constexpr int WARPS = 4;                            // of a block; each has tiles, a maximum and a sum of its own
constexpr int THREADS = WARPS * WARP;
constexpr int TILE = 16;                            // tokens
constexpr int HEAD_TILES = (GROUP + 7) / 8;         // the group in eights
constexpr int KEY_PARTS = (HEAD_DIM + 31) / 32;     // the last one may have 16 dims
constexpr int VALUE_PARTS = (HEAD_DIM + 63) / 64;   // the last one may have 16, 32 or 48
constexpr int QUERY_STRIDE = KEY_PARTS * 32 + 8;    // elements; the padding puts neighbouring rows into different banks
constexpr int ROW_BYTES = HEAD_DIM * (int)sizeof(CACHE);
constexpr float NO_SCORE = -1e30f;                  // finite, so that differences of maxima are never NaN

// Eight neighbouring elements as they lie in the cache.
template <int BYTES> struct EightOf { typedef uint4 Type; };
template <> struct EightOf<1> { typedef uint2 Type; };
typedef EightOf<(int)sizeof(CACHE)>::Type Eight;

__device__ __forceinline__ void clear(uint4& eight) { eight = make_uint4(0, 0, 0, 0); }
__device__ __forceinline__ void clear(uint2& eight) { eight = make_uint2(0, 0); }
__device__ __forceinline__ void load_eight(uint4& eight, const uint8* address) { eight = load_streaming(address); }
__device__ __forceinline__ void load_eight(uint2& eight, const uint8* address) { eight = *(const uint2*)address; }

// The first four of eight.
__device__ __forceinline__ void load_four(uint4& eight, const uint8* address)
{
    uint2 four = *(const uint2*)address;
    eight = make_uint4(four.x, four.y, 0, 0);
}
__device__ __forceinline__ void load_four(uint2& eight, const uint8* address) { eight = make_uint2(*(const uint32*)address, 0); }

// The operands of products are pairs of elements: pair i of eight holds elements element_of(i, 0) and element_of(i, 1). Which ones is
// of no matter to keys and values, so 8-bit elements are paired as they come apart most cheaply. (i is known once the loop around it
// is unrolled.)
constexpr __device__ int element_of(int pair, int half)
{
    return sizeof(CACHE) == 1 ? pair / 2 * 4 + pair % 2 + half * 2 : pair * 2 + half;
}
__device__ __forceinline__ uint32 pair_of(const uint4& eight, int i)
{
    return i == 0 ? eight.x : i == 1 ? eight.y : i == 2 ? eight.z : eight.w;
}
__device__ __forceinline__ uint32 pair_of(const uint2& eight, int i)
{
    uint32 even, odd;
    widen_weights<ELEMENT>(e4m3(), i < 2 ? eight.x : eight.y, even, odd);
    return i % 2 == 0 ? even : odd;
}

// A tile's keys: part p of row i is token g + 8i, dims 32p + 8t to 32p + 8t + 7 (of a last part of 16 dims: 32p + 4t to 32p + 4t + 3).
struct KeyTile
{
    Eight rows[2][KEY_PARTS];
};

// A tile's values: part p of row i is token 2t + i % 2 + i / 2 * 8, dims 64p + 8g to 64p + 8g + 7.
struct ValueTile
{
    Eight rows[4][VALUE_PARTS];
};

__device__ __forceinline__ int key_row(int lane, int i) { return lane / 4 + 8 * i; }
__device__ __forceinline__ int value_row(int lane, int i) { return lane % 4 * 2 + i % 2 + i / 2 * 8; }

// Loads this lane's part of the key of token key_row(lane, i).
__device__ __forceinline__ void load_key(KeyTile& keys, int lane, int i, const uint8* row)
{
    const int t = lane % 4;
    #pragma unroll
    for (int part = 0; part < KEY_PARTS; part++)
    {
        if (part * 32 + 32 <= HEAD_DIM)
            load_eight(keys.rows[i][part], row + (part * 32 + t * 8) * (int)sizeof(CACHE));
        else
            load_four(keys.rows[i][part], row + (part * 32 + t * 4) * (int)sizeof(CACHE));
    }
}

__device__ __forceinline__ void clear_key(KeyTile& keys, int i)
{
    #pragma unroll
    for (int part = 0; part < KEY_PARTS; part++)
        clear(keys.rows[i][part]);
}

// Loads this lane's part of the value of token value_row(lane, i).
__device__ __forceinline__ void load_value(ValueTile& values, int lane, int i, const uint8* row)
{
    const int dim = lane / 4 * 8;
    #pragma unroll
    for (int part = 0; part < VALUE_PARTS; part++)
    {
        if (part * 64 + 64 <= HEAD_DIM || part * 64 + dim < HEAD_DIM)
            load_eight(values.rows[i][part], row + (part * 64 + dim) * (int)sizeof(CACHE));
        else
            clear(values.rows[i][part]);
    }
}

// The group's queries in the order that score() takes them in, times a factor and rounded to ELEMENT: [8 * HEAD_TILES][QUERY_STRIDE]
// in shared memory, zeros for heads that are not there. Of each 32 dims, lane t's eight (8t to 8t + 7; four of a last part of 16) are
// pairs, and the four lanes' pairs of one number lie together. All threads of the block; a barrier must follow.
__device__ __forceinline__ void prepare_queries(uint16* prepared, const float* queries, float factor)
{
    constexpr int PAIRS = HEAD_DIM / 2;
    for (int at = threadIdx.x; at < HEAD_TILES * 8 * PAIRS; at += THREADS)
    {
        const int head = at / PAIRS, part = at % PAIRS / 16, i = at % PAIRS % 16 / 4, t = at % 4;
        const int dim = part * 32 + t * (part * 32 + 32 <= HEAD_DIM ? 8 : 4);
        uint32 pair = 0;
        if (head < GROUP)
        {
            const float* query = queries + head * HEAD_DIM + dim;
            pair = pack<ELEMENT>(query[element_of(i, 0)] * factor, query[element_of(i, 1)] * factor);
        }

        *(uint32*)(prepared + head * QUERY_STRIDE + part * 32 + i * 8 + t * 2) = pair;
    }
}

// Scores of a tile: scores[n][0] and [1] are token g, heads 8n + 2t and 8n + 2t + 1; [2] and [3] token g + 8.
__device__ __forceinline__ void score(float (&scores)[HEAD_TILES][4], const KeyTile& keys, const uint16* queries)
{
    const int lane = lane_index_again();
    #pragma unroll
    for (int n = 0; n < HEAD_TILES; n++)
        scores[n][0] = scores[n][1] = scores[n][2] = scores[n][3] = 0;
    #pragma unroll
    for (int part = 0; part < KEY_PARTS; part++)
    {
        const Eight &upper = keys.rows[0][part], &lower = keys.rows[1][part];
        const uint32 first[4] = { pair_of(upper, 0), pair_of(lower, 0), pair_of(upper, 1), pair_of(lower, 1) };
        const uint32 second[4] = { pair_of(upper, 2), pair_of(lower, 2), pair_of(upper, 3), pair_of(lower, 3) };
        #pragma unroll
        for (int n = 0; n < HEAD_TILES; n++)
        {
            uint32 q[4];
            load_matrices(q, queries + (n * 8 + lane % 8) * QUERY_STRIDE + part * 32 + lane / 8 * 8);
            const uint32 left[2] = { q[0], q[1] }, right[2] = { q[2], q[3] };
            mma<ELEMENT>(scores[n], first, left);
            if (part * 32 + 32 <= HEAD_DIM)
                mma<ELEMENT>(scores[n], second, right);
        }
    }
}

// What a warp knows of the tokens it has read, by head 8n + 2t + e: the largest score, this lane's share of the sum of 2^(score -
// maximum), and the values weighted so: outputs[p][j][n][e] is dim 64p + 8g + element_of(j, 0), [2 + e] is element_of(j, 1). Scores
// are times log2 e.
struct Softmax
{
    float maxima[HEAD_TILES][2];
    float sums[HEAD_TILES][2];
    float outputs[VALUE_PARTS][4][HEAD_TILES][4];
};

__device__ __forceinline__ void clear(Softmax& softmax)
{
    #pragma unroll
    for (int n = 0; n < HEAD_TILES; n++)
    {
        softmax.maxima[n][0] = softmax.maxima[n][1] = NO_SCORE;
        softmax.sums[n][0] = softmax.sums[n][1] = 0;
    }

    #pragma unroll
    for (int i = 0; i < VALUE_PARTS * 4; i++)
    {
        #pragma unroll
        for (int n = 0; n < HEAD_TILES; n++)
        {
            float (&outputs)[4] = softmax.outputs[i / 4][i % 4][n];
            outputs[0] = outputs[1] = outputs[2] = outputs[3] = 0;
        }
    }
}

// The largest of what the lanes of the same t have; their sum.
__device__ __forceinline__ float max_over_rows(float value)
{
    value = fmaxf(value, shuffle_xor(value, 4));
    value = fmaxf(value, shuffle_xor(value, 8));
    return fmaxf(value, shuffle_xor(value, 16));
}
__device__ __forceinline__ float sum_over_rows(float value)
{
    value += shuffle_xor(value, 4);
    value += shuffle_xor(value, 8);
    return value + shuffle_xor(value, 16);
}

// A pair of neighbours of row g (columns 2t and 2t + 1) of an 8 x 8 matrix for a pair of column g (rows 2t and 2t + 1).
__device__ __forceinline__ uint32 transpose(uint32 pair, int lane)
{
    const int from = lane % 4 * 8 + lane / 8;
    uint32 upper = shuffle(pair, from), lower = shuffle(pair, from + 4);
    return pick_bytes(upper, lower, lane / 4 % 2 == 0 ? 0x5410 : 0x7632);
}

// Turns scores into weights, as the right operand of the values, and carries maximum, sum and outputs over to the new maximum. A token
// that is not read has a score of minus infinity and adds exactly nothing.
__device__ __forceinline__ void weigh(Softmax& softmax, float (&scores)[HEAD_TILES][4], uint32 (&weights)[HEAD_TILES][2])
{
    float maxima[HEAD_TILES][2];
    bool grew = false;
    #pragma unroll
    for (int n = 0; n < HEAD_TILES; n++)
    {
        #pragma unroll
        for (int e = 0; e < 2; e++)
        {
            maxima[n][e] = fmaxf(softmax.maxima[n][e], max_over_rows(fmaxf(scores[n][e], scores[n][2 + e])));
            grew |= maxima[n][e] > softmax.maxima[n][e];
        }
    }

    if (ballot(grew) != 0) // rarely, after the first tiles
    {
        #pragma unroll
        for (int n = 0; n < HEAD_TILES; n++)
        {
            #pragma unroll
            for (int e = 0; e < 2; e++)
            {
                float factor = exp2_fast(softmax.maxima[n][e] - maxima[n][e]);
                softmax.maxima[n][e] = maxima[n][e];
                softmax.sums[n][e] *= factor;
                #pragma unroll
                for (int i = 0; i < VALUE_PARTS * 4; i++)
                {
                    softmax.outputs[i / 4][i % 4][n][e] *= factor;
                    softmax.outputs[i / 4][i % 4][n][2 + e] *= factor;
                }
            }
        }
    }

    const int lane = lane_index_again();
    #pragma unroll
    for (int n = 0; n < HEAD_TILES; n++)
    {
        #pragma unroll
        for (int i = 0; i < 4; i++)
        {
            scores[n][i] = exp2_fast(scores[n][i] - softmax.maxima[n][i % 2]);
            softmax.sums[n][i % 2] += scores[n][i];
        }

        weights[n][0] = transpose(pack<ELEMENT>(scores[n][0], scores[n][1]), lane);
        weights[n][1] = transpose(pack<ELEMENT>(scores[n][2], scores[n][3]), lane);
    }
}

// outputs += values · weights.
__device__ __forceinline__ void add_values(Softmax& softmax, const ValueTile& values, const uint32 (&weights)[HEAD_TILES][2])
{
    #pragma unroll
    for (int part = 0; part < VALUE_PARTS; part++)
    {
        #pragma unroll
        for (int j = 0; j < 4; j++)
        {
            uint32 v0 = pair_of(values.rows[0][part], j), v1 = pair_of(values.rows[1][part], j);
            uint32 v2 = pair_of(values.rows[2][part], j), v3 = pair_of(values.rows[3][part], j);
            const uint32 dims[4] = {
                pick_bytes(v0, v1, 0x5410), pick_bytes(v0, v1, 0x7632), pick_bytes(v2, v3, 0x5410), pick_bytes(v2, v3, 0x7632) };
            #pragma unroll
            for (int n = 0; n < HEAD_TILES; n++)
                mma<ELEMENT>(softmax.outputs[part][j][n], dims, weights[n]);
        }
    }
}
