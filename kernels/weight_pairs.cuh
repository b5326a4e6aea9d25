// 8-bit weights as the linear layers keep them, and their way to 16-bit pairs for the tensor cores.
//
// Of each four neighbouring weights k0 k1 k2 k3 of a row the bytes lie in the order k0 k2 k1 k3: then the even bytes of a word are one
// pair and the odd bytes the other, and shifts and masks take them apart without moving bytes one by one. int8 is stored as a sign bit
// and seven bits of magnitude (the rounding is symmetric, so -128 does not occur): the magnitude fits bf16's mantissa. A pair costs
// four (int8) or four and a half (e4m3) instructions at the full rates; conversion instructions run on slower units.
#pragma once
#include "device.cuh"

constexpr uint32 SIGNS = 0x80008000u;

template <typename T> struct PairConstants;
template <> struct PairConstants<bf16>
{
    static constexpr uint32 MINUS_ONE = 0xbf80bf80u;
    static constexpr uint32 INTEGER_BASE = 0x43004300u; // 128: its last mantissa bit counts ones
    static constexpr uint32 E4M3_MAGNITUDE = 0x07f007f0u;
    static constexpr uint32 E4M3_FACTOR = 0x7b807b80u;  // 2^120, the difference of the exponents' offsets
    static constexpr int E4M3_SHIFT = 4;                // from a byte to the top of the mantissa, for even bytes to the left
};
template <> struct PairConstants<f16>
{
    static constexpr uint32 MINUS_ONE = 0xbc00bc00u;
    static constexpr uint32 INTEGER_BASE = 0x64006400u; // 1024
    static constexpr uint32 E4M3_MAGNITUDE = 0x3f803f80u;
    static constexpr uint32 E4M3_FACTOR = 0x5c005c00u;  // 2^8
    static constexpr int E4M3_SHIFT = 7;
};

// Four stored weights without their row's scale, exact: k0 and k1 to the first pair, k2 and k3 to the second.
template <typename T> __device__ __forceinline__ void widen_weights(int8, uint32 word, uint32& first, uint32& second)
{
    using Constants = PairConstants<T>;
    const uint32 base0 = ((word << 8) & SIGNS) | Constants::INTEGER_BASE;
    const uint32 base1 = (word & SIGNS) | Constants::INTEGER_BASE;
    first = multiply_add<T>(base0, Constants::MINUS_ONE, base0 | (word & 0x007f007fu));
    second = multiply_add<T>(base1, Constants::MINUS_ONE, base1 | ((word >> 8) & 0x007f007fu));
}
template <typename T> __device__ __forceinline__ void widen_weights(e4m3, uint32 word, uint32& first, uint32& second)
{
    using Constants = PairConstants<T>;
    const uint32 even = ((word << 8) & SIGNS) | ((word << Constants::E4M3_SHIFT) & Constants::E4M3_MAGNITUDE);
    const uint32 odd = (word & SIGNS) | ((word >> (8 - Constants::E4M3_SHIFT)) & Constants::E4M3_MAGNITUDE);
    first = multiply_add<T>(even, Constants::E4M3_FACTOR, 0);
    second = multiply_add<T>(odd, Constants::E4M3_FACTOR, 0);
}

// Four values, scaled already, to four stored weights: rounded to nearest, ties to even.
__device__ __forceinline__ uint32 sign_and_magnitude(float value)
{
    const float rounded = (fabsf(value) + 8388608.0f) - 8388608.0f;
    return (uint32)rounded | ((as_bits(value) >> 24) & 0x80u);
}
__device__ __forceinline__ uint32 narrow_weights(int8, const float (&v)[4])
{
    return sign_and_magnitude(v[0]) | sign_and_magnitude(v[2]) << 8 | sign_and_magnitude(v[1]) << 16 | sign_and_magnitude(v[3]) << 24;
}
__device__ __forceinline__ uint32 narrow_weights(e4m3, const float (&v)[4])
{
    return pick_bytes(to_e4m3_pair(v[0], v[1]), (uint32)to_e4m3_pair(v[2], v[3]), 0x5140);
}
