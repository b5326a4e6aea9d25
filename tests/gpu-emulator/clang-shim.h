// What NVRTC has built in, for clang without any CUDA header: see check-syntax. Enough to check the kernels against the real
// instruction set; mathematical functions that are not one instruction are only declared.
#pragma once

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__ __attribute__((grid_constant))

#include <__clang_cuda_builtin_vars.h>

typedef decltype(sizeof(0)) size_t;

#define SHIM __device__ static __forceinline__

#define SHIM_VECTOR(name, type) \
    struct __align__(2 * sizeof(type)) name##2 { type x, y; }; \
    struct name##3 { type x, y, z; }; \
    struct __align__(4 * sizeof(type) > 16 ? 16 : 4 * sizeof(type)) name##4 { type x, y, z, w; }; \
    SHIM name##2 make_##name##2(type x, type y) { return { x, y }; } \
    SHIM name##3 make_##name##3(type x, type y, type z) { return { x, y, z }; } \
    SHIM name##4 make_##name##4(type x, type y, type z, type w) { return { x, y, z, w }; }
SHIM_VECTOR(uint, unsigned)
SHIM_VECTOR(int, int)
SHIM_VECTOR(float, float)
SHIM_VECTOR(ushort, unsigned short)
SHIM_VECTOR(short, short)
SHIM_VECTOR(uchar, unsigned char)
SHIM_VECTOR(longlong, long long)
SHIM_VECTOR(ulonglong, unsigned long long)

// ---- Bits ----

SHIM unsigned __float_as_uint(float value) { return __builtin_bit_cast(unsigned, value); }
SHIM float __uint_as_float(unsigned bits) { return __builtin_bit_cast(float, bits); }
SHIM int __float_as_int(float value) { return __builtin_bit_cast(int, value); }
SHIM float __int_as_float(int bits) { return __builtin_bit_cast(float, bits); }
SHIM int __popc(unsigned x) { return __builtin_popcount(x); }
SHIM int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
SHIM int __clz(int x) { return x == 0 ? 32 : __builtin_clz(x); }
SHIM int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll(x); }
SHIM int __ffs(int x) { return __builtin_ffs(x); }
SHIM int __ffsll(long long x) { return __builtin_ffsll(x); }
SHIM unsigned __brev(unsigned x) { return __builtin_bitreverse32(x); }
SHIM unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
SHIM int __mulhi(int a, int b) { return (int)((long long)a * b >> 32); }
SHIM unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) { return __nvvm_prmt(a, b, selector); }
SHIM size_t __cvta_generic_to_shared(const void* pointer) { return (size_t)(__attribute__((address_space(3))) const void*)pointer; }

// ---- Arithmetic ----

extern "C"
{
    __device__ float expf(float);
    __device__ float exp2f(float);
    __device__ float logf(float);
    __device__ float log2f(float);
    __device__ float log1pf(float);
    __device__ float powf(float, float);
    __device__ float sinf(float);
    __device__ float cosf(float);
    __device__ void sincosf(float, float*, float*);
    __device__ float tanhf(float);
    __device__ float erff(float);
    __device__ float fmodf(float, float);
    __device__ float roundf(float);
    __device__ double exp(double);
    __device__ double log(double);
    __device__ double pow(double, double);
    __device__ double cos(double);
    __device__ double sin(double);
}
SHIM float fmaxf(float a, float b) { return __nvvm_fmax_f(a, b); }
SHIM float fminf(float a, float b) { return __nvvm_fmin_f(a, b); }
SHIM float fabsf(float x) { return __builtin_fabsf(x); }
SHIM float sqrtf(float x) { return __nvvm_sqrt_rn_f(x); }
SHIM float rsqrtf(float x) { return __nvvm_rsqrt_approx_f(x); }
SHIM float floorf(float x) { return __builtin_floorf(x); }
SHIM float ceilf(float x) { return __builtin_ceilf(x); }
SHIM float truncf(float x) { return __builtin_truncf(x); }
SHIM float rintf(float x) { return __builtin_rintf(x); }
SHIM float copysignf(float x, float sign) { return __builtin_copysignf(x, sign); }
SHIM float fmaf(float a, float b, float c) { return __nvvm_fma_rn_f(a, b, c); }
SHIM float __fmaf_rn(float a, float b, float c) { return __nvvm_fma_rn_f(a, b, c); }
SHIM float __fadd_rn(float a, float b) { return __nvvm_add_rn_f(a, b); }
SHIM float __fmul_rn(float a, float b) { return __nvvm_mul_rn_f(a, b); }
SHIM float __fdividef(float a, float b) { return __nvvm_div_approx_f(a, b); }
SHIM float __frcp_rn(float x) { return __nvvm_rcp_rn_f(x); }
SHIM float __fsqrt_rn(float x) { return __nvvm_sqrt_rn_f(x); }
SHIM float __expf(float x) { return __nvvm_ex2_approx_f(x * 1.44269504f); }
SHIM float __exp2f(float x) { return __nvvm_ex2_approx_f(x); }
SHIM float __logf(float x) { return __nvvm_lg2_approx_f(x) * 0.693147181f; }
SHIM float __log2f(float x) { return __nvvm_lg2_approx_f(x); }
SHIM float __sinf(float x) { return __nvvm_sin_approx_f(x); }
SHIM float __cosf(float x) { return __nvvm_cos_approx_f(x); }
SHIM float __powf(float x, float y) { return __nvvm_ex2_approx_f(y * __nvvm_lg2_approx_f(x)); }
SHIM float __saturatef(float x) { return __nvvm_saturate_f(x); }
SHIM int __float2int_rn(float x) { return __nvvm_f2i_rn(x); }
SHIM int __float2int_rd(float x) { return __nvvm_f2i_rm(x); }
SHIM int __float2int_rz(float x) { return __nvvm_f2i_rz(x); }
SHIM float __int2float_rn(int x) { return (float)x; }
SHIM float __uint2float_rn(unsigned x) { return (float)x; }
SHIM double sqrt(double x) { return __nvvm_sqrt_rn_d(x); }
SHIM double fabs(double x) { return __builtin_fabs(x); }
SHIM double floor(double x) { return __builtin_floor(x); }
SHIM int abs(int x) { return x < 0 ? -x : x; }
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
#define isfinite(x) __builtin_isfinite(x)

#define SHIM_MIN_MAX(a, b, result) \
    SHIM result min(a x, b y) { return (result)x < (result)y ? (result)x : (result)y; } \
    SHIM result max(a x, b y) { return (result)x > (result)y ? (result)x : (result)y; }
SHIM_MIN_MAX(int, int, int)
SHIM_MIN_MAX(unsigned, unsigned, unsigned)
SHIM_MIN_MAX(int, unsigned, unsigned)
SHIM_MIN_MAX(unsigned, int, unsigned)
SHIM_MIN_MAX(long, long, long)
SHIM_MIN_MAX(unsigned long, unsigned long, unsigned long)
SHIM_MIN_MAX(long long, long long, long long)
SHIM_MIN_MAX(unsigned long long, unsigned long long, unsigned long long)
SHIM float min(float x, float y) { return fminf(x, y); }
SHIM float max(float x, float y) { return fmaxf(x, y); }

// ---- Atomics ----

SHIM int atomicAdd(int* p, int v) { return __nvvm_atom_add_gen_i(p, v); }
SHIM unsigned atomicAdd(unsigned* p, unsigned v) { return (unsigned)__nvvm_atom_add_gen_i((int*)p, (int)v); }
SHIM unsigned long long atomicAdd(unsigned long long* p, unsigned long long v)
{
    return (unsigned long long)__nvvm_atom_add_gen_ll((long long*)p, (long long)v);
}
SHIM float atomicAdd(float* p, float v) { return __nvvm_atom_add_gen_f(p, v); }
SHIM int atomicSub(int* p, int v) { return __nvvm_atom_add_gen_i(p, -v); }
SHIM unsigned atomicSub(unsigned* p, unsigned v) { return (unsigned)__nvvm_atom_add_gen_i((int*)p, -(int)v); }
SHIM int atomicExch(int* p, int v) { return __nvvm_atom_xchg_gen_i(p, v); }
SHIM unsigned atomicExch(unsigned* p, unsigned v) { return (unsigned)__nvvm_atom_xchg_gen_i((int*)p, (int)v); }
SHIM float atomicExch(float* p, float v) { return __int_as_float(__nvvm_atom_xchg_gen_i((int*)p, __float_as_int(v))); }
SHIM int atomicMax(int* p, int v) { return __nvvm_atom_max_gen_i(p, v); }
SHIM unsigned atomicMax(unsigned* p, unsigned v) { return __nvvm_atom_max_gen_ui(p, v); }
SHIM int atomicMin(int* p, int v) { return __nvvm_atom_min_gen_i(p, v); }
SHIM unsigned atomicMin(unsigned* p, unsigned v) { return __nvvm_atom_min_gen_ui(p, v); }
SHIM int atomicAnd(int* p, int v) { return __nvvm_atom_and_gen_i(p, v); }
SHIM unsigned atomicAnd(unsigned* p, unsigned v) { return (unsigned)__nvvm_atom_and_gen_i((int*)p, (int)v); }
SHIM int atomicOr(int* p, int v) { return __nvvm_atom_or_gen_i(p, v); }
SHIM unsigned atomicOr(unsigned* p, unsigned v) { return (unsigned)__nvvm_atom_or_gen_i((int*)p, (int)v); }
SHIM int atomicXor(int* p, int v) { return __nvvm_atom_xor_gen_i(p, v); }
SHIM unsigned atomicXor(unsigned* p, unsigned v) { return (unsigned)__nvvm_atom_xor_gen_i((int*)p, (int)v); }
SHIM unsigned atomicInc(unsigned* p, unsigned v) { return __nvvm_atom_inc_gen_ui(p, v); }
SHIM unsigned atomicDec(unsigned* p, unsigned v) { return __nvvm_atom_dec_gen_ui(p, v); }
SHIM int atomicCAS(int* p, int compare, int v) { return __nvvm_atom_cas_gen_i(p, compare, v); }
SHIM unsigned atomicCAS(unsigned* p, unsigned compare, unsigned v)
{
    return (unsigned)__nvvm_atom_cas_gen_i((int*)p, (int)compare, (int)v);
}
SHIM void __threadfence() { __nvvm_membar_gl(); }
SHIM void __threadfence_block() { __nvvm_membar_cta(); }
SHIM void __threadfence_system() { __nvvm_membar_sys(); }
SHIM long long clock64() { return __nvvm_read_ptx_sreg_clock64(); }

// ---- Between threads (__syncthreads is clang's own) ----

SHIM void __syncwarp(unsigned mask = 0xffffffffu) { __nvvm_bar_warp_sync(mask); }
SHIM unsigned __ballot_sync(unsigned mask, int vote) { return __nvvm_vote_ballot_sync(mask, vote); }
SHIM int __any_sync(unsigned mask, int vote) { return __nvvm_vote_any_sync(mask, vote); }
SHIM int __all_sync(unsigned mask, int vote) { return __nvvm_vote_all_sync(mask, vote); }

#define SHIM_SHUFFLE(name, builtin, type, clamp) \
    template <typename T> SHIM T name(unsigned mask, T value, type lane, int width = 32) \
    { \
        static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes"); \
        int words[sizeof(T) / 4]; \
        __builtin_memcpy(words, &value, sizeof(T)); \
        for (int& word : words) \
            word = builtin(mask, word, (int)lane, (32 - width) << 8 | clamp); \
        __builtin_memcpy(&value, words, sizeof(T)); \
        return value; \
    }
SHIM_SHUFFLE(__shfl_sync, __nvvm_shfl_sync_idx_i32, int, 31)
SHIM_SHUFFLE(__shfl_up_sync, __nvvm_shfl_sync_up_i32, unsigned, 0)
SHIM_SHUFFLE(__shfl_down_sync, __nvvm_shfl_sync_down_i32, unsigned, 31)
SHIM_SHUFFLE(__shfl_xor_sync, __nvvm_shfl_sync_bfly_i32, int, 31)
