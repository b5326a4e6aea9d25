// Kernels by which the emulator is tested: see selftest.cpp.
#include "device.cuh"

// One warp: c[16, 8] = a[16, 16] b[16, 8] (row-major elements), a by load_matrices, b by load_matrices_transposed, both through shared
// memory.
extern "C" __global__ void __launch_bounds__(32) product(const ELEMENT* a, const ELEMENT* b, float* c)
{
    wait_for_previous_kernel();
    let_next_kernel_start();
    ELEMENT* shared_a = (ELEMENT*)shared_memory();
    ELEMENT* shared_b = shared_a + 16 * 16;
    int lane = lane_index();
    copy_async(shared_a + lane * 8, a + lane * 8);
    if (lane < 16)
        copy_async(shared_b + lane * 8, b + lane * 8);
    copy_async_commit();
    copy_async_wait<0>();
    sync_block();
    uint32 fragment_a[4], fragment_b[4];
    load_matrices(fragment_a, shared_a + (lane % 16) * 16 + lane / 16 * 8);
    load_matrices_transposed(fragment_b, shared_b + (lane % 16) * 8);
    const uint32 two[2] = { fragment_b[0], fragment_b[1] };
    float sum[4] = { };
    mma<ELEMENT>(sum, fragment_a, two);
    for (int i = 0; i < 4; i++)
        c[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sum[i];
}

// The sum of each row, a block per row; threads behind the last multiple of 32 make a partial warp that only meets the others at the
// barrier.
extern "C" __global__ void __launch_bounds__(THREADS) row_sums(const float* x, int columns, float* sums, int* counter)
{
    __shared__ float partial[THREADS];
    float sum = 0;
    for (int i = threadIdx.x; i < columns; i += blockDim.x)
        sum += x[(long long)blockIdx.x * columns + i];
    partial[threadIdx.x] = sum;
    sync_block();
    if (warp_index() > 0)
        return;
    sum = 0;
    for (int i = lane_index(); i < blockDim.x; i += WARP)
        sum += partial[i];
    sum = warp_sum(sum);
    if (threadIdx.x == 0)
    {
        sums[blockIdx.x] = sum;
        __threadfence();
        if (atomicAdd(counter, 1) == (int)gridDim.x - 1)
            *counter = 0;
    }
}

struct PerHead
{
    int at[128];
};

// Shuffles, ballots, conversions; a structure by value.
extern "C" __global__ void exchange(PerHead heads, int* out, uint8* codes, float* decoded)
{
    int lane = lane_index();
    out[lane] = shuffle(lane * 10, 31 - lane);
    out[32 + lane] = shuffle_xor(lane, 5);
    out[64 + lane] = shuffle_up(lane, 3);
    out[96 + lane] = (int)ballot(lane % 3 == 0);
    out[128 + lane] = heads.at[lane] + __shfl_down_sync(ALL_LANES, lane, 2, 8);
    out[160 + lane] = (int)pick_bytes(0x83828180, 0x07060504, 0x7c40);
    for (int i = lane; i < 256; i += WARP)
    {
        float value = low<f16>(from_e4m3_pair<f16>((uint16)i));
        decoded[i] = value;
        codes[i] = (uint8)to_e4m3_pair(value, 0);
    }
}

// What must end with an error, not hang or crash.
extern "C" __global__ void wrong(int how, int* memory)
{
    if (how == 0 && threadIdx.x > 3)
        sync_block();
    else if (how == 0)
    {
        shuffle(1, 0);
        sync_block();
    }
    if (how == 1)
        memory[1 << 20] = 1;
    if (how == 2)
        memory[5] = 1;
    if (how == 5)
    {
        // Reads what it copied without waiting: NaN, every bit is set.
        copy_async(shared_memory(), memory);
        copy_async_commit();
        memory[4] = *(int*)shared_memory();
        copy_async_wait<0>();
    }
    if (how == 3)
        load_cached((const char*)memory + 4);
}
