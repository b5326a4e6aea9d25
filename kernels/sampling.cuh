// Drawing a token from a row of logits without sorting it: top-k, top-p and the draw itself are all the same question, at which token,
// from the most probable down, a running sum reaches a target. It is answered digit by digit (radix select) with histograms of the
// tokens' counts or weights.
//
// Weights are summed exactly: all floats of a bin share their exponent, so their mantissas are added as integers (in two halves, each by
// atomic adds in shared memory). No result depends on the order in which threads came.
#pragma once
#include "ordering.cuh"

constexpr int THREADS = 1024;
constexpr int WARPS = THREADS / WARP;
constexpr int CAPACITY = 8192; // tokens that are kept in shared memory
constexpr float LARGEST = 3.40282347e38f;
constexpr uint32 LEAST_WEIGHT = 0x00800000u; // the least normal float: smaller ones count as nothing
constexpr int LAST_ID = 0x7fffffff;

// How a row is sampled, as the host writes it.
struct RowParameters
{
    float temperature;
    float top_p;
    float min_p;
    float uniform;
    int top_k; // 0 = all
    float repetition;
    float presence;
    float frequency;
};

// The tokens of a row: all of them, or those gathered in shared memory (in no particular order).
struct Tokens
{
    const float* logits;
    int vocabulary;
    float* gathered;    // [CAPACITY] logits
    int* gathered_ids;  // [CAPACITY]
    int gathered_count; // -1: all tokens are looked at
};

// Which tokens top-k keeps: keys above, and of equal ones the lowest ids.
struct Cut
{
    uint32 key;
    int last_id;

    __device__ __forceinline__ bool keeps(float logit, int id) const
    {
        const uint32 own = order_key(logit);
        return own > key || (own == key && id <= last_id);
    }
};

// A logit as a probability relative to that of the most probable token, by its bits, which order as the weights do.
struct Weighing
{
    float maximum;
    float scale; // log2(e) / temperature

    __device__ __forceinline__ uint32 operator()(float logit) const
    {
        return logit == maximum ? 0x3f800000u : as_bits(exp2_fast((logit - maximum) * scale));
    }
};

// A place in the order of weights.
struct Reached
{
    uint32 weight; // bits
    int equal;     // how many tokens weigh the same
    int place;     // the place among those, from 0, of the token with which the target is reached
    uint64 mass;   // of all tokens up to and with that one, in 2^-40
};

struct Workspace
{
    uint32 counts[BINS];
    uint32 low_sums[BINS];  // of mantissas: their lower 12 bits
    uint32 high_sums[BINS]; // their upper 12 bits
    uint64 totals[WARPS];
    DigitSearch search;
    int gathered;
    int found;
};

template <typename Action> __device__ __forceinline__ void for_each_token(const Tokens& tokens, Action action)
{
    if (tokens.gathered_count >= 0)
    {
#pragma unroll 1
        for (int i = threadIdx.x; i < tokens.gathered_count; i += THREADS)
            action(tokens.gathered[i], tokens.gathered_ids[i]);
        return;
    }

    // Two loads are always in flight; unrolling by hand would multiply the code, which is many such passes long.
    const bool aligned = tokens.vocabulary % 4 == 0; // and with it every row
    const int vectors = aligned ? tokens.vocabulary / 4 : 0;
    const float4 nothing = make_float4(0, 0, 0, 0);
    int at = threadIdx.x;
    float4 next = at < vectors ? load_floats(tokens.logits + 4 * at) : nothing;
    float4 second = at + THREADS < vectors ? load_floats(tokens.logits + 4 * (at + THREADS)) : nothing;
#pragma unroll 1
    for (; at < vectors; at += THREADS)
    {
        const float4 v = next;
        const int ahead = at + 2 * THREADS;
        next = second;
        second = ahead < vectors ? load_floats(tokens.logits + 4 * ahead) : nothing;
        action(v.x, 4 * at);
        action(v.y, 4 * at + 1);
        action(v.z, 4 * at + 2);
        action(v.w, 4 * at + 3);
    }
#pragma unroll 1
    for (int id = 4 * vectors + (int)threadIdx.x; id < tokens.vocabulary; id += THREADS)
        action(tokens.logits[id], id);
}

__device__ __forceinline__ void clear_counts(Workspace& work)
{
    sync_block(); // everybody has read them
    for (int bin = threadIdx.x; bin < BINS; bin += THREADS)
        work.counts[bin] = 0;
    sync_block();
}

__device__ __forceinline__ void clear_sums(Workspace& work)
{
    sync_block();
    for (int bin = threadIdx.x; bin < BINS; bin += THREADS)
    {
        work.counts[bin] = 0;
        work.low_sums[bin] = 0;
        work.high_sums[bin] = 0;
    }
    sync_block();
}

// Keeps some tokens in shared memory and looks at those alone from then on; the caller knows that they fit.
template <typename Predicate> __device__ __forceinline__ void gather(Tokens& tokens, Workspace& work, Predicate wanted)
{
    sync_block();
    if (threadIdx.x == 0)
        work.gathered = 0;
    sync_block();
    for_each_token(tokens, [&](float logit, int id)
    {
        if (wanted(logit, id))
        {
            const int place = atomicAdd(&work.gathered, 1);
            tokens.gathered[place] = logit;
            tokens.gathered_ids[place] = id;
        }
    });
    sync_block();
    tokens.gathered_count = work.gathered;
}

// Where the counts reach a target from the highest bin down; the sum of all of them.
__device__ __forceinline__ uint64 search_counts(Workspace& work, uint64 target)
{
    return find_digit<WARPS>(
        BINS, target, false, [&](int bin) { return (uint64)work.counts[bin]; }, [&](int bin) { return work.counts[bin] != 0; },
        work.totals, &work.search);
}

// Of the tokens that answer, the one with the place-th lowest id, from 0.
template <typename Predicate> __device__ __forceinline__ int nth_id(const Tokens& tokens, Workspace& work, int place, Predicate answers)
{
    // Bins count from the lowest id up, but are searched from the highest down: so the upper bits are taken inverted.
    clear_counts(work);
    for_each_token(tokens, [&](float logit, int id)
    {
        if (answers(logit, id))
            atomicAdd(&work.counts[BINS - 1 - (id >> 10)], 1u);
    });
    sync_block();
    search_counts(work, (uint64)place + 1);
    const int upper = BINS - 1 - work.search.digit, left = place - (int)work.search.before;
    clear_counts(work);
    for_each_token(tokens, [&](float logit, int id)
    {
        if (id >> 10 == upper && answers(logit, id))
            atomicAdd(&work.counts[1023 - (id & 1023)], 1u);
    });
    sync_block();
    search_counts(work, (uint64)left + 1);
    return upper << 10 | (1023 - work.search.digit);
}

// What top-k keeps, k > 0. Tokens may be gathered on the way.
__device__ __forceinline__ Cut cut_top(Tokens& tokens, Workspace& work, int k)
{
    uint32 prefix = 0, mask = 0;
    int left = k;
    for (int shift = 21; ; shift = shift == 21 ? 10 : 0)
    {
        const uint32 digits = shift == 0 ? 1023 : 2047;
        clear_counts(work);
        for_each_token(tokens, [&](float logit, int)
        {
            const uint32 key = order_key(logit);
            if (logit >= -LARGEST && (key & mask) == prefix)
                atomicAdd(&work.counts[key >> shift & digits], 1u);
        });
        sync_block();
        if (search_counts(work, (uint64)left) <= (uint64)left && shift == 21)
            return { 0, LAST_ID }; // there are no more than k
        const int digit = work.search.digit, equal = (int)work.counts[digit];
        left -= (int)work.search.before;
        prefix |= (uint32)digit << shift;
        mask |= digits << shift;
        if (tokens.gathered_count < 0 && k - left + equal <= CAPACITY)
            gather(tokens, work, [&](float logit, int) { return logit >= -LARGEST && (order_key(logit) & mask) >= prefix; });
        if (left == equal)
            return { prefix, LAST_ID }; // lower digits are 0: all that begin with these are kept
        if (shift == 0)
            return { prefix, nth_id(tokens, work, left - 1, [&](float logit, int) { return order_key(logit) == prefix; }) };
    }
}

// The weight of a bin's tokens in units of the last mantissa bit.
__device__ __forceinline__ uint64 bin_units(const Workspace& work, int bin)
{
    return ((uint64)work.high_sums[bin] << 12) + work.low_sums[bin];
}

// Bits that units of a weight's exponent are shifted to the left by, to become 2^-40.
__device__ __forceinline__ int shift_of(uint32 exponent) { return (int)exponent - 127 - 23 + 40; }
__device__ __forceinline__ uint64 from_units(uint64 units, int shift)
{
    return shift >= 0 ? units << shift : shift > -64 ? units >> -shift : 0;
}

// A bin's weight in 2^-40; `upper` bins are those of the exponent and 4 mantissa bits.
__device__ __forceinline__ uint64 upper_mass(const Workspace& work, int bin)
{
    return from_units(bin_units(work, bin), shift_of((uint32)bin >> 4));
}

__device__ __forceinline__ void add_weight(Workspace& work, int bin, uint32 weight)
{
    const uint32 mantissa = (weight & 0x7fffff) | 0x800000;
    atomicAdd(&work.counts[bin], 1u);
    atomicAdd(&work.low_sums[bin], mantissa & 0xfff);
    atomicAdd(&work.high_sums[bin], mantissa >> 12);
}

// The histogram of the kept tokens' weights, of those that are at least `least`, by exponent and 4 mantissa bits.
__device__ __forceinline__ void weigh(const Tokens& tokens, Workspace& work, const Cut& cut, const Weighing& weight_of, uint32 least)
{
    clear_sums(work);
    for_each_token(tokens, [&](float logit, int id)
    {
        if (!(logit >= -LARGEST) || !cut.keeps(logit, id))
            return;
        const uint32 weight = weight_of(logit);
        if (weight >= least)
            add_weight(work, (int)(weight >> 19), weight);
    });
    sync_block();
}

__device__ __forceinline__ uint64 search_mass(Workspace& work, uint64 target, bool exceed)
{
    return find_digit<WARPS>(
        BINS, target, exceed, [&](int bin) { return upper_mass(work, bin); }, [&](int bin) { return work.counts[bin] != 0; },
        work.totals, &work.search);
}

__device__ __forceinline__ uint64 total_mass(Workspace& work) { return search_mass(work, ~0ull, true); }

// The token with which the mass reaches the target (exceeds it), after search_mass has found its upper digit: the other two digits.
__device__ __forceinline__ Reached reach(
    const Tokens& tokens, Workspace& work, const Cut& cut, const Weighing& weight_of, uint64 target, bool exceed)
{
    const uint32 upper = (uint32)work.search.digit;
    const uint64 before = work.search.before;
    const int shift = shift_of(upper >> 4);
    uint64 left = target > before ? target - before : 0; // in units of the bin's tokens, rounded so that the comparison stays the same
    if (shift < 0)
        left <<= -shift;
    else if (exceed)
        left >>= shift;
    else
        left = (left + (1ull << shift) - 1) >> shift;

    clear_sums(work);
    for_each_token(tokens, [&](float logit, int id)
    {
        if (!(logit >= -LARGEST))
            return;
        const uint32 weight = weight_of(logit);
        if (weight >> 19 == upper && cut.keeps(logit, id))
            add_weight(work, (int)(weight >> 8 & 2047), weight);
    });
    sync_block();
    find_digit<WARPS>(
        BINS, left, exceed, [&](int bin) { return bin_units(work, bin); }, [&](int bin) { return work.counts[bin] != 0; },
        work.totals, &work.search);
    const uint32 middle = upper << 11 | (uint32)work.search.digit;
    const uint64 before_middle = work.search.before;
    left = left > before_middle ? left - before_middle : 0;

    clear_counts(work);
    for_each_token(tokens, [&](float logit, int id)
    {
        if (!(logit >= -LARGEST))
            return;
        const uint32 weight = weight_of(logit);
        if (weight >> 8 == middle && cut.keeps(logit, id))
            atomicAdd(&work.counts[weight & 255], 1u);
    });
    sync_block();
    const uint32 mantissa = ((middle << 8) & 0x7fffff) | 0x800000; // of the bin's last digit 0
    find_digit<WARPS>(
        256, left, exceed, [&](int bin) { return (uint64)work.counts[bin] * (mantissa + bin); },
        [&](int bin) { return work.counts[bin] != 0; }, work.totals, &work.search);
    const int digit = work.search.digit;
    const uint64 each = mantissa + (uint32)digit, before_last = work.search.before;
    left = left > before_last ? left - before_last : 0;

    Reached reached;
    reached.weight = middle << 8 | (uint32)digit;
    reached.equal = (int)work.counts[digit];
    reached.place = (int)(exceed ? left / each : left > 0 ? (left - 1) / each : 0);
    reached.mass = before + from_units(before_middle + before_last + (reached.place + 1) * each, shift);
    return reached;
}
