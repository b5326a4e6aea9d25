// The key of the last one chosen of many, found by a block: digit by digit (11, 11 and 10 bits) with histograms in shared memory, until few
// enough keys begin with the digits found to count, for each of them, those above it. Mostly that is so after the first digit.
// The including file defines THREADS and WARPS, and what holds the keys: Keys with `for_each_key(keys, action)`, and fields first, end and
// kept (keys in shared memory, null where they are not).
#pragma once
#include "ordering.cuh"

constexpr int FEW = 128; // keys that are compared with each other
constexpr int RANKERS = THREADS / FEW;
static_assert(RANKERS >= 1 && RANKERS <= WARP && BINS % (4 * THREADS) == 0);

// What is taken: keys above, and of those equal the first ones.
struct Threshold
{
    uint32 key;
    int ties;
    bool all_ties;
};

struct ThresholdSearch
{
    __align__(16) uint32 bins[BINS];
    uint32 few[FEW];
    int totals[WARPS];
    int digit; // of the threshold, the keys above that begin with the digits before, and those that begin with it too
    int above;
    int equal;
    int gathered;
    Threshold found;
};

// Behind it: sync_block.
__device__ __forceinline__ void clear_bins(ThresholdSearch& search)
{
    for (int i = threadIdx.x; i < BINS / 4; i += THREADS)
        ((uint4*)search.bins)[i] = make_uint4(0, 0, 0, 0);
    if (threadIdx.x == 0)
        search.gathered = 0;
}

__device__ __forceinline__ void count_key(ThresholdSearch& search, uint32 key) { atomicAdd(&search.bins[key >> 21], 1u); }

// The bin with which a sum from the highest down reaches `left`, at least 1; there is one. Behind it everybody may read it.
__device__ __forceinline__ void find_digit_of(int left, ThresholdSearch& search)
{
    constexpr int EACH = BINS / THREADS;
    const int lane = lane_index(), warp = warp_index(), highest = BINS - 1 - EACH * (int)threadIdx.x;
    int own = 0;
#pragma unroll
    for (int i = 0; i < EACH; i++)
        own += (int)search.bins[highest - i];
    int sum = own;
    for (int distance = 1; distance < WARP; distance *= 2)
    {
        const int below = shuffle_up(sum, distance);
        if (lane >= distance)
            sum += below;
    }
    if (lane == WARP - 1)
        search.totals[warp] = sum;
    sync_block();
    int before = sum - own;
#pragma unroll
    for (int i = 0; i < WARPS; i++)
        before += i < warp ? search.totals[i] : 0;
    if (before < left && left <= before + own)
    {
        int bin = highest;
        while (before + (int)search.bins[bin] < left)
            before += (int)search.bins[bin--];
        search.digit = bin;
        search.above = before;
        search.equal = (int)search.bins[bin];
    }
    sync_block();
}

// The left-th highest of the keys that begin with prefix, of which there are at most FEW. Behind it everybody may read it.
__device__ __forceinline__ void rank_few(const Keys& keys, uint32 prefix, uint32 mask, int left, ThresholdSearch& search)
{
    for_each_key(keys, [&](uint32 key)
    {
        if ((key & mask) == prefix)
            search.few[atomicAdd(&search.gathered, 1)] = key;
    });
    sync_block();
    const int count = search.gathered, at = (int)threadIdx.x / RANKERS, part = (int)threadIdx.x % RANKERS;
    const uint32 own = at < count ? search.few[at] : 0;
    int above = 0, equal = 0;
    if (at < count)
    {
        for (int i = part; i < count; i += RANKERS)
        {
            above += search.few[i] > own;
            equal += search.few[i] == own;
        }
    }
    for (int distance = 1; distance < RANKERS; distance *= 2)
    {
        above += shuffle_xor(above, distance);
        equal += shuffle_xor(equal, distance);
    }
    if (at < count && part == 0 && above < left && left <= above + equal)
        search.found = { own, left - above, left - above == equal }; // equal ones all write the same
    sync_block();
}

// The count-th highest key, 1 <= count <= keys. Whether the first digits are `counted` already; everybody has passed a barrier since, or
// since the bins were cleared. `gather`: shared memory for `capacity` keys where they are not kept there, to be used once few enough begin
// with the digits found.
__device__ __forceinline__ Threshold find_threshold(
    Keys keys, int count, bool counted, uint32* gather, int capacity, ThresholdSearch& search)
{
    uint32 prefix = 0, mask = 0;
    int left = count;
    for (int shift = 21; ; shift = shift == 21 ? 10 : 0)
    {
        const uint32 digits = shift == 0 ? 1023 : 2047;
        if (!counted)
        {
            for_each_key(keys, [&](uint32 key)
            {
                if ((key & mask) == prefix)
                    atomicAdd(&search.bins[key >> shift & digits], 1u);
            });
            sync_block();
        }
        counted = false;
        find_digit_of(left, search);
        const int equal = search.equal;
        left -= search.above;
        prefix |= (uint32)search.digit << shift;
        mask |= digits << shift;
        if (shift == 0 || left == equal)
            return { prefix, left, left == equal }; // all that begin with these digits are taken, or some of equal ones
        if (equal <= FEW)
        {
            rank_few(keys, prefix, mask, left, search);
            return search.found;
        }

        if (keys.kept == 0 && equal <= capacity)
        {
            for_each_key(keys, [&](uint32 key)
            {
                if ((key & mask) == prefix)
                    gather[atomicAdd(&search.gathered, 1)] = key;
            });
            keys.kept = gather;
            keys.first = 0;
            keys.end = equal;
        }
        sync_block(); // everybody has read what was found, and what was gathered is there
        clear_bins(search);
        sync_block();
    }
}
