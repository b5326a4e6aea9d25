// 8-bit weights with one scale per row, at load: scale = largest magnitude of the row / LARGEST; stored = round(value / scale).
//
// Shapes: source [rows, columns] of SOURCE (float, bf16, f16); target [rows, columns] of WEIGHT (int8 or e4m3, as weight_pairs.cuh says);
// scales [rows] float32; columns a multiple of 16. Bytes: the source twice (the second time from the caches), the target once.
// Expected: bound by the upload before it. One block per row.
#include "device.cuh"
#include "weight_pairs.cuh"

template <typename W> constexpr float LARGEST = 127;
template <> constexpr float LARGEST<e4m3> = 448;

extern "C" __global__ void __launch_bounds__(256) quantize(const SOURCE* source, WEIGHT* target, float* scales, int columns)
{
    let_next_kernel_start();
    wait_for_previous_kernel();
    const SOURCE* row = source + (long long)blockIdx.x * columns;
    float largest = 0;
    for (int i = threadIdx.x; i < columns; i += blockDim.x)
        largest = fmaxf(largest, fabsf(to_float(row[i])));

    __shared__ float of_warp[256 / WARP];
    largest = warp_max(largest);
    if (lane_index() == 0)
        of_warp[warp_index()] = largest;
    sync_block();
    largest = warp_max(of_warp[lane_index() % (256 / WARP)]);
    if (threadIdx.x == 0)
        scales[blockIdx.x] = largest / LARGEST<WEIGHT>;

    const float inverse = largest > 0 ? LARGEST<WEIGHT> / largest : 0;
    uint32* to = (uint32*)(target + (long long)blockIdx.x * columns);
    for (int i = threadIdx.x; i < columns / 4; i += blockDim.x)
    {
        float v[4];
#pragma unroll
        for (int j = 0; j < 4; j++)
            v[j] = to_float(row[4 * i + j]) * inverse;
        to[i] = narrow_weights(WEIGHT{}, v);
    }
}
