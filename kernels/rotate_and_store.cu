// Per-head RMS norms (optional) and rotary embedding (element i turns with element i + HEAD_DIM / 2) of queries and keys; queries stay in
// place, keys and values go to the paged cache, a few channels of each key to its labels (optional).
//
// Shapes: qkv [rows, (heads + 2 kv_heads) * HEAD_DIM] float32; cosines and sines [positions, HEAD_DIM / 2]; a block of the cache
// [heads of the tensor, block_size, HEAD_DIM] of CACHE; labels [.., block_size, channels]. slots[r] = block * block_size + offset.
// Bytes per row and head: queries 8 * HEAD_DIM, keys and values (4 + sizeof(CACHE)) * HEAD_DIM. Expected: all latency for few rows, 80 %
// of the bandwidth for many.
//
// One warp per row and head; a lane has two neighbouring elements of each half. A row whose position or slot is not there becomes NaN and
// is not stored.
#include "device.cuh"
#include "elements.cuh"

constexpr int WARPS = 4;
constexpr int HALF = HEAD_DIM / 2;

// Each KV head's place in its tensor: p among the heads that keep their keys, -1 - p among those that keep proximal keys only.
struct PerHead { int at[128]; };

struct Norms
{
    const float* query; // [HEAD_DIM], or null
    const float* key;
    float epsilon;
};

struct Cache
{
    CACHE* keys;
    CACHE* values;
    CACHE* proximal_keys;
    CACHE* labels;             // or null
    const int* label_channels; // [kv_heads, channels]
    int channels;
    int block_size;
    int blocks;
    int proximal_blocks;
    int keeping;               // heads of a block of keys
    int following;             // heads of a block of proximal keys
};

__device__ __forceinline__ void normalize(float2& a, float2& b, const float* weight, float epsilon, bool active)
{
    const float squares = warp_sum(active ? a.x * a.x + a.y * a.y + b.x * b.x + b.y * b.y : 0.0f);
    const float factor = rsqrtf(squares / HEAD_DIM + epsilon);
    if (active)
    {
        const float2 u = ((const float2*)weight)[lane_index()], v = ((const float2*)(weight + HALF))[lane_index()];
        a = make_float2(a.x * factor * u.x, a.y * factor * u.y);
        b = make_float2(b.x * factor * v.x, b.y * factor * v.y);
    }
}

__device__ __forceinline__ CACHE* cache_row(CACHE* tensor, int slot, int block_size, int heads, int place)
{
    return tensor + (((long long)(slot / block_size) * heads + place) * block_size + slot % block_size) * HEAD_DIM;
}

__device__ __forceinline__ void store_row(CACHE* to, float2 a, float2 b)
{
    store_pair(to + 2 * lane_index(), a);
    store_pair(to + HALF + 2 * lane_index(), b);
}

extern "C" __global__ void __launch_bounds__(WARPS * WARP) rotate_and_store(
    float* qkv, const int* positions, const int* slots, const int* proximal_slots, const float* cosines, const float* sines, Norms norms,
    Cache cache, int heads, int kv_heads, int table_rows, PerHead places)
{
    let_next_kernel_start();
    wait_for_previous_kernel();
    __shared__ float keys[WARPS][HEAD_DIM];
    const int row = blockIdx.x, lane = lane_index(), index = blockIdx.y * WARPS + warp_index();
    if (index >= heads + 2 * kv_heads)
        return; // a whole warp, and no warp waits for another
    const bool active = 2 * lane < HALF;
    const int at = active ? lane : 0; // of a pair
    float* vector = qkv + ((long long)row * (heads + 2 * kv_heads) + index) * HEAD_DIM;
    float2 a = ((const float2*)vector)[at], b = ((const float2*)(vector + HALF))[at];
    const int slot = slots[row];
    const int position = positions[row];
    const bool valid = position >= 0 && position < table_rows && slot >= 0 && slot / cache.block_size < cache.blocks;

    if (index >= heads + kv_heads)
    {
        if (active && valid)
            store_row(cache_row(cache.values, slot, cache.block_size, kv_heads, index - heads - kv_heads), a, b);
        return;
    }

    const bool is_query = index < heads;
    const float* weight = is_query ? norms.query : norms.key;
    if (weight != nullptr)
        normalize(a, b, weight, norms.epsilon, active);
    const long long angle = (long long)(valid ? position : 0) * HALF;
    const float2 c = ((const float2*)(cosines + angle))[at], s = ((const float2*)(sines + angle))[at];
    const float2 x = make_float2(a.x * c.x - b.x * s.x, a.y * c.y - b.y * s.y);
    const float2 y = make_float2(b.x * c.x + a.x * s.x, b.y * c.y + a.y * s.y);
    if (is_query)
    {
        const float2 nothing = make_float2(as_float(0x7fffffffu), as_float(0x7fffffffu));
        if (active)
        {
            ((float2*)vector)[lane] = valid ? x : nothing;
            ((float2*)(vector + HALF))[lane] = valid ? y : nothing;
        }
        return;
    }

    const int kv_head = index - heads, place = places.at[kv_head];
    if (place < 0)
    {
        const int proximal = proximal_slots[row];
        if (active && valid && proximal >= 0 && proximal / cache.block_size < cache.proximal_blocks)
            store_row(cache_row(cache.proximal_keys, proximal, cache.block_size, cache.following, -1 - place), x, y);
        return;
    }

    if (active && valid)
        store_row(cache_row(cache.keys, slot, cache.block_size, cache.keeping, place), x, y);
    if (cache.labels == nullptr)
        return;
    float* key = keys[warp_index()];
    if (active)
    {
        ((float2*)key)[lane] = x;
        ((float2*)(key + HALF))[lane] = y;
    }
    sync_warp();
    CACHE* labels = cache.labels
        + (((long long)(slot / cache.block_size) * cache.keeping + place) * cache.block_size + slot % cache.block_size) * cache.channels;
    for (int i = lane; i < cache.channels && valid; i += WARP)
        store_one(labels + i, key[cache.label_channels[kv_head * cache.channels + i]]);
}
