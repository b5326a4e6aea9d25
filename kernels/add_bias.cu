// output[r, o] += bias[o], behind products of many rows.
//
// Shapes: output [rows, columns] float32, bias [columns] float32. Bytes: 8 per element. Expected: 85 % of the bandwidth.
#include "device.cuh"

extern "C" __global__ void __launch_bounds__(256) add_bias(float* output, const float* bias, int columns)
{
    let_next_kernel_start();
    wait_for_previous_kernel();
    const int column = blockIdx.y * blockDim.x + threadIdx.x;
    if (column < columns)
        output[(long long)blockIdx.x * columns + column] += bias[column];
}
