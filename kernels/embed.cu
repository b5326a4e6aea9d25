// hidden[r] = table[token_ids[r]], widened to float32.
//
// Shapes: token_ids [rows] int32; table [vocabulary, columns] of TABLE (bf16, f16 or float); hidden [rows, columns] float32; columns a
// multiple of 8. Bytes: rows * columns * (sizeof(TABLE) + 4). Expected: latency for few rows, 85 % of the bandwidth for many.
//
// Grid: x = rows, y = as many blocks of threads as a row has pieces of 8. A token that is not in the vocabulary becomes a row of NaN:
// its logits hold no number then, which the sampler reports.
#include "device.cuh"
#include "elements.cuh"

extern "C" __global__ void __launch_bounds__(256) embed(
    const int* token_ids, const TABLE* table, float* hidden, int vocabulary, int columns)
{
    let_next_kernel_start();
    wait_for_previous_kernel();
    const int token = token_ids[blockIdx.x];
    const bool known = token >= 0 && token < vocabulary;
    const TABLE* from = table + (long long)(known ? token : 0) * columns;
    float* to = hidden + (long long)blockIdx.x * columns;
    const int column = ((int)blockIdx.y * (int)blockDim.x + (int)threadIdx.x) * 8;
    if (column < columns)
    {
        float v[8];
        load_eight(v, from + column);
        if (!known)
        {
#pragma unroll
            for (int i = 0; i < 8; i++)
                v[i] = as_float(0x7fffffffu);
        }
        *(float4*)(to + column) = make_float4(v[0], v[1], v[2], v[3]);
        *(float4*)(to + column + 4) = make_float4(v[4], v[5], v[6], v[7]);
    }
}
