// The activation of a gated feed-forward layer.
#pragma once
#include "device.cuh"

// gate / (1 + e^-gate) * up.
__device__ __forceinline__ float silu_times(float gate, float up) { return up * (gate / (1 + exp2_fast(-gate * LOG2E))); }
