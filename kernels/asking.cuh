// What retrieval kernels share: lists by head that ask, and what a sliding window shows.
#pragma once
#include "device.cuh"

// A number for each head that asks.
struct PerHead { int at[128]; };

// First token that a layer's sliding window shows to a query at this position; 0 = there is no window.
__device__ __forceinline__ int first_visible(int position, int sliding_window)
{
    return sliding_window > 0 && position >= sliding_window ? position - sliding_window + 1 : 0;
}
