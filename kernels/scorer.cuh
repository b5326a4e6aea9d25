// The kernel that all scorers share: which head of which sequence a block works for, its queries, its rows. The including file defines
// WIDTH, ROWS_PER_BLOCK and POOLED, then `query_element`: element e of what is multiplied with the rows, from a query in memory.
#pragma once
#include "scoring.cuh"

__device__ __forceinline__ float query_element(const float* query, int element, const int* channels, float scale);

// Grid: x = parts of the context, y = heads that ask, z = sequences of the range. Sequences that keep their choice leave at once.
__device__ __forceinline__ void score_context(
    const float* qkv, int qkv_columns, const CACHE* rows, long long columns, const int* channels, int channel_columns, const int* tables,
    int table_columns, const int* row_starts, const int* positions, const int* refresh_mask, const PerHead& heads, const PerHead& places,
    int first_sequence, int kv_heads, int sliding_window, int tokens_per_row, float scale, float* products, int stride, float2* parts)
{
    __shared__ float queries[GROUP * WIDTH];
    const int sequence = first_sequence + blockIdx.z, head = heads.at[blockIdx.y];
    const int refreshes = read_step(refresh_mask + sequence), row = read_step(row_starts + sequence + 1) - 1;
    const int position = read_step(positions + row), visible = first_visible(position, sliding_window);
    Judged judged;
    judged.table = tables + (long long)sequence * table_columns;
    judged.columns = columns;
    judged.place = places.at[blockIdx.y];
    judged.first = visible / tokens_per_row;
    judged.count = refreshes != 0 ? position / tokens_per_row + 1 : 0;
    const int start = first_row(judged);
    Turn turn;
    find_blocks(judged, start, turn);
    wait_for_previous_kernel();
    if (refreshes == 0)
        return;

    // Rows are under way while the queries are read and passed around.
    load_turn(rows, judged, start, turn);
    const float* query = qkv + (long long)row * qkv_columns + head * GROUP * HEAD_DIM;
    for (int i = threadIdx.x; i < GROUP * WIDTH; i += THREADS)
        queries[i] = query_element(query + i / WIDTH * HEAD_DIM, i % WIDTH, channels + head * channel_columns, scale);
    sync_block();

    const long long pair = POOLED ? (long long)blockIdx.z * gridDim.y + blockIdx.y : (long long)sequence * kv_heads + head;
    score_rows(queries, rows, judged, start, turn, products + pair * GROUP * stride, stride, parts + pair * GROUP * gridDim.x);
}

// No pointer is __restrict__: a load that the compiler takes for unchanging could be moved before the wait for the kernel that writes it.
#define SCORER(name, tokens_per_row) \
    extern "C" __global__ void __launch_bounds__(THREADS) name( \
        const float* qkv, int qkv_columns, const CACHE* rows, long long columns, const int* channels, int channel_columns, \
        const int* tables, int table_columns, const int* row_starts, const int* positions, const int* refresh_mask, PerHead heads, \
        PerHead places, int first_sequence, int kv_heads, int sliding_window, float scale, float* products, int stride, float2* parts) \
    { \
        let_next_kernel_start(); \
        score_context( \
            qkv, qkv_columns, rows, columns, channels, channel_columns, tables, table_columns, row_starts, positions, refresh_mask, heads, \
            places, first_sequence, kv_heads, sliding_window, tokens_per_row, scale, products, stride, parts); \
    }
