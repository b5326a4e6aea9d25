// target[i] = source[i] in another type, rounded to nearest even: weights at load.
//
// Shapes: count elements of SOURCE (float, bf16, f16) and of TARGET (bf16, f16). Bytes: both once. Expected: bound by the upload before it.
#include "device.cuh"

extern "C" __global__ void __launch_bounds__(256) convert(const SOURCE* source, TARGET* target, long long count)
{
    let_next_kernel_start();
    wait_for_previous_kernel();
    const long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count)
        target[at] = from_float<TARGET>(to_float(source[at]));
}
