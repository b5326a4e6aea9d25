// Attention that tokens get from decode rows, summed up: mass[slot, h][token] += mean over the group of softmax(q · Kᵀ /
// sqrt(HEAD_DIM))[token], for the tokens that the row has read. Runs behind attention itself, which leaves the logarithm of each row's
// sum. float32 [slots * kv_heads, columns].
//
// Grid: [kv_heads, sequences, parts] blocks of 128 threads; every token belongs to one lane, so nothing is added by two at once.
//
// Bytes: the keys that were read, once more, and 8 bytes of mass for each token and KV head. About 60 % of the bandwidth limit is
// expected: it serves retrieval by accumulated attention and the display of what was read, and is not made for speed.
//
// Macros: ELEMENT, CACHE, HEAD_DIM, GROUP, LISTS, SHARED (1 where some heads keep proximal keys only).
#include "attention_places.cuh"
#if SHARED
#include "attention_shared.cuh"
#endif

struct Mass
{
    float* mass;
    const float* log_sums;  // [max_sequences, heads]
    int columns;
};

extern "C" __global__ void __launch_bounds__(THREADS) attention_mass(
    Step step, Cache cache, Mass mass
#if SHARED
    , SharedKeys shared
#endif
#if LISTS
    , Lists lists
#endif
    )
{
    wait_for_previous_kernel();
    let_next_kernel_start();
    __shared__ __align__(16) uint16 queries[HEAD_TILES * 8 * QUERY_STRIDE];
    const int head = blockIdx.x, sequence = step.first + blockIdx.y, t = lane_index() % 4;
#if LISTS
    const Places places = list_of(step, lists, sequence, head);
#else
    const Places places = range_of(step, sequence);
#endif
#if SHARED
    const SharedRows rows = shared_rows(step, cache, shared, sequence, head, false);
    typedef SharedRows Rows;
#else
    const OwnRows rows = own_rows(step, cache, sequence, head);
    typedef OwnRows Rows;
#endif
    const float* query = step.qkv + (long long)sequence * step.qkv_columns + head * (GROUP * HEAD_DIM);
    prepare_queries(queries, query, step.query_factor);
    sync_block();

    float log_sums[HEAD_TILES][2];
    #pragma unroll
    for (int i = 0; i < HEAD_TILES * 2; i++)
    {
        const int of = i / 2 * 8 + t * 2 + i % 2;
        log_sums[i / 2][i % 2] = of < GROUP ? mass.log_sums[((long long)sequence * step.kv_heads + head) * GROUP + of] : 0;
    }

    float* to = mass.mass + ((long long)step.slots[sequence] * step.kv_heads + head) * mass.columns;
    const int end = ceiling(places.count, TILE), parts = gridDim.z * WARPS;
    for (int tile = places.first / TILE + blockIdx.z * WARPS + warp_index(); tile < end; tile += parts)
    {
        const int token = places.token(tile * TILE + lane_index() % TILE);
        Rows::Keys keys;
        rows.load_keys(keys, rows.locate(token), tile * TILE);
        float scores[HEAD_TILES][4];
        rows.score_tile(scores, keys, queries, tile * TILE);
        hide_unread(scores, places.first, places.count, tile * TILE);
        #pragma unroll
        for (int i = 0; i < 2; i++)
        {
            float sum = 0;
            #pragma unroll
            for (int n = 0; n < HEAD_TILES; n++)
            {
                #pragma unroll
                for (int e = 0; e < 2; e++)
                    sum += n * 8 + t * 2 + e < GROUP ? exp2_fast(scores[n][2 * i + e] - log_sums[n][e]) : 0;
            }

            sum += shuffle_xor(sum, 1);
            sum += shuffle_xor(sum, 2);
            const int row = key_row(lane_index(), i), at = shuffle(token, row), place = tile * TILE + row;
            if (t == 0 && place >= places.first && place < places.count)
                to[at] += sum / GROUP;
        }
    }
}
