// The emulated twin of kernels/device.cuh: the same types and functions with the same meaning, in plain C++. Keep both in step.
#pragma once
#include "builtins.h"

typedef signed char int8;
typedef unsigned char uint8;
typedef unsigned short uint16;
typedef unsigned int uint32;
typedef unsigned long long uint64;

constexpr int WARP = 32;
constexpr uint32 ALL_LANES = 0xffffffffu;
constexpr float LOG2E = 1.44269504f;

#define NEGATIVE_INFINITY __uint_as_float(0xff800000u)

struct bf16 { uint16 bits; };
struct f16 { uint16 bits; };
struct e4m3 { uint8 bits; };

__device__ __forceinline__ int lane_index() { return threadIdx.x % WARP; }
__device__ __forceinline__ int warp_index() { return threadIdx.x / WARP; }
__device__ __forceinline__ int lane_index_again() { return lane_index(); }

__device__ __forceinline__ uint8* shared_memory() { return emulated_gpu->dynamic_shared; }

__device__ __forceinline__ void wait_for_previous_kernel() { }
__device__ __forceinline__ void let_next_kernel_start() { }

// ---- Conversions ----

__device__ __forceinline__ float as_float(uint32 bits) { return __uint_as_float(bits); }
__device__ __forceinline__ uint32 as_bits(float value) { return __float_as_uint(value); }

__device__ __forceinline__ float to_float(float value) { return value; }
__device__ __forceinline__ float to_float(bf16 value) { return as_float((uint32)value.bits << 16); }
__device__ __forceinline__ float to_float(f16 value) { return (float)__builtin_bit_cast(_Float16, value.bits); }

inline uint16 emulated_bf16(float value)
{
    uint32 bits = as_bits(value);
    if (value != value)
        return 0x7fff;
    return (uint16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline uint16 emulated_f16(float value) { return value != value ? (uint16)0x7fff : __builtin_bit_cast(uint16, (_Float16)value); }

template <typename T> __device__ __forceinline__ uint32 pack(float low, float high);
template <> __device__ __forceinline__ uint32 pack<bf16>(float low, float high)
{
    return (uint32)emulated_bf16(high) << 16 | emulated_bf16(low);
}
template <> __device__ __forceinline__ uint32 pack<f16>(float low, float high)
{
    return (uint32)emulated_f16(high) << 16 | emulated_f16(low);
}

template <typename T> __device__ __forceinline__ T from_float(float value)
{
    T result;
    result.bits = (uint16)pack<T>(value, value);
    return result;
}
template <> __device__ __forceinline__ float from_float<float>(float value) { return value; }

template <typename T> __device__ __forceinline__ float low(uint32 pair) { T value; value.bits = (uint16)pair; return to_float(value); }
template <typename T> __device__ __forceinline__ float high(uint32 pair)
{
    T value;
    value.bits = (uint16)(pair >> 16);
    return to_float(value);
}

// 1 sign, 4 exponent (bias 7) and 3 mantissa bits; all ones are NaN, there is no infinity.
inline uint16 emulated_f16_of_e4m3(uint32 bits)
{
    uint32 sign = (bits & 0x80) << 8, magnitude = bits & 0x7f;
    if (magnitude == 0x7f)
        return 0x7fff;
    // The same exponent and mantissa fields in a half are too small by 2^8, the difference of the biases; exact below the normal range too.
    float value = (float)__builtin_bit_cast(_Float16, (uint16)(magnitude << 7)) * 256.0f;
    return (uint16)(sign | __builtin_bit_cast(uint16, (_Float16)value));
}
inline uint8 emulated_e4m3(float value)
{
    uint32 bits = as_bits(value), sign = bits >> 24 & 0x80;
    float magnitude = as_float(bits & 0x7fffffff);
    if (value != value)
        return 0x7f;
    if (magnitude >= 448)
        return (uint8)(sign | 0x7e);
    if (magnitude < 0.015625f) // below the smallest normal number: steps of 2^-9
        return (uint8)(sign | (uint32)(__builtin_rintf(magnitude * 512)));
    uint32 m = as_bits(magnitude);
    m += 0x7ffff + (m >> 20 & 1);
    m = (m >> 20) - (120 << 3);
    return (uint8)(sign | (m > 0x7e ? 0x7e : m));
}

__device__ __forceinline__ uint32 e4m3_pair_to_f16(uint16 pair)
{
    return (uint32)emulated_f16_of_e4m3(pair >> 8) << 16 | emulated_f16_of_e4m3(pair & 255);
}
template <typename T> __device__ __forceinline__ uint32 from_e4m3_pair(uint16 pair);
template <> __device__ __forceinline__ uint32 from_e4m3_pair<f16>(uint16 pair) { return e4m3_pair_to_f16(pair); }
template <> __device__ __forceinline__ uint32 from_e4m3_pair<bf16>(uint16 pair)
{
    uint32 halves = e4m3_pair_to_f16(pair);
    return pack<bf16>(low<f16>(halves), high<f16>(halves));
}
__device__ __forceinline__ uint16 to_e4m3_pair(float low, float high) { return (uint16)(emulated_e4m3(high) << 8 | emulated_e4m3(low)); }

__device__ __forceinline__ uint32 pick_bytes(uint32 a, uint32 b, uint32 selector) { return __byte_perm(a, b, selector); }

// ---- Memory ----

inline const void* emulated_aligned(const void* address)
{
    if ((uint64)address & 15)
        emulated_gpu->fail("an access of 16 bytes at an address that is not a multiple of 16");
    return address;
}
__device__ __forceinline__ uint4 load_streaming(const void* address) { return *(const uint4*)emulated_aligned(address); }
__device__ __forceinline__ uint4 load_cached(const void* address) { return *(const uint4*)emulated_aligned(address); }

// Only for address arithmetic: the lower half of the address.
__device__ __forceinline__ uint32 shared_address(const void* pointer) { return (uint32)(uint64)pointer; }

__device__ __forceinline__ void copy_async(void* shared, const void* global, bool valid = true)
{
    emulated_aligned(shared);
    emulated_aligned(global);
    emulated_gpu->copy_async(shared, valid ? global : nullptr);
}
__device__ __forceinline__ void copy_async_commit() { emulated_gpu->commit_copies(); }
template <int N> __device__ __forceinline__ void copy_async_wait() { emulated_gpu->wait_copies(N); }

// ---- Tensor cores ----

inline void emulated_mma(int meeting, float (&c)[4], const uint32 (&a)[4], const uint32 (&b)[2])
{
    EmulatedSlot& slot = emulated_gpu->current->warp->slots[emulated_gpu->current->lane];
    __builtin_memcpy(slot.mma.a, a, sizeof(a));
    __builtin_memcpy(slot.mma.b, b, sizeof(b));
    __builtin_memcpy(slot.mma.c, c, sizeof(c));
    emulated_meet(ALL_LANES, meeting);
    __builtin_memcpy(c, slot.mma.c, sizeof(c));
}
template <typename T> __device__ __forceinline__ void mma(float (&c)[4], const uint32 (&a)[4], const uint32 (&b)[2]);
template <> __device__ __forceinline__ void mma<bf16>(float (&c)[4], const uint32 (&a)[4], const uint32 (&b)[2])
{
    emulated_mma(MEET_MMA_BF16, c, a, b);
}
template <> __device__ __forceinline__ void mma<f16>(float (&c)[4], const uint32 (&a)[4], const uint32 (&b)[2])
{
    emulated_mma(MEET_MMA_F16, c, a, b);
}

template <typename T> __device__ __forceinline__ void mma_upper(float& c0, float& c1, uint32 a0, uint32 a2, const uint32 (&b)[2])
{
    float c[4] = { c0, c1, 0, 0 };
    const uint32 a[4] = { a0, 0, a2, 0 };
    mma<T>(c, a, b);
    c0 = c[0];
    c1 = c[1];
}

inline void emulated_load_matrices(int meeting, uint32 (&r)[4], const void* shared_row)
{
    EmulatedSlot& slot = emulated_gpu->current->warp->slots[emulated_gpu->current->lane];
    slot.matrices.row = emulated_aligned(shared_row);
    emulated_meet(ALL_LANES, meeting);
    __builtin_memcpy(r, slot.matrices.r, sizeof(r));
}
__device__ __forceinline__ void load_matrices(uint32 (&r)[4], const void* shared_row)
{
    emulated_load_matrices(MEET_LOAD_MATRICES, r, shared_row);
}
__device__ __forceinline__ void load_matrices_transposed(uint32 (&r)[4], const void* shared_row)
{
    emulated_load_matrices(MEET_LOAD_MATRICES_TRANSPOSED, r, shared_row);
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

__device__ __forceinline__ float exp2_fast(float x) { return exp2f(x); }

// Rounded once: a product of two such numbers is exact in double.
template <typename T> __device__ __forceinline__ uint32 multiply_add(uint32 a, uint32 b, uint32 c)
{
    const double sum_low = (double)low<T>(a) * low<T>(b) + low<T>(c), sum_high = (double)high<T>(a) * high<T>(b) + high<T>(c);
    return pack<T>((float)sum_low, (float)sum_high);
}

__device__ __forceinline__ int read_step(const int* entry) { return *entry; }
__device__ __forceinline__ float4 load_fresh(const float4* address) { return *(const float4*)emulated_aligned(address); }
