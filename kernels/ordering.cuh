// What choosing the best of many numbers needs: keys that order as the numbers do, sums over a block, and the digit of a histogram at which
// a running sum reaches its target. Everything here counts in integers, so that no result depends on the order in which threads came.
#pragma once
#include "device.cuh"

constexpr int BINS = 2048; // of a histogram: 11 bits

// Orders as the numbers do; -0 as 0 and NaN as the lowest.
__device__ __forceinline__ uint32 order_key(float value)
{
    uint32 bits = as_bits(value + 0.0f);
    uint32 key = bits ^ ((uint32)((int)bits >> 31) | 0x80000000u);
    return value != value ? 0 : key;
}

__device__ __forceinline__ float4 load_floats(const float* address) { return *(const float4*)address; }

// The sum of what the threads before this one hold, and of what all hold. All WARPS warps of the block call it; totals [WARPS] is shared.
template <int WARPS, typename T> __device__ __forceinline__ T block_sum_before(T value, T* totals, T& total)
{
    const int lane = lane_index(), warp = warp_index();
    T sum = value;
    for (int distance = 1; distance < WARP; distance *= 2)
    {
        T below = shuffle_up(sum, distance);
        if (lane >= distance)
            sum += below;
    }
    if (lane == WARP - 1)
        totals[warp] = sum;
    sync_block();
    T before = 0;
    total = 0;
    for (int i = 0; i < WARPS; i++)
    {
        if (i < warp)
            before += totals[i];
        total += totals[i];
    }
    sync_block();
    return before + sum - value;
}

// The largest of what the threads before this one hold, at least `least`, and of what all hold.
template <int WARPS> __device__ __forceinline__ int block_max_before(int value, int least, int* totals, int& total)
{
    const int lane = lane_index(), warp = warp_index();
    int largest = value;
    for (int distance = 1; distance < WARP; distance *= 2)
    {
        int below = shuffle_up(largest, distance);
        if (lane >= distance && below > largest)
            largest = below;
    }
    if (lane == WARP - 1)
        totals[warp] = largest;
    int before = shuffle_up(largest, 1);
    if (lane == 0 || before < least)
        before = least;
    sync_block();
    total = least;
    for (int i = 0; i < WARPS; i++)
    {
        if (i < warp && totals[i] > before)
            before = totals[i];
        if (totals[i] > total)
            total = totals[i];
    }
    sync_block();
    return before;
}

// Where a running sum over the bins, from the highest down, reaches a target.
struct DigitSearch
{
    int digit;     // -1: it does not
    uint64 before; // the sum of the bins above
};

// Finds the first filled bin, from the highest down, with which the sum is at least the target (more than it, where it must exceed it).
// `size(bin)` is what a bin adds, `filled(bin)` whether it holds anything. All WARPS warps call it; bins <= BINS, a multiple of nothing.
template <int WARPS, typename Size, typename Filled>
__device__ __forceinline__ uint64 find_digit(
    int bins, uint64 target, bool exceed, Size size, Filled filled, uint64* totals, DigitSearch* result)
{
    constexpr int EACH = BINS / (WARPS * WARP); // bins of a thread
    const int highest = BINS - 1 - EACH * (int)threadIdx.x;
    if (threadIdx.x == 0)
    {
        result->digit = -1;
        result->before = 0;
    }
    uint64 own = 0, total;
    for (int i = 0; i < EACH; i++)
        own += highest - i < bins ? size(highest - i) : 0;
    uint64 before = block_sum_before<WARPS>(own, totals, total); // its barriers also let everybody see the -1 first
    for (int i = 0; i < EACH; i++)
    {
        const int bin = highest - i;
        if (bin >= bins || !filled(bin))
            continue;
        uint64 sum = before + size(bin);
        bool reached = exceed ? sum > target : sum >= target;
        bool earlier = exceed ? before > target : before >= target && before > 0;
        if (reached && !earlier)
        {
            result->digit = bin;
            result->before = before;
        }
        before = sum;
    }
    sync_block();
    return total;
}
