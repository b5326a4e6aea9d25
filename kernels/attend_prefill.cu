// attend_prefill: causal attention of the chunks of prompts over the paged cache; each row sees the tokens up to its own position, or
// the last `window` of them. A block computes a tile of (row, head) pairs: the GROUP query heads of one KV head in QUERY_TILE / GROUP
// rows, so that a group's keys and values are read once. Softmax online, base 2, in FlashAttention-2's layout: 4 warps of QUERY_TILE / 4
// pairs; queries, keys and values in shared memory, scores, weights and outputs in registers.
//
//   queries   float32 [rows, query_stride]: the first heads * HEAD_DIM columns of qkv
//   keys      CACHE [blocks, key_stride], values CACHE [blocks, kv_heads * BLOCK_SIZE * HEAD_DIM]
//   attended  ELEMENT [rows, heads * HEAD_DIM], only rows of these chunks
//   sums      float32 [rows, heads] or null: log2 of the sum of 2^score of each row and head, for prefill_mass
//
// DISTANT=1 (PoD): followers keep the keys of sinks and recent tokens only. They read three parts of the tokens one after the other:
// distant ones with their leader's keys (and its queries, where they share scores), sinks and recent ones with their own. A tile of keys
// that a border cuts is read once for each side. Leaders leave their queries as they are.
//
// A row's result is the same, bit for bit, however its prompt is cut: key tiles lie at absolute positions and a masked key adds nothing.
//
// Operations: 4 * HEAD_DIM for each query head and token seen: 4.4 TFLOP for 4096 tokens of a 7B model (32 layers, 32 heads). Each tile of
// 64 tokens (32 KiB at HEAD_DIM 128, from the second-level cache) serves 128 pairs: 128 operations a byte, 2.3 TB/s at 300 TFLOP/s. A
// warp's 32 pairs need 1.1 shared-memory cycles for each product of 16 x 8 x 16, which takes 1.4 at the rate of mma.sync. Expected: 50 to
// 60 % of that rate (about 620 TFLOP/s on an H100), i.e. 300 to 370 TFLOP/s, at 4096 tokens and HEAD_DIM 128; less for short prompts and
// small heads.
//
// Further macros: QUERY_TILE (128, or 64 where there are few tiles), DISTANT (0 or 1).
// Grid: x = KV head, y = query tiles, the last rows first: they see the most tokens, and so all blocks end together. Blocks that find no
// tile of theirs leave. Dynamic shared memory: (QUERY_TILE + 4 * 64) * (HEAD_DIM + 8) * 2 bytes; with a cache of e4m3
// (QUERY_TILE + 2 * 64) * (HEAD_DIM + 8) * 2 + 2 * 64 * HEAD_DIM.
#include "prefill.cuh"
#include "prefill_reading.cuh"

constexpr int LEFT = QUERY_TILE / WARPS / 16; // 16-row tiles of a warp
constexpr int WARP_PAIRS = LEFT * 16;
constexpr int TILE_ELEMENTS = KEY_TILE * TILE_STRIDE;
constexpr float NO_SCORE = -1e30f; // a maximum before any score: finite, so that differences are never NaN
constexpr float SLACK = 8;

struct PerHead { int at[128]; };

// What heads share of distant tokens, by KV head.
struct Sharing
{
    long long leader_keys[128]; // address of the leader's keys of the head in block 0; 0 = not a follower
    int leader_strides[128];    // elements from block to block there
    int query_rows[128];        // first row of the head's place among the kept queries
    int roles[128];             // 1 = leads: leaves its queries; 2 = takes its leader's queries
    const CACHE* proximal_keys; // followers' keys
    const int* proximal_tables; // [sequences, columns of block_tables]
    float* kept_queries;        // [places * max_rows, heads * HEAD_DIM]
    int proximal_stride;
    int sinks;
    int recent;
};

// A warp's state: a lane has two rows in every 16-row tile.
struct State
{
    float outputs[LEFT][HEAD_DIM / 8][4];
    float maxima[LEFT][2]; // what weights are relative to: the maximum, or up to SLACK less
    float totals[LEFT][2]; // sums of the weights in this lane's columns
};

typedef float Scores[LEFT][KEY_TILE / 8][4];

// Carries the state over to other maxima.
__device__ __forceinline__ void rescale(State& state, const float (&maxima)[LEFT][2])
{
    #pragma unroll
    for (int m = 0; m < LEFT; m++)
    {
        #pragma unroll
        for (int half = 0; half < 2; half++)
        {
            float factor = exp2_fast(state.maxima[m][half] - maxima[m][half]);
            state.maxima[m][half] = maxima[m][half];
            state.totals[m][half] *= factor;
            #pragma unroll
            for (int d = 0; d < HEAD_DIM / 8; d++)
            {
                state.outputs[m][d][2 * half] *= factor;
                state.outputs[m][d][2 * half + 1] *= factor;
            }
        }
    }
}

// Turns scores into weights. The state is carried over to a new maximum only where a row's has grown by more than SLACK: weights of up to
// 2^SLACK are as precise, and most tiles are spared the multiplications.
__device__ __forceinline__ void weigh(Scores& scores, State& state)
{
    float maxima[LEFT][2];
    bool grows = false;
    #pragma unroll
    for (int m = 0; m < LEFT; m++)
    {
        #pragma unroll
        for (int half = 0; half < 2; half++)
        {
            float maximum = scores[m][0][2 * half];
            #pragma unroll
            for (int n = 0; n < KEY_TILE / 8; n++)
                maximum = fmaxf(maximum, fmaxf(scores[m][n][2 * half], scores[m][n][2 * half + 1]));
            maximum = fmaxf(maximum, shuffle_xor(maximum, 1));
            maximum = fmaxf(maximum, shuffle_xor(maximum, 2));
            bool row_grows = maximum > state.maxima[m][half] + SLACK;
            maxima[m][half] = row_grows ? maximum : state.maxima[m][half];
            grows |= row_grows;
        }
    }

    if (ballot(grows))
        rescale(state, maxima);

    #pragma unroll
    for (int m = 0; m < LEFT; m++)
    {
        #pragma unroll
        for (int half = 0; half < 2; half++)
        {
            float total = 0;
            #pragma unroll
            for (int n = 0; n < KEY_TILE / 8; n++)
            {
                scores[m][n][2 * half] = exp2_fast(scores[m][n][2 * half] - state.maxima[m][half]);
                scores[m][n][2 * half + 1] = exp2_fast(scores[m][n][2 * half + 1] - state.maxima[m][half]);
                total += scores[m][n][2 * half] + scores[m][n][2 * half + 1];
            }

            state.totals[m][half] += total;
        }
    }
}

// Values of 16 tokens at columns column to column + 15, as two right operands.
__device__ __forceinline__ void load_values(uint32 (&fragments)[4], const ELEMENT* tokens, int column)
{
    load_matrices_transposed(fragments, tokens + lane_index() % 16 * TILE_STRIDE + column + lane_index() / 16 * 8);
}

// outputs += weights * values. The accumulators of two score tiles are laid out as the left operand of 16 tokens.
__device__ __forceinline__ void add_values(const Scores& weights, const ELEMENT* values, State& state)
{
    constexpr int STEPS = HEAD_DIM / 16;
    uint32 b[2][4];
    load_values(b[0], values, 0);
    #pragma unroll
    for (int token = 0; token < KEY_TILE; token += 16)
    {
        const int n = token / 8;
        uint32 a[LEFT][4];
        #pragma unroll
        for (int m = 0; m < LEFT; m++)
        {
            a[m][0] = pack<ELEMENT>(weights[m][n][0], weights[m][n][1]);
            a[m][1] = pack<ELEMENT>(weights[m][n][2], weights[m][n][3]);
            a[m][2] = pack<ELEMENT>(weights[m][n + 1][0], weights[m][n + 1][1]);
            a[m][3] = pack<ELEMENT>(weights[m][n + 1][2], weights[m][n + 1][3]);
        }

        #pragma unroll
        for (int step = 0; step < STEPS; step++)
        {
            const int now = (token / 16 * STEPS + step) % 2;
            if (step + 1 < STEPS)
                load_values(b[1 - now], values + token * TILE_STRIDE, (step + 1) * 16);
            else if (token + 16 < KEY_TILE)
                load_values(b[1 - now], values + (token + 16) * TILE_STRIDE, 0);

            const uint32 b0[2] = { b[now][0], b[now][1] }, b1[2] = { b[now][2], b[now][3] };
            #pragma unroll
            for (int m = 0; m < LEFT; m++)
            {
                mma<ELEMENT>(state.outputs[m][2 * step], a[m], b0);
                mma<ELEMENT>(state.outputs[m][2 * step + 1], a[m], b1);
            }
        }
    }
}

// Divides by the sums and writes the warp's rows, through its rows of the query tile so that they are written 16 bytes at a time.
__device__ __forceinline__ void write_outputs(
    State& state, ELEMENT* tile, const Chunk& chunk, int first_pair, int pairs, int heads, ELEMENT* attended, float* sums)
{
    const int g = lane_index() / 4, t = lane_index() % 4, first_head = blockIdx.x * GROUP;
    sync_warp();
    #pragma unroll
    for (int m = 0; m < LEFT; m++)
    {
        #pragma unroll
        for (int half = 0; half < 2; half++)
        {
            float total = state.totals[m][half];
            total += shuffle_xor(total, 1);
            total += shuffle_xor(total, 2);
            int row = m * 16 + half * 8 + g, pair = first_pair + row;
            if (sums && t == 0 && pair < pairs)
            {
                long long at = (long long)(chunk.first_row + pair / GROUP) * heads + first_head + pair % GROUP;
                sums[at] = state.maxima[m][half] + logf(total) * LOG2E;
            }
            float inverse = 1 / total;
            #pragma unroll
            for (int d = 0; d < HEAD_DIM / 8; d++)
            {
                *(uint32*)(tile + row * TILE_STRIDE + d * 8 + 2 * t) =
                    pack<ELEMENT>(state.outputs[m][d][2 * half] * inverse, state.outputs[m][d][2 * half + 1] * inverse);
            }
        }
    }

    sync_warp();
    for (int at = lane_index(); at < WARP_PAIRS * TILE_PIECES; at += WARP)
    {
        int row = at / TILE_PIECES, element = at % TILE_PIECES * 8, pair = first_pair + row;
        if (pair < pairs)
        {
            long long to = (long long)(chunk.first_row + pair / GROUP) * heads + first_head + pair % GROUP;
            *(uint4*)(attended + to * HEAD_DIM + element) = *(const uint4*)(tile + row * TILE_STRIDE + element);
        }
    }
}

// Sets the scores of tokens that a row does not see to minus infinity, where the tile has any.
__device__ __forceinline__ void mask(Scores& scores, const Reading& reading, const Cursor& at, int position, int first_pair, int last_pair)
{
    const Interval first = reading.visible(at.part, position + first_pair / GROUP);
    const Interval last = reading.visible(at.part, position + last_pair / GROUP);
    if (at.start >= last.first && at.start + KEY_TILE <= first.end)
        return;

    #pragma unroll
    for (int m = 0; m < LEFT; m++)
    {
        #pragma unroll
        for (int half = 0; half < 2; half++)
        {
            int pair = first_pair + m * 16 + half * 8 + lane_index() / 4;
            Interval seen = reading.visible(at.part, position + pair / GROUP);
            #pragma unroll
            for (int n = 0; n < KEY_TILE / 8; n++)
            {
                #pragma unroll
                for (int i = 0; i < 2; i++)
                {
                    int token = at.start + n * 8 + lane_index() % 4 * 2 + i;
                    if (token < seen.first || token >= seen.end)
                        scores[m][n][2 * half + i] = NEGATIVE_INFINITY;
                }
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) attend_prefill(
    const float* queries, int query_stride,
    const int* row_starts, const int* positions, const int* context_lengths,
    const int* block_tables, int table_columns, int first_sequence, int end_sequence,
    const CACHE* keys, int key_stride, const CACHE* values, int value_stride, PerHead key_places,
    int window, float scale, ELEMENT* __restrict__ attended, float* __restrict__ sums
#if DISTANT
    , Sharing sharing
#endif
)
{
    wait_for_previous_kernel();
    let_next_kernel_start();

    // The sequence and the tile of it that this block computes.
    int tile = (int)(gridDim.y - 1 - blockIdx.y), sequence = first_sequence;
    for (; sequence < end_sequence; sequence++)
    {
        int tiles = ((row_starts[sequence + 1] - row_starts[sequence]) * GROUP + QUERY_TILE - 1) / QUERY_TILE;
        if (tile < tiles)
            break;
        tile -= tiles;
    }
    if (sequence == end_sequence)
        return;

    const Chunk chunk = chunk_of(sequence, row_starts, positions, context_lengths);
    const int head = (int)blockIdx.x, heads = (int)gridDim.x * GROUP, pairs = chunk.rows * GROUP, first_pair = tile * QUERY_TILE;
    const int first_position = chunk.position + first_pair / GROUP;
    const int last_position = chunk.position + (min(first_pair + QUERY_TILE, pairs) - 1) / GROUP;
    const int head_offset = BLOCK_SIZE * HEAD_DIM, head_column = head * GROUP * HEAD_DIM;
    const float* own_queries = queries + (long long)chunk.first_row * query_stride + head_column;
    const int* table = block_tables + (long long)sequence * table_columns;
    const PagedRows value_rows = { values + (long long)head * head_offset, value_stride, table };
    PagedRows own_keys = { keys + (long long)key_places.at[head] * head_offset, key_stride, table };
    Reading reading = { window, 0, 0 };
    Part first_part = WHOLE;

    ELEMENT* query_tile = (ELEMENT*)shared_memory();
    ELEMENT* tiles = query_tile + QUERY_TILE * TILE_STRIDE; // keys, values, and once more where they are copied in place
    CACHE* raw = (CACHE*)(tiles + 2 * TILE_ELEMENTS);       // what is converted from there

#if DISTANT
    PagedRows leader_keys = own_keys;
    const bool follows = sharing.leader_keys[head] != 0;
    float* kept = sharing.kept_queries + ((long long)sharing.query_rows[head] + chunk.first_row) * heads * HEAD_DIM + head_column;
    if (follows)
    {
        own_keys = { sharing.proximal_keys + (long long)key_places.at[head] * head_offset, sharing.proximal_stride,
            sharing.proximal_tables + (long long)sequence * table_columns };
        leader_keys = { (const CACHE*)sharing.leader_keys[head], sharing.leader_strides[head], table };
        reading.sinks = sharing.sinks;
        reading.recent = sharing.recent;
        first_part = DISTANT_TOKENS;
    }
#endif

    Cursor current = reading.begin(first_part, first_position, last_position), next = current;

    // Starts the copies of the next tile of keys and values.
    auto copy_next = [&](int stage)
    {
#if DISTANT
        const PagedRows& key_rows = next.part == DISTANT_TOKENS ? leader_keys : own_keys;
#else
        const PagedRows& key_rows = own_keys;
#endif
        if constexpr (CONVERTS)
        {
            copy_tile(raw, HEAD_DIM, key_rows, next.start, next.end);
            copy_tile(raw + KEY_TILE * HEAD_DIM, HEAD_DIM, value_rows, next.start, next.end);
        }
        else
        {
            copy_tile((CACHE*)tiles + 2 * stage * TILE_ELEMENTS, TILE_STRIDE, key_rows, next.start, next.end);
            copy_tile((CACHE*)tiles + (2 * stage + 1) * TILE_ELEMENTS, TILE_STRIDE, value_rows, next.start, next.end);
        }
        copy_async_commit();
        reading.advance(next, first_position, last_position);
    };

    copy_next(0);
#if DISTANT
    bool borrows = current.part == DISTANT_TOKENS && (sharing.roles[head] & 2) != 0; // the tile holds the leader's queries
    if (borrows)
        load_queries<QUERY_TILE, 4>(query_tile, kept, heads * HEAD_DIM, first_pair, pairs, scale);
    else
    {
        load_queries<QUERY_TILE, 4>(query_tile, own_queries, query_stride, first_pair, pairs, scale,
            (sharing.roles[head] & 1) != 0 ? kept : 0, heads * HEAD_DIM);
    }
#else
    load_queries<QUERY_TILE, 4>(query_tile, own_queries, query_stride, first_pair, pairs, scale);
#endif

    State state;
    #pragma unroll
    for (int m = 0; m < LEFT; m++)
    {
        state.maxima[m][0] = state.maxima[m][1] = NO_SCORE;
        state.totals[m][0] = state.totals[m][1] = 0;
        #pragma unroll
        for (int d = 0; d < HEAD_DIM / 8; d++)
            state.outputs[m][d][0] = state.outputs[m][d][1] = state.outputs[m][d][2] = state.outputs[m][d][3] = 0;
    }

    const int warp_first = first_pair + warp_index() * WARP_PAIRS, warp_last = min(warp_first + WARP_PAIRS, pairs) - 1;
    ELEMENT* warp_queries = query_tile + warp_index() * WARP_PAIRS * TILE_STRIDE;
    for (int stage = 0; current.part != END; stage ^= 1)
    {
        copy_async_wait<0>();
        sync_block(); // the tile is there (the queries, too), and all warps are done with the one before
        if constexpr (CONVERTS)
        {
            convert_tile(raw, tiles);
            convert_tile(raw + KEY_TILE * HEAD_DIM, tiles + TILE_ELEMENTS);
        }
#if DISTANT
        if (borrows && current.part != DISTANT_TOKENS)
        {
            load_queries<QUERY_TILE, 1>(query_tile, own_queries, query_stride, first_pair, pairs, scale);
            borrows = false;
            sync_block();
        }
#endif
        if constexpr (CONVERTS)
            sync_block();

        const Cursor at = current;
        current = next;
        if (next.part != END)
            copy_next(stage ^ 1);

        // Nothing of this tile is for a warp without rows, or whose rows all lie before it or behind.
        if (warp_first < pairs && at.start < reading.visible(at.part, chunk.position + warp_last / GROUP).end
            && at.start + KEY_TILE > reading.visible(at.part, chunk.position + warp_first / GROUP).first)
        {
            const ELEMENT* key_tile = tiles + (CONVERTS ? 0 : 2 * stage * TILE_ELEMENTS);
            Scores scores;
            multiply_rows<LEFT, KEY_TILE / 8>(scores, warp_queries, key_tile);
            mask(scores, reading, at, chunk.position, warp_first, warp_last);
            weigh(scores, state);
            add_values(scores, key_tile + TILE_ELEMENTS, state);
        }
    }

    write_outputs(state, warp_queries, chunk, warp_first, pairs, heads, attended, sums);
}
