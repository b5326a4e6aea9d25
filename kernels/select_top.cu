// The choice of the critical tokens: of the candidates between sinks and window those with the highest scores (of tokens, or of pages of
// 16), each with some that follow it, ascending; ties go to the earlier one. Or, for good (H2O): what is not chosen is marked with -1 in
// its mass and never comes back. A block of 512 threads works for one KV head of one sequence.
//
// Radix select (threshold.cuh): the key of the last one chosen is found by its digits; a pass marks what lies above it, 32 tokens a word,
// and sums over the block say where each word's tokens go. Scores are read once from the second-level cache where the candidates' keys fit
// in shared memory (`capacity`, up to 16384), and the first digits are counted on the way; else up to three times. Below that, scores are
// pooled here from the query heads' products on the way (POOLED); above it by pool_scores, with more blocks.
//
// Bytes: 4 * max(1, POOLED) a token, from the second-level cache; bound by barriers (eight, mostly) and latency, not by bandwidth: expected
// 3 us for 256 heads of 4096 tokens (two blocks a multiprocessor, one wave), 20 to 30 us for one of 131072.
// Macros: UNIT (1, or 16 for pages), POOLED (query heads whose products are pooled here, 0 = scores are ready), FOR_GOOD (0 or 1).
#include "asking.cuh"
#include "pooling.cuh"
#include "ordering.cuh"

constexpr int THREADS = 512;
constexpr int WARPS = THREADS / WARP;
constexpr int SEGMENT = THREADS * WARP; // tokens that are chosen from at once: a word of 32 for each thread
constexpr int AHEAD = 8;                // loads of a thread in flight
constexpr int POOLED_AHEAD = HEADS <= 2 ? 4 : HEADS <= 4 ? 2 : 1; // candidates of a thread whose heads' products are

// The keys of the candidates (tokens or pages) [first, end).
struct Keys
{
    const float* scores; // [end]
    const uint32* kept;  // in shared memory, from the first on; null where they do not fit
    int first;
    int end;

    __device__ __forceinline__ uint32 operator[](int unit) const { return kept != 0 ? kept[unit - first] : order_key(scores[unit]); }
};

template <typename Action> __device__ __forceinline__ void for_each_key(const Keys& keys, Action action)
{
    if (keys.kept != 0)
    {
        for (int i = threadIdx.x; i < keys.end - keys.first; i += THREADS)
            action(keys.kept[i]);
        return;
    }

    constexpr int LOADS = AHEAD / 2;
    for (int start = keys.first / 4 * 4; start < keys.end; start += 4 * THREADS * LOADS)
    {
        float4 v[LOADS];
#pragma unroll
        for (int i = 0; i < LOADS; i++)
        {
            const int at = start + 4 * (i * THREADS + (int)threadIdx.x);
            v[i] = at < keys.end ? load_floats(keys.scores + at) : make_float4(0, 0, 0, 0);
        }
#pragma unroll
        for (int i = 0; i < LOADS; i++)
        {
            const int at = start + 4 * (i * THREADS + (int)threadIdx.x);
            const float values[4] = { v[i].x, v[i].y, v[i].z, v[i].w };
#pragma unroll
            for (int k = 0; k < 4; k++)
            {
                if (at + k >= keys.first && at + k < keys.end)
                    action(order_key(values[k]));
            }
        }
    }
}

#include "threshold.cuh"

// A block's own working memory.
struct Workspace
{
    ThresholdSearch search;
    uint32 above[THREADS]; // a bit for each token of a segment: taken for sure, then: chosen
    uint32 equal[THREADS]; // of the threshold's key, then: where the chosen ones of the word go
    int tie_totals[WARPS]; // a set of totals for each use: no barrier is needed between two
    int dilation_totals[WARPS];
    int chosen_totals[WARPS];
};

// As block_sum_before, with one barrier: who calls it again with the same totals passes another one before.
__device__ __forceinline__ int sum_before(int value, int* totals, int& total)
{
    const int lane = lane_index(), warp = warp_index();
    int sum = value;
    for (int distance = 1; distance < WARP; distance *= 2)
    {
        const int below = shuffle_up(sum, distance);
        if (lane >= distance)
            sum += below;
    }
    if (lane == WARP - 1)
        totals[warp] = sum;
    sync_block();
    int before = sum - value;
    total = 0;
#pragma unroll
    for (int i = 0; i < WARPS; i++)
    {
        const int other = totals[i];
        before += i < warp ? other : 0;
        total += other;
    }
    return before;
}

// Which of the tokens with the threshold's key come early enough, of 32 tokens whose first has `before` such tokens, or pages, before it.
__device__ __forceinline__ uint32 early_ties(uint32 equal, int left)
{
    uint32 taken = 0;
    if (UNIT == 1)
    {
        if (left >= __popc(equal))
            return equal;
        for (; left > 0; left--)
        {
            taken |= equal & (0u - equal);
            equal &= equal - 1;
        }
        return taken;
    }

    for (uint32 page = 0xffff; page != 0; page <<= 16) // pages lie in one half of a word
    {
        if ((equal & page) != 0 && left-- > 0)
            taken |= equal & page;
    }
    return taken;
}

__device__ __forceinline__ int count_units(uint32 tokens)
{
    return UNIT == 1 ? __popc(tokens) : ((tokens & 0xffff) != 0) + (tokens >> 16 != 0);
}

// The tokens of a word that are taken or lie at most `dilation` behind one that is; last_before = the last one taken before the word, or
// -1.
__device__ __forceinline__ uint32 dilate(uint32 taken, int word_start, int last_before, int dilation)
{
    uint32 result = 0;
    int last = last_before;
    for (int bit = 0; bit < WARP; bit++)
    {
        if (taken >> bit & 1)
            last = word_start + bit;
        if (last >= 0 && word_start + bit - last <= dilation)
            result |= 1u << bit;
    }
    return result;
}

// Writes the tokens of [first, end) that are taken, ascending, each once, and returns how many there are.
__device__ __forceinline__ int write_chosen(
    const Keys& keys, const Threshold& threshold, int first, int end, int dilation, int* list, float* mass, Workspace& work)
{
    const int lane = lane_index(), warp = warp_index();
    int written = 0, ties = threshold.ties, last_taken = -1;
    for (int start = first / WARP * WARP; start < end; start += SEGMENT)
    {
        const int words = end - start < SEGMENT ? (end - start + WARP - 1) / WARP : THREADS;
        for (int word = warp; word < words; word += WARPS * AHEAD)
        {
            uint32 key[AHEAD];
#pragma unroll
            for (int i = 0; i < AHEAD; i++)
            {
                const int token = start + (word + i * WARPS) * WARP + lane;
                key[i] = token >= first && token < end ? keys[token / UNIT] : 0;
            }
#pragma unroll
            for (int i = 0; i < AHEAD; i++)
            {
                const int token = start + (word + i * WARPS) * WARP + lane;
                const bool inside = token >= first && token < end;
                const uint32 above = ballot(inside && key[i] > threshold.key), equal = ballot(inside && key[i] == threshold.key);
                if (lane == 0 && word + i * WARPS < words)
                {
                    work.above[word + i * WARPS] = above;
                    work.equal[word + i * WARPS] = equal;
                }
            }
        }
        sync_block();

        const int word = threadIdx.x, word_start = start + word * WARP;
        uint32 taken = word < words ? work.above[word] : 0;
        const uint32 equal = word < words ? work.equal[word] : 0;
        if (threshold.all_ties)
        {
            taken |= equal;
        }
        else
        {
            int all;
            const int before = sum_before(count_units(equal), work.tie_totals, all);
            taken |= early_ties(equal, ties - before);
            ties -= all;
        }
        uint32 chosen = taken;
        if (dilation > 0)
        {
            int last;
            const int before = block_max_before<WARPS>(
                taken != 0 ? word_start + WARP - 1 - __clz(taken) : -1, last_taken, work.dilation_totals, last);
            chosen = dilate(taken, word_start, before, dilation);
            last_taken = last;
            if (word >= words)
                chosen = 0;
            else if (end - word_start < WARP)
                chosen &= (1u << (end - word_start)) - 1;
        }
        int all;
        const int before = sum_before(__popc(chosen), work.chosen_totals, all);
        work.above[word] = chosen;
        work.equal[word] = (uint32)(written + before);
        written += all;
        sync_block();

        for (int i = warp; i < words; i += WARPS)
        {
            const uint32 bits = work.above[i];
            const int token = start + i * WARP + lane;
            if (bits >> lane & 1)
                list[work.equal[i] + __popc(bits & ((1u << lane) - 1))] = token;
            else if (FOR_GOOD && token >= first && token < end)
                mass[token] = -1;
        }
        sync_block();
    }
    return written;
}

__device__ __forceinline__ void keep_key(uint32* to, float score, ThresholdSearch& search)
{
    const uint32 key = order_key(score);
    *to = key;
    count_key(search, key);
}

// Grid: x = heads that ask, y = sequences of the range. Row s * kv_heads + h of scores is that of the step's sequence s; of mass
// (FOR_GOOD), of the sequence in slot s. Products are [y * gridDim.x + x][POOLED][product_stride].
extern "C" __global__ void __launch_bounds__(THREADS, 2) select_top(
    float* scores, int stride, const float* products, int product_stride, const float2* parts, int part_count, const int* row_starts,
    const int* positions, const int* sequence_slots, const int* refresh_mask, const int* window_starts, const int* critical_counts,
    int* lists, int list_columns, int units, PerHead heads, PerHead destinations, int first_sequence, int kv_heads, int sinks,
    int sliding_window, int dilation, int capacity)
{
    let_next_kernel_start();
    __shared__ Workspace work;
    __shared__ Normalizer normalizer;
    const int sequence = first_sequence + blockIdx.y, head = heads.at[blockIdx.x];
    const int refreshes = read_step(refresh_mask + sequence), row_end = read_step(row_starts + sequence + 1);
    const int slot = read_step(sequence_slots + sequence), end = read_step(window_starts + sequence);
    const int count_limit = read_step(critical_counts + sequence), position = read_step(positions + row_end - 1);
    const int visible = first_visible(position, sliding_window);
    const int first = visible > sinks ? visible : sinks, limit = count_limit < list_columns ? count_limit : list_columns;
    float* row = scores + ((long long)(FOR_GOOD ? slot : sequence) * kv_heads + head) * stride;
    int* list = lists + ((long long)slot * units + destinations.at[blockIdx.x]) * list_columns;

    Keys keys;
    keys.scores = row;
    keys.first = first / UNIT;
    keys.end = end > first ? (end - 1) / UNIT + 1 : keys.first;
    uint32* memory = (uint32*)shared_memory();
    const bool fits = keys.end - keys.first <= capacity;
    keys.kept = fits ? memory : 0;
    clear_bins(work.search);
    wait_for_previous_kernel();
    if (refreshes == 0)
        return;
    if (POOLED > 0)
    {
        const long long pair = (long long)blockIdx.y * gridDim.x + blockIdx.x;
        join_parts<WARPS>(parts + pair * HEADS * part_count, part_count, normalizer);
        sync_block(); // the bins are clear, too
        const int visible_unit = visible / UNIT, units_end = position / UNIT + 1;
        for (int start = 0; start < units_end; start += THREADS * POOLED_AHEAD)
        {
            float score[POOLED_AHEAD];
#pragma unroll
            for (int i = 0; i < POOLED_AHEAD; i++)
            {
                const int unit = start + i * THREADS + (int)threadIdx.x;
                const int at = unit < units_end ? unit : units_end - 1;
                score[i] = pool(products + pair * HEADS * product_stride, product_stride, at, normalizer);
            }
#pragma unroll
            for (int i = 0; i < POOLED_AHEAD; i++)
            {
                const int unit = start + i * THREADS + (int)threadIdx.x;
                const float seen = unit >= visible_unit ? score[i] : 0;
                if (unit < units_end)
                    row[unit] = seen;
                if (fits && unit >= keys.first && unit < keys.end)
                    keep_key(memory + unit - keys.first, seen, work.search);
            }
        }
    }
    else
    {
        sync_block(); // the bins are clear
        for (int start = keys.first; fits && start < keys.end; start += THREADS * AHEAD)
        {
            float score[AHEAD];
#pragma unroll
            for (int i = 0; i < AHEAD; i++)
            {
                const int unit = start + i * THREADS + (int)threadIdx.x;
                score[i] = unit < keys.end ? row[unit] : 0;
            }
#pragma unroll
            for (int i = 0; i < AHEAD; i++)
            {
                const int unit = start + i * THREADS + (int)threadIdx.x;
                if (unit < keys.end)
                    keep_key(memory + unit - keys.first, score[i], work.search);
            }
        }
    }
    sync_block();

    const int candidates = end > first ? end - first : 0;
    int count = 0;
    if (!FOR_GOOD && candidates <= limit)
    {
        for (int i = threadIdx.x; i < candidates; i += THREADS)
            list[i] = first + i;
        count = candidates;
    }
    else if (candidates > 0)
    {
        const int anchors = FOR_GOOD && candidates < limit ? candidates : limit / (UNIT + dilation);
        Threshold threshold = { 0xffffffffu, 0, false };
        if (anchors > 0)
            threshold = find_threshold(keys, anchors, fits, memory, fits ? 0 : capacity, work.search);
        if (FOR_GOOD && threshold.key < 0x80000000u)
            threshold = { 0x7fffffffu, 0, false }; // what is negative is out already
        count = write_chosen(keys, threshold, first, end, dilation, list, row, work);
    }
    if (threadIdx.x == 0 && count < list_columns)
        list[count] = -1;
}

// Pools the products of long contexts. Grid: x = parts of the context, y = heads that ask, z = sequences of the range.
extern "C" __global__ void __launch_bounds__(THREADS) pool_scores(
    float* scores, int stride, const float* products, int product_stride, const float2* parts, int part_count, const int* row_starts,
    const int* positions, const int* refresh_mask, PerHead heads, int first_sequence, int kv_heads, int sliding_window)
{
    let_next_kernel_start();
    __shared__ Normalizer normalizer;
    const int sequence = first_sequence + blockIdx.z, head = heads.at[blockIdx.y];
    const int refreshes = read_step(refresh_mask + sequence), row_end = read_step(row_starts + sequence + 1);
    const int position = read_step(positions + row_end - 1);
    wait_for_previous_kernel();
    if (refreshes == 0)
        return;
    const int visible = first_visible(position, sliding_window);
    const long long pair = (long long)blockIdx.z * gridDim.y + blockIdx.y;
    join_parts<WARPS>(parts + pair * HEADS * part_count, part_count, normalizer);
    sync_block();
    float* row = scores + ((long long)sequence * kv_heads + head) * stride;
    const int hop = THREADS * (int)gridDim.x;
    for (int unit = (int)blockIdx.x * THREADS + (int)threadIdx.x; unit <= position / UNIT; unit += hop)
        row[unit] = unit >= visible / UNIT ? pool(products + pair * HEADS * product_stride, product_stride, unit, normalizer) : 0;
}
