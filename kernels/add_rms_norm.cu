// residual += delta (optional); normed = residual * rsqrt(mean(residual^2) + epsilon) * weight, row by row.
//
// Shapes: residual, delta [rows, HIDDEN] float32; weight [HIDDEN] float32; normed [rows, HIDDEN] of ELEMENT; HIDDEN a multiple of 4.
// Bytes: 14 per element (read residual and delta, write residual, write normed in 16 bits), weight from the second-level cache.
// Expected: 85 % of the memory bandwidth for many rows; for few rows it is all latency, one load and one reduction deep.
//
// One block of THREADS per row; a thread keeps its part of the row in registers.
#include "device.cuh"
#include "block_sum.cuh"

constexpr int VECTORS = HIDDEN / 4;
constexpr int PER_THREAD = (VECTORS + THREADS - 1) / THREADS;

extern "C" __global__ void __launch_bounds__(THREADS) add_rms_norm(
    float* residual, const float* delta, const float* weight, float epsilon, ELEMENT* normed)
{
    let_next_kernel_start();
    float4 weights[PER_THREAD];
#pragma unroll
    for (int i = 0; i < PER_THREAD; i++)
    {
        const int at = i * THREADS + (int)threadIdx.x;
        weights[i] = at < VECTORS ? ((const float4*)weight)[at] : make_float4(0, 0, 0, 0);
    }
    wait_for_previous_kernel();

    float4* row = (float4*)residual + (long long)blockIdx.x * VECTORS;
    const float4* added = (const float4*)delta + (long long)blockIdx.x * VECTORS;
    float4 values[PER_THREAD], deltas[PER_THREAD];
    float squares = 0;
    // All loads before the first store: behind one the compiler lets none pass.
#pragma unroll
    for (int i = 0; i < PER_THREAD; i++)
    {
        const int at = i * THREADS + (int)threadIdx.x;
        values[i] = at < VECTORS ? row[at] : make_float4(0, 0, 0, 0);
        deltas[i] = at < VECTORS && delta != nullptr ? added[at] : make_float4(0, 0, 0, 0);
    }
#pragma unroll
    for (int i = 0; i < PER_THREAD; i++)
    {
        const int at = i * THREADS + (int)threadIdx.x;
        float4 v = values[i];
        if (delta != nullptr)
        {
            const float4 d = deltas[i];
            v = make_float4(v.x + d.x, v.y + d.y, v.z + d.z, v.w + d.w);
            if (at < VECTORS)
                row[at] = v;
        }
        values[i] = v;
        squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
    }

    const float factor = rsqrtf(block_sum<THREADS>(squares) / HIDDEN + epsilon);
    uint2* to = (uint2*)normed + (long long)blockIdx.x * VECTORS;
#pragma unroll
    for (int i = 0; i < PER_THREAD; i++)
    {
        const int at = i * THREADS + (int)threadIdx.x;
        const float4 v = values[i], w = weights[i];
        if (at < VECTORS)
        {
            to[at] = make_uint2(
                pack<ELEMENT>(v.x * factor * w.x, v.y * factor * w.y), pack<ELEMENT>(v.z * factor * w.z, v.w * factor * w.w));
        }
    }
}
