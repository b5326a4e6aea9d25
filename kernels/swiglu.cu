// activated = gate / (1 + e^-gate) * up.
//
// Shapes: gate_up [rows, 2 * columns] float32, gate before up; activated [rows, columns] of ELEMENT; columns a multiple of 8.
// Bytes: 10 per element of the result. Expected: latency for few rows, 85 % of the bandwidth for many.
#include "device.cuh"
#include "elements.cuh"
#include "silu.cuh"

extern "C" __global__ void __launch_bounds__(256) swiglu(const float* gate_up, ELEMENT* activated, int columns)
{
    let_next_kernel_start();
    wait_for_previous_kernel();
    const int column = (blockIdx.y * blockDim.x + threadIdx.x) * 8;
    if (column >= columns)
        return;
    float gate[8], up[8];
    const float* from = gate_up + (long long)blockIdx.x * 2 * columns + column;
    load_eight(gate, from);
    load_eight(up, from + columns);
#pragma unroll
    for (int i = 0; i < 8; i++)
        up[i] = silu_times(gate[i], up[i]);
    *(uint4*)(activated + (long long)blockIdx.x * columns + column) = pack_eight<ELEMENT>(up);
}
