// What the GPU has and C++ has no word for, in one place: element types, 16-byte loads, asynchronous copies, tensor-core
// products, warp exchange. Kernels include this file and nothing else of the machine: no CUDA header is needed to build them.
#pragma once

typedef signed char int8;
typedef unsigned char uint8;
typedef unsigned short uint16;
typedef unsigned int uint32;
typedef unsigned long long uint64;

constexpr int WARP = 32;
constexpr uint32 ALL_LANES = 0xffffffffu;
constexpr float LOG2E = 1.44269504f;

#define NEGATIVE_INFINITY __uint_as_float(0xff800000u)

// Element types are bit patterns; arithmetic is done in float.
struct bf16 { uint16 bits; };
struct f16 { uint16 bits; };
struct e4m3 { uint8 bits; };

__device__ __forceinline__ int lane_index() { return threadIdx.x % WARP; }
__device__ __forceinline__ int warp_index() { return threadIdx.x / WARP; }

// The lane, asked for anew: the compiler cannot keep what follows from it in registers from one turn of a loop to the next.
__device__ __forceinline__ int lane_index_again()
{
    int lane;
    asm volatile("mov.u32 %0, %%laneid;" : "=r"(lane));
    return lane & (WARP - 1); // known not to be negative
}

// Dynamic shared memory, as large as the launch asked for.
__device__ __forceinline__ uint8* shared_memory()
{
    extern __shared__ __align__(128) uint8 dynamic_shared[];
    return dynamic_shared;
}

// A kernel launched behind another one may start before that one has ended: it must wait before it touches what that one wrote,
// or writes what it read. Every block of every kernel calls this; only what reads weights, or the step's tensors, which are copied to the
// GPU before a step begins, may come before.
__device__ __forceinline__ void wait_for_previous_kernel()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// Lets the next kernel's blocks be placed as soon as there is room; they wait by themselves.
__device__ __forceinline__ void let_next_kernel_start()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// ---- Conversions ----

__device__ __forceinline__ float as_float(uint32 bits) { return __uint_as_float(bits); }
__device__ __forceinline__ uint32 as_bits(float value) { return __float_as_uint(value); }

__device__ __forceinline__ float to_float(float value) { return value; }
__device__ __forceinline__ float to_float(bf16 value) { return as_float((uint32)value.bits << 16); }
__device__ __forceinline__ float to_float(f16 value)
{
    float result;
    asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
    return result;
}

// Two floats to two neighbouring elements, the first in the lower half; round to nearest even.
template <typename T> __device__ __forceinline__ uint32 pack(float low, float high);
template <> __device__ __forceinline__ uint32 pack<bf16>(float low, float high)
{
    uint32 result;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
    return result;
}
template <> __device__ __forceinline__ uint32 pack<f16>(float low, float high)
{
    uint32 result;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
    return result;
}

template <typename T> __device__ __forceinline__ T from_float(float value)
{
    T result;
    result.bits = (uint16)pack<T>(value, value);
    return result;
}
template <> __device__ __forceinline__ float from_float<float>(float value) { return value; }

// The lower and the upper of two neighbouring elements.
template <typename T> __device__ __forceinline__ float low(uint32 pair) { return to_float(T{ (uint16)pair }); }
template <typename T> __device__ __forceinline__ float high(uint32 pair) { return to_float(T{ (uint16)(pair >> 16) }); }

// Four e4m3 bytes to two pairs of bf16 or f16 (exact): bytes 0 and 1 to the first pair, 2 and 3 to the second.
__device__ __forceinline__ uint32 e4m3_pair_to_f16(uint16 pair)
{
    uint32 result;
    asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(result) : "h"(pair));
    return result;
}
template <typename T> __device__ __forceinline__ uint32 from_e4m3_pair(uint16 pair);
template <> __device__ __forceinline__ uint32 from_e4m3_pair<f16>(uint16 pair) { return e4m3_pair_to_f16(pair); }
template <> __device__ __forceinline__ uint32 from_e4m3_pair<bf16>(uint16 pair)
{
    uint32 halves = e4m3_pair_to_f16(pair);
    return pack<bf16>(low<f16>(halves), high<f16>(halves));
}

// Two floats to two e4m3 bytes, the first in the lower; too large values become the largest one, 448.
__device__ __forceinline__ uint16 to_e4m3_pair(float low, float high)
{
    uint16 result;
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(result) : "f"(high), "f"(low));
    return result;
}

// Picks four of the eight bytes of two words (byte 0 to 3 of a, 4 to 7 of b), one hex digit each.
__device__ __forceinline__ uint32 pick_bytes(uint32 a, uint32 b, uint32 selector)
{
    uint32 result;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(selector));
    return result;
}

// ---- Memory ----

// 16 bytes that are read once: they do not displace what the first-level cache holds. (Not the read-only path, ld.global.nc: a kernel that
// starts before the one that wrote them has ended must not use that.)
__device__ __forceinline__ uint4 load_streaming(const void* address)
{
    uint4 v;
    asm volatile("ld.global.L1::no_allocate.L2::128B.v4.u32 {%0, %1, %2, %3}, [%4];"
        : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(address));
    return v;
}

// 16 bytes that are read again soon.
__device__ __forceinline__ uint4 load_cached(const void* address)
{
    uint4 v;
    asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(address));
    return v;
}

__device__ __forceinline__ uint32 shared_address(const void* pointer) { return (uint32)__cvta_generic_to_shared(pointer); }

// Starts a copy of 16 bytes to shared memory; zeros where it is not valid.
__device__ __forceinline__ void copy_async(void* shared, const void* global, bool valid = true)
{
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;"
        :: "r"(shared_address(shared)), "l"(global), "r"(valid ? 16 : 0) : "memory");
}

// Closes a group of copies.
__device__ __forceinline__ void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until no more than the latest N groups of this thread are in flight (other threads' copies: sync_block behind it).
template <int N> __device__ __forceinline__ void copy_async_wait() { asm volatile("cp.async.wait_group %0;" :: "n"(N) : "memory"); }

// ---- Tensor cores: c[16, 8] += a[16, 16] · b[16, 8], float accumulators ----
// With g = lane / 4 and t = lane % 4 a lane holds: a[0] = rows g, columns 2t and 2t + 1; a[1] = row g + 8, the same columns; a[2] = row g,
// columns 2t + 8 and 2t + 9; a[3] = row g + 8, those; b[0] = rows 2t and 2t + 1 of column g; b[1] = rows 2t + 8 and 2t + 9 of it;
// c[0], c[1] = row g, columns 2t and 2t + 1; c[2], c[3] = row g + 8.

template <typename T> __device__ __forceinline__ void mma(float (&c)[4], const uint32 (&a)[4], const uint32 (&b)[2]);
template <> __device__ __forceinline__ void mma<bf16>(float (&c)[4], const uint32 (&a)[4], const uint32 (&b)[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
template <> __device__ __forceinline__ void mma<f16>(float (&c)[4], const uint32 (&a)[4], const uint32 (&b)[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// The same where rows 8 to 15 of a are zero: c0, c1 = row g, columns 2t and 2t + 1; a0, a2 as a[0], a[2] above.
template <typename T> __device__ __forceinline__ void mma_upper(float& c0, float& c1, uint32 a0, uint32 a2, const uint32 (&b)[2])
{
    float c[4] = { c0, c1, 0, 0 };
    const uint32 a[4] = { a0, 0, a2, 0 };
    mma<T>(c, a, b);
    c0 = c[0];
    c1 = c[1];
}

// Four 8 x 8 matrices of 16-bit elements from shared memory; lane i gives the address of row i % 8 of matrix i / 8 (16 bytes each).
// A lane receives of each matrix row g, columns 2t and 2t + 1; transposed: column g, rows 2t and 2t + 1.
__device__ __forceinline__ void load_matrices(uint32 (&r)[4], const void* shared_row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(shared_row)) : "memory");
}
__device__ __forceinline__ void load_matrices_transposed(uint32 (&r)[4], const void* shared_row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(shared_row)) : "memory");
}

// ---- Between threads; all lanes of the warp (all threads of the block) must take part ----

__device__ __forceinline__ void sync_block() { __syncthreads(); }
__device__ __forceinline__ void sync_warp() { __syncwarp(); }
template <typename T> __device__ __forceinline__ T shuffle(T value, int lane) { return __shfl_sync(ALL_LANES, value, lane); }
template <typename T> __device__ __forceinline__ T shuffle_xor(T value, int mask) { return __shfl_xor_sync(ALL_LANES, value, mask); }
template <typename T> __device__ __forceinline__ T shuffle_up(T value, int distance) { return __shfl_up_sync(ALL_LANES, value, distance); }
__device__ __forceinline__ uint32 ballot(bool vote) { return __ballot_sync(ALL_LANES, vote); }

__device__ __forceinline__ float warp_sum(float value)
{
    for (int mask = WARP / 2; mask > 0; mask /= 2)
        value += shuffle_xor(value, mask);
    return value;
}

__device__ __forceinline__ float warp_max(float value)
{
    for (int mask = WARP / 2; mask > 0; mask /= 2)
        value = fmaxf(value, shuffle_xor(value, mask));
    return value;
}

// ---- Arithmetic ----

__device__ __forceinline__ float exp2_fast(float x)
{
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
}

// a * b + c of two neighbouring elements at once, rounded once; subnormal numbers count.
template <typename T> __device__ __forceinline__ uint32 multiply_add(uint32 a, uint32 b, uint32 c);
template <> __device__ __forceinline__ uint32 multiply_add<bf16>(uint32 a, uint32 b, uint32 c)
{
    uint32 result;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
}
template <> __device__ __forceinline__ uint32 multiply_add<f16>(uint32 a, uint32 b, uint32 c)
{
    uint32 result;
    asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
}

// An entry of a step's tensors, which may be read before the wait: a copy has filled them ahead of the step. What follows a copy in the
// stream starts behind it, so no kernel of the step is placed before, nor is the copy of the next step done while one of them runs: each
// waits for the one before. Past the first-level cache, which may hold an entry of the step before.
__device__ __forceinline__ int read_step(const int* entry)
{
    int value;
    asm volatile("ld.global.cg.s32 %0, [%1];" : "=r"(value) : "l"(entry));
    return value;
}

// 16 bytes that another block of this kernel has written: past the first-level cache, which may hold what was there before.
__device__ __forceinline__ float4 load_fresh(const float4* address)
{
    float4 v;
    asm volatile("ld.global.cg.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "l"(address) : "memory");
    return v;
}
