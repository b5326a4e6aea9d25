// What attention of prompts is built from: tiles of queries, keys and values in shared memory, and the scores of one on the other.
// Macros: ELEMENT, CACHE, HEAD_DIM, GROUP, BLOCK_SIZE (tokens of a cache block).
#pragma once
#include "device.cuh"

constexpr int THREADS = 128;
constexpr int WARPS = THREADS / WARP;
constexpr int KEY_TILE = 64; // tokens

// Elements from one row of a tile in shared memory to the next: 16 bytes of padding make the rows an odd number of 16-byte pieces long, so
// that the eight rows of a small matrix lie in different banks.
constexpr int TILE_STRIDE = HEAD_DIM + 8;
constexpr int TILE_PIECES = HEAD_DIM / 8;                        // 16-byte pieces of a tile's row
constexpr int CACHE_PIECES = HEAD_DIM * (int)sizeof(CACHE) / 16; // 16-byte pieces of a cached row
constexpr bool CONVERTS = sizeof(CACHE) != sizeof(ELEMENT);      // the cache holds e4m3

// Some tokens: from the first to the one before end.
struct Interval
{
    int first;
    int end;
};

// One head's keys, or values, of a sequence in the cache.
struct PagedRows
{
    const CACHE* head;   // of block 0
    int block_stride;    // elements from block to block
    const int* table;    // the sequence's blocks
};

// The rows of a step that are one sequence's chunk of its prompt.
struct Chunk
{
    int sequence;
    int first_row;
    int rows;
    int position; // of the first row
    int context;  // tokens in the cache, the chunk's own included
};

__device__ __forceinline__ Chunk chunk_of(int sequence, const int* row_starts, const int* positions, const int* context_lengths)
{
    Chunk chunk;
    chunk.sequence = sequence;
    chunk.first_row = row_starts[sequence];
    chunk.rows = row_starts[sequence + 1] - chunk.first_row;
    chunk.position = positions[chunk.first_row];
    chunk.context = context_lengths[sequence];
    return chunk;
}

// Starts the copies of one tile's rows, from token start on; zeros from token end on, so that what memory holds there cannot come through
// as NaN. There is at least one token. Every row is copied by neighbouring threads, 16 bytes each.
__device__ __forceinline__ void copy_tile(CACHE* tile, int stride, const PagedRows& rows, int start, int end)
{
    constexpr int COPIES = KEY_TILE * CACHE_PIECES;
    constexpr int STEP_ROWS = THREADS / CACHE_PIECES; // tokens that all threads copy at once
    // Where those never lie in two blocks, all threads ask the table for the same block, at a fixed distance from the tile's first.
    constexpr bool ALIGNED = THREADS % CACHE_PIECES == 0 && BLOCK_SIZE % STEP_ROWS == 0 && KEY_TILE % BLOCK_SIZE == 0;
    const int last = end - 1;
    #pragma unroll
    for (int step = 0; step < (COPIES + THREADS - 1) / THREADS; step++)
    {
        int at = step * THREADS + (int)threadIdx.x;
        if (COPIES % THREADS != 0 && at >= COPIES)
            break;
        int row = at / CACHE_PIECES, piece = at % CACHE_PIECES, block, offset;
        if constexpr (ALIGNED)
        {
            row = step * STEP_ROWS + (int)threadIdx.x / CACHE_PIECES;
            piece = (int)threadIdx.x % CACHE_PIECES;
            block = rows.table[min(start / BLOCK_SIZE + step * STEP_ROWS / BLOCK_SIZE, last / BLOCK_SIZE)];
            offset = step * STEP_ROWS % BLOCK_SIZE + (int)threadIdx.x / CACHE_PIECES;
        }
        else
        {
            int token = min(start + row, last);
            block = rows.table[token / BLOCK_SIZE];
            offset = token % BLOCK_SIZE;
        }

        const int element = piece * (16 / (int)sizeof(CACHE));
        const CACHE* from = rows.head + (long long)block * rows.block_stride + offset * HEAD_DIM + element;
        copy_async(tile + row * stride + element, from, start + row < end);
    }
}

// Turns what this thread has copied of a tile from e4m3 into elements.
__device__ __forceinline__ void convert_tile(const CACHE* raw, ELEMENT* tile)
{
    if constexpr (CONVERTS)
    {
        for (int at = threadIdx.x; at < KEY_TILE * CACHE_PIECES; at += THREADS)
        {
            uint4 bytes = *(const uint4*)(raw + at * 16);
            uint4* to = (uint4*)(tile + at / CACHE_PIECES * TILE_STRIDE + at % CACHE_PIECES * 16);
            to[0] = make_uint4(
                from_e4m3_pair<ELEMENT>((uint16)bytes.x), from_e4m3_pair<ELEMENT>((uint16)(bytes.x >> 16)),
                from_e4m3_pair<ELEMENT>((uint16)bytes.y), from_e4m3_pair<ELEMENT>((uint16)(bytes.y >> 16)));
            to[1] = make_uint4(
                from_e4m3_pair<ELEMENT>((uint16)bytes.z), from_e4m3_pair<ELEMENT>((uint16)(bytes.z >> 16)),
                from_e4m3_pair<ELEMENT>((uint16)bytes.w), from_e4m3_pair<ELEMENT>((uint16)(bytes.w >> 16)));
        }
    }
}

// Loads queries into a tile: TILE_ROWS (row, head) pairs from pair `first` of `pairs` on, the GROUP heads of a row behind each other; times
// scale, rounded; zeros behind the last. queries is the group's first head in the chunk's first row, kept (or null) where to leave a copy.
// Each thread has AT_ONCE loads in flight.
template <int TILE_ROWS, int AT_ONCE>
__device__ __forceinline__ void load_queries(
    ELEMENT* tile, const float* queries, int row_stride, int first, int pairs, float scale, float* kept = 0, int kept_stride = 0)
{
    #pragma unroll AT_ONCE
    for (int step = 0; step < TILE_ROWS * TILE_PIECES / THREADS; step++)
    {
        int at = step * THREADS + (int)threadIdx.x;
        int pair = first + at / TILE_PIECES, element = at % TILE_PIECES * 8;
        float4 a = make_float4(0, 0, 0, 0), b = make_float4(0, 0, 0, 0);
        if (pair < pairs)
        {
            int in_row = pair % GROUP * HEAD_DIM + element;
            const float4* from = (const float4*)(queries + (long long)(pair / GROUP) * row_stride + in_row);
            a = from[0];
            b = from[1];
            if (kept)
            {
                float4* to = (float4*)(kept + (long long)(pair / GROUP) * kept_stride + in_row);
                to[0] = a;
                to[1] = b;
            }
        }

        *(uint4*)(tile + at / TILE_PIECES * TILE_STRIDE + element) = make_uint4(
            pack<ELEMENT>(a.x * scale, a.y * scale), pack<ELEMENT>(a.z * scale, a.w * scale),
            pack<ELEMENT>(b.x * scale, b.y * scale), pack<ELEMENT>(b.z * scale, b.w * scale));
    }
}

// Rows 0 to 15 of a at columns column to column + 15, as the left operand of a product.
__device__ __forceinline__ void load_left(uint32 (&fragment)[4], const ELEMENT* rows, int column)
{
    load_matrices(fragment, rows + lane_index() % 16 * TILE_STRIDE + column + lane_index() / 16 * 8);
}

// Rows 0 to 15 at columns column to column + 15, as two right operands: b[0], b[1] for rows 0 to 7, b[2], b[3] for rows 8 to 15.
__device__ __forceinline__ void load_right(uint32 (&fragments)[4], const ELEMENT* rows, int column)
{
    load_matrices(fragments, rows + (lane_index() / 16 * 8 + lane_index() % 8) * TILE_STRIDE + column + lane_index() / 8 % 2 * 8);
}

// scores[m][n] = left rows 16 m to 16 m + 15 times right rows 8 n to 8 n + 7, over all of a head.
template <int LEFT, int RIGHT>
__device__ __forceinline__ void multiply_rows(float (&scores)[LEFT][RIGHT][4], const ELEMENT* left, const ELEMENT* right)
{
    #pragma unroll
    for (int m = 0; m < LEFT; m++)
        #pragma unroll
        for (int n = 0; n < RIGHT; n++)
            scores[m][n][0] = scores[m][n][1] = scores[m][n][2] = scores[m][n][3] = 0;

    // The fragments of the next products are loaded before the products of these: two warps on a scheduler do not hide that latency alone.
    constexpr int COLUMNS = HEAD_DIM / 16, STEPS = RIGHT / 2;
    uint32 a[2][LEFT][4], b[2][4];
    #pragma unroll
    for (int m = 0; m < LEFT; m++)
        load_left(a[0][m], left + m * 16 * TILE_STRIDE, 0);
    load_right(b[0], right, 0);
    #pragma unroll
    for (int column = 0; column < COLUMNS; column++)
    {
        #pragma unroll
        for (int step = 0; step < STEPS; step++)
        {
            const int now = (column * STEPS + step) % 2;
            if (step + 1 < STEPS)
                load_right(b[1 - now], right + (step + 1) * 16 * TILE_STRIDE, column * 16);
            else if (column + 1 < COLUMNS)
            {
                load_right(b[1 - now], right, (column + 1) * 16);
                #pragma unroll
                for (int m = 0; m < LEFT; m++)
                    load_left(a[(column + 1) % 2][m], left + m * 16 * TILE_STRIDE, (column + 1) * 16);
            }

            const uint32 b0[2] = { b[now][0], b[now][1] }, b1[2] = { b[now][2], b[now][3] };
            #pragma unroll
            for (int m = 0; m < LEFT; m++)
            {
                mma<ELEMENT>(scores[m][2 * step], a[column % 2][m], b0);
                mma<ELEMENT>(scores[m][2 * step + 1], a[column % 2][m], b1);
            }
        }
    }
}
