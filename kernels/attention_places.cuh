// Which tokens a decode row reads, and where their keys and values lie in the paged cache. Tokens are counted by place: the n-th token
// that is read. With LISTS = 1 the places are sinks, chosen tokens and window of a list; else all tokens, and a token's place is its
// position. Macros: those of attention_tile.cuh, and LISTS.
#pragma once
#include "attention_tile.cuh"

// A step's tensors and what the layer fixes; one decode row a sequence, row = sequence.
struct Step
{
    const float* qkv;               // [rows, qkv_columns], queries first
    const int* lengths;             // tokens of each sequence, the row's own included
    const int* tables;              // [max_sequences, table_columns]: cache blocks
    const int* proximal_tables;     // the same for proximal keys (PoD), or null
    const int* slots;               // where a sequence's lists and masses lie
    const int* window_starts;
    int qkv_columns;
    int table_columns;
    int max_sequences;
    int first;                      // first sequence of the group that is attended
    int count;                      // sequences of it
    int kv_heads;
    int sliding_window;             // 0 = none
    int block_shift;                // tokens of a cache block = 1 << block_shift
    float query_factor;             // log2 e / sqrt(head_dim)
};

// Keys [blocks, key_heads, block, HEAD_DIM] and values [blocks, kv_heads, block, HEAD_DIM] of CACHE.
struct Cache
{
    const uint8* keys;
    const uint8* values;
    int key_heads;
};

struct PerHead
{
    int at[128];
};

// Chosen tokens [slots * units, columns], ascending, -1 behind them.
struct Lists
{
    const int* indices;
    int columns;
    int units;
    int sinks;
    PerHead sources;                // the unit whose list a KV head reads
};

__device__ __forceinline__ int ceiling(int value, int divisor) { return (value + divisor - 1) / divisor; }

// First token that the layer's sliding window shows to the last of so many.
__device__ __forceinline__ int first_visible(const Step& step, int length)
{
    return step.sliding_window > 0 ? max(0, length - step.sliding_window) : 0;
}

// All tokens from the first visible one on.
struct Range
{
    int first;
    int count;                      // place behind the last one

    // The position of the token at a place; of the nearest one that is read where none is read there.
    __device__ __forceinline__ int token(int place) const { return max(first, min(place, count - 1)); }
};

__device__ __forceinline__ Range range_of(const Step& step, int sequence)
{
    Range range;
    range.count = step.lengths[sequence];
    range.first = first_visible(step, range.count);
    return range;
}

// Sinks, chosen tokens and window.
struct List
{
    static constexpr int first = 0;
    int count;
    int sink_start;
    int sink_count;
    const int* chosen;
    int chosen_count;
    int window_start;

    __device__ __forceinline__ int token(int place) const
    {
        place = min(place, count - 1);
        int at = place - sink_count;
        if (at < 0)
            return sink_start + place;
        return at < chosen_count ? chosen[at] : window_start + at - chosen_count;
    }
};

// How many tokens a list holds: up to the first -1. Behind that may lie what was left by others. All lanes.
__device__ __forceinline__ int list_length(const int* list, int columns)
{
    constexpr int LOADS = 16; // in flight at once
    for (int start = 0; start < columns; start += LOADS * WARP)
    {
        int end = columns;
        int tokens[LOADS];
        #pragma unroll
        for (int i = 0; i < LOADS; i++)
        {
            int at = start + i * WARP + lane_index();
            tokens[i] = at < columns ? list[at] : 0;
        }

        #pragma unroll
        for (int i = LOADS - 1; i >= 0; i--)
        {
            if (tokens[i] == -1)
                end = start + i * WARP + lane_index();
        }

        for (int mask = WARP / 2; mask > 0; mask /= 2)
            end = min(end, shuffle_xor(end, mask));
        if (end < columns)
            return end;
    }

    return columns;
}

__device__ __forceinline__ List list_of(const Step& step, const Lists& lists, int sequence, int head)
{
    const int context = step.lengths[sequence], visible = first_visible(step, context), window_start = step.window_starts[sequence];
    List list;
    list.chosen = lists.indices + ((long long)step.slots[sequence] * lists.units + lists.sources.at[head]) * lists.columns;
    list.chosen_count = list_length(list.chosen, lists.columns);
    if (visible > 0) // what the sliding window hides lies in front
    {
        int low = 0, high = list.chosen_count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (list.chosen[middle] < visible)
                low = middle + 1;
            else
                high = middle;
        }

        list.chosen += low;
        list.chosen_count -= low;
    }

    list.sink_start = min(visible, lists.sinks);
    list.sink_count = lists.sinks - list.sink_start;
    list.window_start = max(window_start, visible);
    list.count = list.sink_count + list.chosen_count + context - list.window_start;
    return list;
}

#if LISTS
typedef List Places;
#else
typedef Range Places;
#endif

// A head that keeps its own keys of all tokens: keys and values lie alike. A row is counted in rows of the whole cache.
struct OwnRows
{
    const uint8* keys;
    const uint8* values;
    const int* table;
    int shift;
    int heads;
    int head;

    typedef uint32 Row;
    struct Keys : KeyTile { };

    __device__ __forceinline__ Row locate(int token) const
    {
        return (uint32)(table[token >> shift] * heads + head) << shift | (uint32)(token & ((1 << shift) - 1));
    }

    // Of the rows that lanes 0 to 15 have. The place is that of the tile's first token.
    __device__ __forceinline__ void load_keys(Keys& tile, Row row, int) const
    {
        const int lane = lane_index_again();
        #pragma unroll
        for (int i = 0; i < 2; i++)
            load_key(tile, lane, i, keys + (uint64)shuffle(row, key_row(lane, i)) * ROW_BYTES);
    }

    __device__ __forceinline__ void load_values(ValueTile& tile, Row row) const
    {
        const int lane = lane_index_again();
        #pragma unroll
        for (int i = 0; i < 4; i++)
            load_value(tile, lane, i, values + (uint64)shuffle(row, value_row(lane, i)) * ROW_BYTES);
    }

    __device__ __forceinline__ void score_tile(float (&scores)[HEAD_TILES][4], const Keys& tile, const uint16* queries, int) const
    {
        score(scores, tile, queries);
    }
};

__device__ __forceinline__ OwnRows own_rows(const Step& step, const Cache& cache, int sequence, int head)
{
    OwnRows rows;
    rows.keys = cache.keys;
    rows.values = cache.values;
    rows.table = step.tables + (long long)sequence * step.table_columns;
    rows.shift = step.block_shift;
    rows.heads = step.kv_heads;
    rows.head = head;
    return rows;
}

// Minus infinity for what lies outside the places.
__device__ __forceinline__ void hide_unread(float (&scores)[HEAD_TILES][4], int first, int count, int place)
{
    const int at = place + key_row(lane_index_again(), 0);
    const bool upper = at >= first && at < count, lower = at + 8 >= first && at + 8 < count;
    #pragma unroll
    for (int n = 0; n < HEAD_TILES; n++)
    {
        scores[n][0] = upper ? scores[n][0] : NEGATIVE_INFINITY;
        scores[n][1] = upper ? scores[n][1] : NEGATIVE_INFINITY;
        scores[n][2] = lower ? scores[n][2] : NEGATIVE_INFINITY;
        scores[n][3] = lower ? scores[n][3] : NEGATIVE_INFINITY;
    }
}
