// prefill_mass: the attention that each token gets from the rows of a prompt's chunk, softmax per query head, mean over a group, added to
// what earlier chunks have left. Tokens from the chunk's first row on start at 0, up to the end of the row of `mass`.
//
//   queries   float32 [rows, query_stride]: the first heads * HEAD_DIM columns of qkv
//   keys      CACHE [blocks, key_stride]
//   sums      float32 [rows, heads]: log2 of the sum of 2^score of each row and head (attend_prefill)
//   mass      float32 [slots * kv_heads, tokens]
//
// A block owns TOKENS tokens of one KV head and walks over the rows that see them; its keys are the left operand, so that a token's sum
// over (row, head) pairs is a sum along the columns of the scores: no exchange between warps, always in the same order.
//
// Operations: 2 * HEAD_DIM for each query head and token seen, half of attention's. Each block converts all queries that see its tokens:
// 4 * HEAD_DIM bytes for 128 * 2 * HEAD_DIM operations, 64 a byte from the second-level cache. Expected: about 25 % of the rate of
// mma.sync (150 TFLOP/s on an H100) at 4096 tokens and HEAD_DIM 128, bound by that reading and the barriers around it; it runs for
// policies that sum up attention (H2O) only.
//
// Grid: x = token tiles of the row of mass, y = KV head, z = sequence. Dynamic shared memory: (128 + 64) * (HEAD_DIM + 8) * 2 bytes, and
// 128 * HEAD_DIM more with a cache of e4m3.
#include "prefill.cuh"

constexpr int LEFT = 2;                       // 16-token tiles of a warp
constexpr int TOKENS = WARPS * LEFT * 16;     // of a block
constexpr int PAIRS = 64;                     // (row, head) pairs of a tile of queries

struct PerHead { int at[128]; };

// Copies the block's keys to shared memory as elements: two tiles of tokens.
__device__ __forceinline__ void load_keys(ELEMENT* tile, CACHE* raw, const PagedRows& rows, int start, int end)
{
    for (int half = 0; half < TOKENS / KEY_TILE; half++)
    {
        if (start + half * KEY_TILE >= end)
            break;
        if constexpr (CONVERTS)
            copy_tile(raw + half * KEY_TILE * HEAD_DIM, HEAD_DIM, rows, start + half * KEY_TILE, end);
        else
            copy_tile((CACHE*)tile + half * KEY_TILE * TILE_STRIDE, TILE_STRIDE, rows, start + half * KEY_TILE, end);
    }

    copy_async_commit();
    copy_async_wait<0>();
    if constexpr (CONVERTS)
    {
        for (int half = 0; half < TOKENS / KEY_TILE && start + half * KEY_TILE < end; half++)
            convert_tile(raw + half * KEY_TILE * HEAD_DIM, tile + half * KEY_TILE * TILE_STRIDE);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) prefill_mass(
    const float* queries, int query_stride,
    const int* row_starts, const int* positions, const int* context_lengths,
    const int* block_tables, int table_columns, const int* sequence_slots, int first_sequence,
    const CACHE* keys, int key_stride, PerHead key_places, int window, float scale,
    const float* sums, float* __restrict__ mass, int mass_columns)
{
    wait_for_previous_kernel();
    let_next_kernel_start();

    __shared__ float pair_sums[PAIRS];
    const int head = (int)blockIdx.y, heads = (int)gridDim.y * GROUP, place = key_places.at[head];
    if (place < 0)
        return; // a head that does not keep its keys is never asked for what it attends to
    const Chunk chunk = chunk_of(first_sequence + (int)blockIdx.z, row_starts, positions, context_lengths);
    const int start = (int)blockIdx.x * TOKENS, end = chunk.position + chunk.rows, pairs = chunk.rows * GROUP;
    float* token_mass = mass + ((long long)sequence_slots[chunk.sequence] * (int)gridDim.y + head) * mass_columns;

    ELEMENT* key_tile = (ELEMENT*)shared_memory();
    ELEMENT* query_tile = key_tile + TOKENS * TILE_STRIDE;
    const ELEMENT* warp_keys = key_tile + warp_index() * LEFT * 16 * TILE_STRIDE;
    if (start < end)
    {
        const PagedRows rows =
            { keys + (long long)place * BLOCK_SIZE * HEAD_DIM, key_stride, block_tables + (long long)chunk.sequence * table_columns };
        load_keys(key_tile, (CACHE*)(query_tile + PAIRS * TILE_STRIDE), rows, start, end);
    }

    // Rows that see any of the block's tokens: those at or behind the first one, and in a window those near enough to the last.
    const int first_row = max(0, start - chunk.position);
    const int end_row = window > 0 ? min(chunk.rows, start + TOKENS - 1 + window - chunk.position) : chunk.rows;
    const int warp_start = start + warp_index() * LEFT * 16;
    float totals[LEFT][2] = {};
    for (int first = first_row * GROUP / PAIRS * PAIRS; first < end_row * GROUP; first += PAIRS)
    {
        sync_block(); // all warps are done with the queries before
        load_queries<PAIRS, 4>(
            query_tile, queries + (long long)chunk.first_row * query_stride + head * GROUP * HEAD_DIM, query_stride, first, pairs, scale);
        for (int i = threadIdx.x; i < PAIRS; i += THREADS)
        {
            int pair = first + i;
            if (pair < pairs)
                pair_sums[i] = sums[(long long)(chunk.first_row + pair / GROUP) * heads + head * GROUP + pair % GROUP];
        }
        sync_block();
        if (warp_start >= end)
            continue;

        float scores[LEFT][PAIRS / 8][4];
        multiply_rows<LEFT, PAIRS / 8>(scores, warp_keys, query_tile);
        #pragma unroll
        for (int n = 0; n < PAIRS / 8; n++)
        {
            #pragma unroll
            for (int i = 0; i < 2; i++)
            {
                int column = n * 8 + lane_index() % 4 * 2 + i, pair = first + column;
                int position = chunk.position + pair / GROUP, seen_from = window > 0 ? position - window + 1 : 0;
                float sum = pair_sums[column];
                #pragma unroll
                for (int m = 0; m < LEFT; m++)
                {
                    #pragma unroll
                    for (int half = 0; half < 2; half++)
                    {
                        int token = warp_start + m * 16 + half * 8 + lane_index() / 4;
                        if (pair < pairs && token <= position && token >= seen_from)
                            totals[m][half] += exp2_fast(scores[m][n][2 * half + i] - sum);
                    }
                }
            }
        }
    }

    #pragma unroll
    for (int m = 0; m < LEFT; m++)
    {
        #pragma unroll
        for (int half = 0; half < 2; half++)
        {
            float total = totals[m][half];
            total += shuffle_xor(total, 1);
            total += shuffle_xor(total, 2);
            int token = warp_start + m * 16 + half * 8 + lane_index() / 4;
            if (lane_index() % 4 == 0 && token < mass_columns)
                token_mass[token] = (token < chunk.position ? token_mass[token] : 0) + total * (1.0f / GROUP);
        }
    }
}
