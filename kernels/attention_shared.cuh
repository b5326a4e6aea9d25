// Heads that keep only proximal keys (PoD): their own keys for the first tokens and the most recent ones, their leader's keys, or
// scores, for the distant tokens between; values are always their own.
#pragma once
#include "attention_places.cuh"

constexpr int FOLLOWS = 1;          // keeps proximal keys only
constexpr int SHARES_SCORES = 2;    // takes its leader's scores; else its leader's keys
constexpr int LEADS = 4;            // a later layer takes its scores

// How one KV head's keys are kept.
struct HeadKeys
{
    const uint8* leader_keys;       // the leader's layer: its own place in block 0
    int leader_heads;               // heads of a block there
    short place;                    // within the keys of heads that keep all, or within proximal keys
    uint8 flags;
    uint8 score_place;              // in the logits: where it leaves its scores, or finds its leader's
};

struct SharedKeys
{
    const uint8* proximal_keys;     // [blocks, proximal_heads, block, HEAD_DIM]
    float* logits;                  // [places * max_sequences * heads, logit_columns], by place of the read list
    int logit_columns;
    int proximal_heads;
    int sinks;                      // tokens before this one are proximal,
    int recent;                     // and so are so many last ones
    HeadKeys heads[128];
};

constexpr uint32 OF_LEADER = 0x80000000u;   // in a row of keys: of the leader's
constexpr uint32 NO_KEY = 0xffffffffu;      // the leader's score stands in for it

struct SharedRows
{
    const uint8* keys;              // this head's own, proximal ones of a follower
    const uint8* leader_keys;
    const uint8* values;
    const int* table;
    const int* key_table;
    float* logits;                  // of the group's first head
    int logit_columns;
    int shift;
    int key_heads;
    int key_place;
    int leader_heads;
    int kv_heads;
    int head;
    int flags;
    int sinks;
    int recent_start;

    struct Row
    {
        uint32 key;
        uint32 value;
    };
    struct Keys : KeyTile
    {
        bool taken[2];              // the scores of these two tokens are the leader's
        float scores[HEAD_TILES][4];
    };

    __device__ __forceinline__ Row locate(int token) const
    {
        const int place = token >> shift, block = table[place];
        const uint32 offset = (uint32)(token & ((1 << shift) - 1));
        Row row;
        row.value = (uint32)(block * kv_heads + head) << shift | offset;
        if ((flags & FOLLOWS) && token >= sinks && token < recent_start)
            row.key = flags & SHARES_SCORES ? NO_KEY : OF_LEADER | (uint32)(block * leader_heads) << shift | offset;
        else
            row.key = (uint32)(((flags & FOLLOWS) ? key_table[place] : block) * key_heads + key_place) << shift | offset;
        return row;
    }

    __device__ __forceinline__ void load_keys(Keys& tile, Row row, int place) const
    {
        const int lane = lane_index_again(), t = lane % 4;
        #pragma unroll
        for (int i = 0; i < 2; i++)
        {
            const uint32 key = shuffle(row.key, key_row(lane, i));
            tile.taken[i] = key == NO_KEY;
            if (!tile.taken[i])
            {
                load_key(tile, lane, i, (key & OF_LEADER ? leader_keys : keys) + (uint64)(key & ~OF_LEADER) * ROW_BYTES);
                continue;
            }

            clear_key(tile, i);
            const float* from = logits + min(place + key_row(lane, i), logit_columns - 1);
            #pragma unroll
            for (int n = 0; n < HEAD_TILES; n++)
            {
                #pragma unroll
                for (int e = 0; e < 2; e++)
                    tile.scores[n][2 * i + e] = n * 8 + t * 2 + e < GROUP ? from[(long long)(n * 8 + t * 2 + e) * logit_columns] : 0.0f;
            }
        }
    }

    __device__ __forceinline__ void load_values(ValueTile& tile, Row row) const
    {
        const int lane = lane_index_again();
        #pragma unroll
        for (int i = 0; i < 4; i++)
            load_value(tile, lane, i, values + (uint64)shuffle(row.value, value_row(lane, i)) * ROW_BYTES);
    }

    // Scores of a tile: its own, or the leader's. A leader leaves its own for the followers.
    __device__ __forceinline__ void score_tile(float (&scores)[HEAD_TILES][4], const Keys& tile, const uint16* queries, int place) const
    {
        if (ballot(!tile.taken[0] || !tile.taken[1]) != 0)
            score(scores, tile, queries);
        const int lane = lane_index_again(), t = lane % 4;
        #pragma unroll
        for (int n = 0; n < HEAD_TILES; n++)
        {
            #pragma unroll
            for (int i = 0; i < 4; i++)
            {
                if (tile.taken[i / 2])
                    scores[n][i] = tile.scores[n][i];
                const int head = n * 8 + t * 2 + i % 2, column = place + key_row(lane, i / 2);
                if ((flags & LEADS) && head < GROUP && column < logit_columns)
                    logits[(long long)head * logit_columns + column] = scores[n][i];
            }
        }
    }
};

// `leaves` = whether a leader leaves its scores, or has done so.
__device__ __forceinline__ SharedRows shared_rows(
    const Step& step, const Cache& cache, const SharedKeys& shared, int sequence, int head, bool leaves)
{
    const HeadKeys own = shared.heads[head];
    const bool follows = (own.flags & FOLLOWS) != 0;
    SharedRows rows;
    rows.flags = leaves ? own.flags : own.flags & ~LEADS;
    rows.keys = follows ? shared.proximal_keys : cache.keys;
    rows.leader_keys = own.leader_keys;
    rows.values = cache.values;
    rows.table = step.tables + (long long)sequence * step.table_columns;
    rows.key_table = follows ? step.proximal_tables + (long long)sequence * step.table_columns : rows.table;
    rows.logit_columns = shared.logit_columns;
    rows.logits = shared.logits
        + (((long long)own.score_place * step.max_sequences + sequence) * step.kv_heads + head) * GROUP * shared.logit_columns;
    rows.shift = step.block_shift;
    rows.key_heads = follows ? shared.proximal_heads : cache.key_heads;
    rows.key_place = own.place;
    rows.leader_heads = own.leader_heads;
    rows.kv_heads = step.kv_heads;
    rows.head = head;
    rows.sinks = shared.sinks;
    rows.recent_start = max(shared.sinks, step.lengths[sequence] - shared.recent);
    return rows;
}
