// Per-head RMS norms (optional) and rotary embedding (element i turns with element i + HEAD_DIM / 2) of queries and keys; queries stay in
// place, keys and values go to the paged cache, a few channels of each key to its labels (optional). In a step where every row is a
// sequence's next token, its page's bounds follow its key on the way (optional): a token that opens a page is the page's bounds, another
// widens them; bit for bit what page_bounds.cu finds.
//
// Shapes: qkv [rows, (heads + 2 kv_heads) * HEAD_DIM] float32; cosines and sines [positions, HEAD_DIM / 2]; a block of the cache
// [heads of the tensor, block_size, HEAD_DIM] of CACHE; labels [.., block_size, channels]. slots[r] = block * block_size + offset.
// Bytes per row and head: queries 8 * HEAD_DIM, keys and values (4 + sizeof(CACHE)) * HEAD_DIM. Expected: all latency for few rows, 80 %
// of the bandwidth for many.
//
// One warp per row and head; a lane has two neighbouring elements of each half. Where a row goes and how far it turns is known before the
// kernel that makes qkv has ended; behind the wait there is one load deep of latency. A row whose position or slot is not there becomes NaN
// and is not stored.
#include "device.cuh"
#include "elements.cuh"

constexpr int WARPS = 4;
constexpr int PAGE = 16;
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
    CACHE* bounds;             // a block [keeping, block_size / PAGE, 2, HEAD_DIM], largest first; or null
    const int* label_channels; // [kv_heads, channels]
    int channels;
    int block_size;
    int blocks;
    int proximal_blocks;
    int keeping;               // heads of a block of keys
    int following;             // heads of a block of proximal keys
};

__device__ __forceinline__ void normalize(float2& a, float2& b, float2 u, float2 v, float epsilon, bool active)
{
    const float squares = warp_sum(active ? a.x * a.x + a.y * a.y + b.x * b.x + b.y * b.y : 0.0f);
    const float factor = rsqrtf(squares / HEAD_DIM + epsilon);
    a = make_float2(a.x * factor * u.x, a.y * factor * u.y);
    b = make_float2(b.x * factor * v.x, b.y * factor * v.y);
}

// A token's place: which block, and where in it.
struct Slot
{
    int block;
    int offset;
};

__device__ __forceinline__ Slot find_slot(int slot, int block_size)
{
    const int block = slot / block_size;
    return { block, slot - block * block_size };
}

__device__ __forceinline__ CACHE* cache_row(CACHE* tensor, Slot slot, int block_size, int heads, int place)
{
    return tensor + (((long long)slot.block * heads + place) * block_size + slot.offset) * HEAD_DIM;
}

__device__ __forceinline__ void store_row(CACHE* to, float2 a, float2 b)
{
    store_pair(to + 2 * lane_index(), a);
    store_pair(to + HALF + 2 * lane_index(), b);
}

__device__ __forceinline__ float2 larger(float2 a, float2 b) { return make_float2(fmaxf(a.x, b.x), fmaxf(a.y, b.y)); }
__device__ __forceinline__ float2 smaller(float2 a, float2 b) { return make_float2(fminf(a.x, b.x), fminf(a.y, b.y)); }

// A lane's part of a page's bounds, of the first and the second half of the elements.
struct Bounds
{
    float2 largest[2];
    float2 least[2];
};

__device__ __forceinline__ Bounds load_bounds(const CACHE* from, int pair)
{
    const CACHE* own = from + 2 * pair;
    return { { load_pair(own), load_pair(own + HALF) }, { load_pair(own + HEAD_DIM), load_pair(own + HEAD_DIM + HALF) } };
}

__device__ __forceinline__ void store_bounds(CACHE* to, const Bounds& bounds)
{
    store_row(to, bounds.largest[0], bounds.largest[1]);
    store_row(to + HEAD_DIM, bounds.least[0], bounds.least[1]);
}

extern "C" __global__ void __launch_bounds__(WARPS * WARP) rotate_and_store(
    float* qkv, const int* positions, const int* slots, const int* proximal_slots, const float* cosines, const float* sines, Norms norms,
    Cache cache, int heads, int kv_heads, int table_rows, PerHead places)
{
    let_next_kernel_start();
    __shared__ float keys[WARPS][HEAD_DIM];
    const int row = blockIdx.x, lane = lane_index(), index = blockIdx.y * WARPS + warp_index();
    if (index >= heads + 2 * kv_heads)
        return; // a whole warp, never all of a block, and no warp waits for another
    const bool active = 2 * lane < HALF, is_query = index < heads, is_value = index >= heads + kv_heads;
    const int at = active ? lane : 0; // of a pair
    const int kv_head = index - heads, place = is_query || is_value ? 0 : places.at[kv_head];
    const bool keeps = !is_query && !is_value && place >= 0;
    const int slot_number = read_step(slots + row), position = read_step(positions + row);
    const int proximal_number = place < 0 ? read_step(proximal_slots + row) : -1;
    const Slot slot = find_slot(slot_number, cache.block_size);
    const bool valid = position >= 0 && position < table_rows && slot_number >= 0 && slot.block < cache.blocks;

    const float* weight = is_value ? nullptr : is_query ? norms.query : norms.key;
    float2 c = make_float2(0, 0), s = c, u = c, v = c;
    if (!is_value)
    {
        const long long angle = (long long)(valid ? position : 0) * HALF;
        c = ((const float2*)(cosines + angle))[at];
        s = ((const float2*)(sines + angle))[at];
    }
    if (weight != nullptr)
    {
        u = ((const float2*)weight)[at];
        v = ((const float2*)(weight + HALF))[at];
    }
    const int channels = keeps && valid && cache.labels != nullptr ? cache.channels : 0;
    const int* label_channels = cache.label_channels + kv_head * cache.channels;
    const int first_channel = lane < channels ? label_channels[lane] : 0;
    const bool bounded = keeps && valid && cache.bounds != nullptr, opens = slot.offset % PAGE == 0;
    CACHE* bounds = bounded
        ? cache.bounds
            + (((long long)slot.block * cache.keeping + place) * (cache.block_size / PAGE) + slot.offset / PAGE) * 2 * HEAD_DIM
        : nullptr;

    wait_for_previous_kernel();
    float* vector = qkv + ((long long)row * (heads + 2 * kv_heads) + index) * HEAD_DIM;
    float2 a = ((const float2*)vector)[at], b = ((const float2*)(vector + HALF))[at];
    Bounds page = {};
    if (bounded && !opens)
        page = load_bounds(bounds, at);

    if (is_value)
    {
        if (active && valid)
            store_row(cache_row(cache.values, slot, cache.block_size, kv_heads, kv_head - kv_heads), a, b);
        return;
    }

    if (weight != nullptr)
        normalize(a, b, u, v, norms.epsilon, active);
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

    if (!keeps)
    {
        const Slot proximal = find_slot(proximal_number, cache.block_size);
        if (active && valid && proximal_number >= 0 && proximal.block < cache.proximal_blocks)
            store_row(cache_row(cache.proximal_keys, proximal, cache.block_size, cache.following, -1 - place), x, y);
        return;
    }

    if (active && valid)
        store_row(cache_row(cache.keys, slot, cache.block_size, cache.keeping, place), x, y);
    if (active && bounded)
    {
        const float2 stored[2] = { round_pair(cache.keys, x), round_pair(cache.keys, y) };
#pragma unroll
        for (int half = 0; half < 2; half++)
        {
            page.largest[half] = opens ? stored[half] : larger(page.largest[half], stored[half]);
            page.least[half] = opens ? stored[half] : smaller(page.least[half], stored[half]);
        }
        store_bounds(bounds, page);
    }
    if (channels == 0)
        return;
    float* key = keys[warp_index()];
    if (active)
    {
        ((float2*)key)[lane] = x;
        ((float2*)(key + HALF))[lane] = y;
    }
    sync_warp();
    CACHE* labels
        = cache.labels + (((long long)slot.block * cache.keeping + place) * cache.block_size + slot.offset) * cache.channels;
    for (int i = lane; i < channels; i += WARP)
        store_one(labels + i, key[i < WARP ? first_channel : label_channels[i]]);
}
