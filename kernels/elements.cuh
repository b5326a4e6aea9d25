// Neighbouring elements of any floating point type, to and from float.
#pragma once
#include "device.cuh"

// Eight elements at a multiple of 16 bytes.
template <typename T> __device__ __forceinline__ void load_eight(float (&v)[8], const T* from)
{
    const uint4 bits = *(const uint4*)from;
    const uint32 pairs[4] = { bits.x, bits.y, bits.z, bits.w };
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        v[2 * i] = low<T>(pairs[i]);
        v[2 * i + 1] = high<T>(pairs[i]);
    }
}
template <> __device__ __forceinline__ void load_eight(float (&v)[8], const float* from)
{
    const float4 a = ((const float4*)from)[0], b = ((const float4*)from)[1];
    v[0] = a.x;
    v[1] = a.y;
    v[2] = a.z;
    v[3] = a.w;
    v[4] = b.x;
    v[5] = b.y;
    v[6] = b.z;
    v[7] = b.w;
}

// Eight floats as elements of a 16-bit type.
template <typename T> __device__ __forceinline__ uint4 pack_eight(const float (&v)[8])
{
    return make_uint4(pack<T>(v[0], v[1]), pack<T>(v[2], v[3]), pack<T>(v[4], v[5]), pack<T>(v[6], v[7]));
}

// Two neighbouring elements of a cache at an even place.
template <typename T> __device__ __forceinline__ float2 load_pair(const T* from)
{
    const uint32 pair = *(const uint32*)from;
    return make_float2(low<T>(pair), high<T>(pair));
}
template <> __device__ __forceinline__ float2 load_pair(const e4m3* from)
{
    const uint32 pair = e4m3_pair_to_f16(*(const uint16*)from);
    return make_float2(low<f16>(pair), high<f16>(pair));
}
template <typename T> __device__ __forceinline__ void store_pair(T* to, float2 v) { *(uint32*)to = pack<T>(v.x, v.y); }
template <> __device__ __forceinline__ void store_pair(e4m3* to, float2 v) { *(uint16*)to = to_e4m3_pair(v.x, v.y); }

// Two elements as a cache's type rounds them.
template <typename T> __device__ __forceinline__ float2 round_pair(const T*, float2 v)
{
    const uint32 pair = pack<T>(v.x, v.y);
    return make_float2(low<T>(pair), high<T>(pair));
}
template <> __device__ __forceinline__ float2 round_pair(const e4m3*, float2 v)
{
    const uint32 pair = e4m3_pair_to_f16(to_e4m3_pair(v.x, v.y));
    return make_float2(low<f16>(pair), high<f16>(pair));
}

template <typename T> __device__ __forceinline__ void store_one(T* to, float value) { *to = from_float<T>(value); }
template <> __device__ __forceinline__ void store_one(e4m3* to, float value) { to->bits = (uint8)to_e4m3_pair(value, value); }
