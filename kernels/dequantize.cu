// target = scale * W, rows of 8-bit weights as ELEMENT, for products of many rows.
//
// Shapes: weight [rows, columns] of WEIGHT (int8 or e4m3, as weight_pairs.cuh says); scales [rows]; target [rows, columns]; columns a
// multiple of 16. Bytes: 3 per weight. Expected: 90 % of the bandwidth (what is written stays in the second-level cache in part).
#include "device.cuh"
#include "weight_pairs.cuh"

extern "C" __global__ void __launch_bounds__(128) dequantize(const WEIGHT* weight, const float* scales, ELEMENT* target, int columns)
{
    let_next_kernel_start();
    wait_for_previous_kernel();
    const int column = (blockIdx.y * blockDim.x + threadIdx.x) * 16;
    if (column >= columns)
        return;
    const long long at = (long long)blockIdx.x * columns + column;
    const float scale = scales[blockIdx.x];
    const uint4 stored = load_streaming(weight + at);
    const uint32 words[4] = { stored.x, stored.y, stored.z, stored.w };
    uint32 pairs[8];
#pragma unroll
    for (int i = 0; i < 4; i++)
        widen_weights<ELEMENT>(WEIGHT{}, words[i], pairs[2 * i], pairs[2 * i + 1]);
#pragma unroll
    for (int i = 0; i < 8; i++)
        pairs[i] = pack<ELEMENT>(low<ELEMENT>(pairs[i]) * scale, high<ELEMENT>(pairs[i]) * scale);
    uint4* to = (uint4*)(target + at);
    to[0] = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
    to[1] = make_uint4(pairs[4], pairs[5], pairs[6], pairs[7]);
}
