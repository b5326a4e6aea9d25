// Scores of a group of query heads: the mean of the heads' softmaxes over the visible tokens, or pages.
// Macro: POOLED, the query heads of a group (1 to 16); 0 where scores are ready.
#pragma once
#include "device.cuh"

constexpr int HEADS = POOLED > 0 ? POOLED : 1;

struct Normalizer
{
    float max[HEADS];    // of all products
    float factor[HEADS]; // 1 / (sum of 2^(product - max) * heads)
};

// Joins the parts of each head's softmax [HEADS][part_count], a warp for each head, always in the same order.
template <int WARPS> __device__ __forceinline__ void join_parts(const float2* parts, int part_count, Normalizer& result)
{
    const int lane = lane_index();
    for (int head = warp_index(); head < HEADS; head += WARPS)
    {
        const float2 own = lane < part_count ? parts[head * part_count + lane] : make_float2(-1e30f, 0); // mostly all there is
        float max = own.x;
        for (int i = lane + WARP; i < part_count; i += WARP)
            max = fmaxf(max, parts[head * part_count + i].x);
        max = warp_max(max);
        float sum = own.y * exp2_fast(own.x - max);
        for (int i = lane + WARP; i < part_count; i += WARP)
        {
            const float2 part = parts[head * part_count + i];
            sum += part.y * exp2_fast(part.x - max);
        }
        sum = warp_sum(sum);
        if (lane == 0)
        {
            result.max[head] = max;
            result.factor[head] = 1 / (sum * HEADS);
        }
    }
}

__device__ __forceinline__ float pool(const float* products, int stride, int at, const Normalizer& normalizer)
{
    float product[HEADS];
#pragma unroll
    for (int head = 0; head < HEADS; head++)
        product[head] = products[(long long)head * stride + at];
    float score = 0;
#pragma unroll
    for (int head = 0; head < HEADS; head++)
        score += exp2_fast(product[head] - normalizer.max[head]) * normalizer.factor[head];
    return score;
}
