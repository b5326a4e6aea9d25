// What NVRTC has built in and C++ does not: indices, vector types, intrinsics, warp exchange. Put in front of every emulated kernel.
#pragma once
#include "abi.h"

#define EMULATED_GPU 1

static EmulatedGpu* emulated_gpu;

#define EMULATED_TEXT_(x) #x
#define EMULATED_TEXT(x) EMULATED_TEXT_(x)
#define EMULATED_JOIN_(a, b) a##b
#define EMULATED_JOIN(a, b) EMULATED_JOIN_(a, b)

// The compiler ignores attributes that it does not know; the fake NVRTC looks for these two.
#define __global__ __attribute__((emulated_global))
#define __launch_bounds__(...) __attribute__((emulated_bounds(0, __VA_ARGS__)))
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(n) __attribute__((aligned(n)))
// Each variable has a section of its own, so that the runtime can fill it with NaN before each block.
#define __shared__ static __attribute__((section(EMULATED_TEXT(EMULATED_JOIN(emulated_shared_, __COUNTER__)))))
#define __grid_constant__

typedef EmulatedIndex uint3;
typedef EmulatedIndex dim3;
#define threadIdx (emulated_gpu->current->index)
#define blockIdx (emulated_gpu->block)
#define blockDim (emulated_gpu->block_size)
#define gridDim (emulated_gpu->grid)
constexpr int warpSize = 32;

typedef decltype(sizeof(0)) size_t;

#define EMULATED_VECTOR(name, type) \
    struct alignas(2 * sizeof(type)) name##2 { type x, y; }; \
    struct name##3 { type x, y, z; }; \
    struct alignas(4 * sizeof(type) > 16 ? 16 : 4 * sizeof(type)) name##4 { type x, y, z, w; }; \
    inline name##2 make_##name##2(type x, type y) { return { x, y }; } \
    inline name##3 make_##name##3(type x, type y, type z) { return { x, y, z }; } \
    inline name##4 make_##name##4(type x, type y, type z, type w) { return { x, y, z, w }; }
#define uint3 emulated_uint3
EMULATED_VECTOR(uint, unsigned)
#undef uint3
EMULATED_VECTOR(int, int)
EMULATED_VECTOR(float, float)
EMULATED_VECTOR(ushort, unsigned short)
EMULATED_VECTOR(short, short)
EMULATED_VECTOR(uchar, unsigned char)
EMULATED_VECTOR(longlong, long long)
EMULATED_VECTOR(ulonglong, unsigned long long)

// ---- Bits ----

inline unsigned __float_as_uint(float value) { return __builtin_bit_cast(unsigned, value); }
inline float __uint_as_float(unsigned bits) { return __builtin_bit_cast(float, bits); }
inline int __float_as_int(float value) { return __builtin_bit_cast(int, value); }
inline float __int_as_float(int bits) { return __builtin_bit_cast(float, bits); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(x); }
inline int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __brev(unsigned x)
{
    unsigned result = 0;
    for (int i = 0; i < 32; i++)
        result |= (x >> i & 1) << (31 - i);
    return result;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
inline int __mulhi(int a, int b) { return (int)((long long)a * b >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}

// Four of eight bytes; the highest bit of a selector's digit spreads the byte's sign.
inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector)
{
    unsigned long long both = (unsigned long long)b << 32 | a;
    unsigned result = 0;
    for (int i = 0; i < 4; i++)
    {
        unsigned digit = selector >> 4 * i & 15;
        unsigned byte = (unsigned)(both >> 8 * (digit & 7)) & 255;
        if (digit & 8)
            byte = byte & 128 ? 255 : 0;
        result |= byte << 8 * i;
    }
    return result;
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned n)
{
    return (unsigned)((((unsigned long long)high << 32 | low) << (n & 31)) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned n)
{
    return (unsigned)(((unsigned long long)high << 32 | low) >> (n & 31));
}

// ---- Arithmetic ----

extern "C"
{
    float expf(float) noexcept;
    float exp2f(float) noexcept;
    float logf(float) noexcept;
    float log2f(float) noexcept;
    float log1pf(float) noexcept;
    float powf(float, float) noexcept;
    float sinf(float) noexcept;
    float cosf(float) noexcept;
    void sincosf(float, float*, float*) noexcept;
    float tanhf(float) noexcept;
    float erff(float) noexcept;
    float fmodf(float, float) noexcept;
    double exp(double) noexcept;
    double log(double) noexcept;
    double sqrt(double) noexcept;
    double pow(double, double) noexcept;
    double cos(double) noexcept;
    double sin(double) noexcept;
    double fabs(double) noexcept;
    double floor(double) noexcept;
    int abs(int) noexcept;
}
inline float fmaxf(float a, float b) { return a > b ? a : b == b ? b : a; }
inline float fminf(float a, float b) { return a < b ? a : b == b ? b : a; }
inline float fabsf(float x) { return __builtin_fabsf(x); }
inline float sqrtf(float x) { return __builtin_sqrtf(x); }
inline float rsqrtf(float x) { return 1.0f / __builtin_sqrtf(x); }
inline float floorf(float x) { return __builtin_floorf(x); }
inline float ceilf(float x) { return __builtin_ceilf(x); }
inline float truncf(float x) { return __builtin_truncf(x); }
inline float rintf(float x) { return __builtin_rintf(x); }
inline float roundf(float x) { return __builtin_roundf(x); }
inline float copysignf(float x, float sign) { return __builtin_copysignf(x, sign); }
inline float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return __builtin_sqrtf(x); }
inline float __expf(float x) { return expf(x); }
inline float __exp2f(float x) { return exp2f(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __saturatef(float x) { return x > 0 ? x < 1 ? x : 1 : 0; }
inline int __float2int_rn(float x) { return (int)__builtin_rintf(x); }
inline int __float2int_rd(float x) { return (int)__builtin_floorf(x); }
inline int __float2int_rz(float x) { return (int)x; }
inline float __int2float_rn(int x) { return (float)x; }
inline float __uint2float_rn(unsigned x) { return (float)x; }
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
#define isfinite(x) __builtin_isfinite(x)

#define EMULATED_MIN_MAX(a, b, result) \
    inline result min(a x, b y) { return (result)x < (result)y ? (result)x : (result)y; } \
    inline result max(a x, b y) { return (result)x > (result)y ? (result)x : (result)y; }
EMULATED_MIN_MAX(int, int, int)
EMULATED_MIN_MAX(unsigned, unsigned, unsigned)
EMULATED_MIN_MAX(int, unsigned, unsigned)
EMULATED_MIN_MAX(unsigned, int, unsigned)
EMULATED_MIN_MAX(long, long, long)
EMULATED_MIN_MAX(unsigned long, unsigned long, unsigned long)
EMULATED_MIN_MAX(long long, long long, long long)
EMULATED_MIN_MAX(unsigned long long, unsigned long long, unsigned long long)
inline float min(float x, float y) { return fminf(x, y); }
inline float max(float x, float y) { return fmaxf(x, y); }

// ---- Atomics: all threads are fibers of one thread of the machine, so plain operations are indivisible ----

template <typename T> struct EmulatedSame { typedef T Type; };
#define EMULATED_ATOMIC(name, expression) \
    template <typename T> inline T name(T* address, typename EmulatedSame<T>::Type value) \
    { \
        T old = *address; \
        *address = (T)(expression); \
        return old; \
    }
EMULATED_ATOMIC(atomicAdd, old + value)
EMULATED_ATOMIC(atomicSub, old - value)
EMULATED_ATOMIC(atomicExch, value)
EMULATED_ATOMIC(atomicMax, old > value ? old : value)
EMULATED_ATOMIC(atomicMin, old < value ? old : value)
EMULATED_ATOMIC(atomicAnd, old & value)
EMULATED_ATOMIC(atomicOr, old | value)
EMULATED_ATOMIC(atomicXor, old ^ value)
EMULATED_ATOMIC(atomicInc, old >= value ? 0 : old + 1)
EMULATED_ATOMIC(atomicDec, old == 0 || old > value ? value : old - 1)
template <typename T> inline T atomicCAS(T* address, typename EmulatedSame<T>::Type compare, typename EmulatedSame<T>::Type value)
{
    T old = *address;
    if (old == compare)
        *address = value;
    return old;
}
inline void __threadfence() { asm volatile("" ::: "memory"); }
inline void __threadfence_block() { asm volatile("" ::: "memory"); }
inline void __threadfence_system() { asm volatile("" ::: "memory"); }
inline long long clock64() { return (long long)__builtin_ia32_rdtsc(); }

// ---- Between threads ----

inline void __syncthreads() { emulated_gpu->sync_block(); }

inline void emulated_meet(unsigned mask, int meeting)
{
    if ((mask & emulated_gpu->current->warp->alive) != emulated_gpu->current->warp->alive)
        emulated_gpu->fail("the mask of a warp operation leaves out lanes that have not returned");
    emulated_gpu->meet(meeting);
}
inline void __syncwarp(unsigned mask = 0xffffffffu) { emulated_meet(mask, MEET_SYNC); }

// Every lane shows a value and takes that of `from(lane, last lane of its segment)`, its own where that is none.
template <typename T> inline T emulated_exchange(unsigned mask, T value, int source)
{
    static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
    EmulatedSlot* slots = emulated_gpu->current->warp->slots;
    __builtin_memcpy(slots[emulated_gpu->current->lane].bytes, &value, sizeof(T));
    emulated_meet(mask, MEET_SHUFFLE);
    __builtin_memcpy(&value, slots[source].bytes, sizeof(T));
    return value;
}
template <typename T> inline T __shfl_sync(unsigned mask, T value, int source, int width = 32)
{
    int lane = emulated_gpu->current->lane;
    return emulated_exchange(mask, value, (lane & ~(width - 1)) | (source & (width - 1)));
}
template <typename T> inline T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32)
{
    int lane = emulated_gpu->current->lane, source = lane - (int)distance;
    return emulated_exchange(mask, value, source < (lane & ~(width - 1)) ? lane : source);
}
template <typename T> inline T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32)
{
    int lane = emulated_gpu->current->lane, source = lane + (int)distance;
    return emulated_exchange(mask, value, source > (lane | (width - 1)) ? lane : source);
}
template <typename T> inline T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32)
{
    int lane = emulated_gpu->current->lane, source = lane ^ lanes;
    return emulated_exchange(mask, value, source > (lane | (width - 1)) ? lane : source & 31);
}

inline unsigned __ballot_sync(unsigned mask, int vote)
{
    EmulatedWarp* warp = emulated_gpu->current->warp;
    EmulatedSlot& slot = warp->slots[emulated_gpu->current->lane];
    slot.vote = vote != 0;
    emulated_meet(mask, MEET_VOTE);
    return slot.vote & mask;
}
inline int __any_sync(unsigned mask, int vote) { return __ballot_sync(mask, vote) != 0; }
inline int __all_sync(unsigned mask, int vote) { return __ballot_sync(mask, !vote) == 0; }

// ---- Called by what the fake NVRTC puts behind a kernel file ----

template <int... I> struct EmulatedPlaces { };
template <typename... P, int... I> inline void emulated_call(void (*kernel)(P...), void** parameters, EmulatedPlaces<I...>)
{
    kernel(*(P*)parameters[I]...);
}
template <typename K> struct EmulatedSignature;
template <typename... P> struct EmulatedSignature<void (*)(P...)>
{
    static constexpr int count = sizeof...(P);
    static constexpr int sizes[] = { (int)sizeof(P)..., 0 };
    template <void (*kernel)(P...)> static void call(void** parameters)
    {
        emulated_call(kernel, parameters, EmulatedPlaces<__integer_pack((int)sizeof...(P))...>());
    }
};
constexpr int emulated_max_threads(int = 0, int threads = 1024, int = 0, int = 0) { return threads; }
