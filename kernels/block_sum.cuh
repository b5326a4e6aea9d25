// The sum of a value over all threads of a block, the same in every thread. A block calls it once.
#pragma once
#include "device.cuh"

template <int COUNT> __device__ __forceinline__ float block_sum(float value)
{
    __shared__ float sums[COUNT / WARP];
    value = warp_sum(value);
    if (lane_index() == 0)
        sums[warp_index()] = value;
    sync_block();
    return warp_sum(lane_index() < COUNT / WARP ? sums[lane_index()] : 0.0f);
}
