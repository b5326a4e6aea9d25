// gathered[i] = source[rows[i]].
//
// Shapes: source [source_rows, columns] and gathered [count, columns] of 16-bit elements, a row as row_vectors pieces of 16 bytes; rows
// [count] int32. Grid: x = count, y = as many blocks of threads as a row has pieces. Bytes: two per element read, two written. Expected:
// all latency, there are few rows.
#include "device.cuh"

extern "C" __global__ void __launch_bounds__(256) gather_rows(
    const uint4* source, const int* rows, uint4* gathered, int source_rows, int row_vectors)
{
    let_next_kernel_start();
    const int row = read_step(rows + blockIdx.x), i = (int)blockIdx.y * (int)blockDim.x + (int)threadIdx.x;
    const bool known = row >= 0 && row < source_rows; // another row is NaN, in either type
    wait_for_previous_kernel();
    if (i < row_vectors)
    {
        gathered[(long long)blockIdx.x * row_vectors + i] = known
            ? source[(long long)row * row_vectors + i]
            : make_uint4(0x7fff7fffu, 0x7fff7fffu, 0x7fff7fffu, 0x7fff7fffu);
    }
}
