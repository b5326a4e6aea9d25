// output[r, o] = scale[o] * sum over k of input[r, k] * W[o, k], + bias[o], for few rows: decode.
//
// Shapes: W [out_features, in_features] row-major of WEIGHT (ELEMENT, or int8 / e4m3 as weight_pairs.cuh says, with a scale per row);
// input [rows, in_features] of ELEMENT, rows <= 8 * COLUMN_TILES; output [rows, out_features] float32; in_features a multiple of 16.
// Bytes: W once, out * in * sizeof(WEIGHT); input and output are small beside it. Expected: 93 % of the memory bandwidth or more from
// about 30 MB of W on, less for small layers, where start and end count (a dependent launch hides most of both).
//
// - A block owns a contiguous range of units; a unit is 32 KiB of W: 128 bytes of k per warp for 32 features per warp. All blocks stream
//   the same number of units, whatever the shape ("stream-K"). A tile of features that lies in more than one block's range is added up
//   by the block that arrives last, in the order of the blocks: results do not depend on who that is, nor, up to 16 rows, on how
//   many rows there are.
// - W goes through a ring of STAGES stages per warp in shared memory: a warp waits for its own copies only, and all SMs together have
//   12 MB in flight or waiting, which are asked for before the previous kernel has ended. Two such blocks fit an SM, so that the next
//   layer's ring fills while this one's last tiles are added up.
// - W is the A operand, 16 features by 16 k; the input rows are the columns of B. The order of k within a product is free: a lane takes
//   16 bytes of a row, of W and of the input alike, and neighbouring words of them are what the tensor core calls columns 2t and 2t + 8.
//   No fragment is moved between lanes.
// Counted, not measured: per step of 4 KiB a warp issues about 150 instructions, 400 where it widens 8-bit weights: with 8 warps an SM's
// schedulers are a fifth, or half, busy at the rate at which an H200's memory delivers.
#include "device.cuh"
#include "weight_pairs.cuh"

constexpr int WARPS = 8;
constexpr int K_WARPS = COLUMN_TILES == 4 ? 2 : 4;   // few rows: long runs of k per feature; many rows: warps share the input's lines
constexpr int FEATURE_WARPS = WARPS / K_WARPS;
constexpr int ROW_TILES = 2;                         // tiles of 16 features per warp
constexpr int WARP_FEATURES = 16 * ROW_TILES;
constexpr int TILE_FEATURES = FEATURE_WARPS * WARP_FEATURES;
constexpr int CHUNK = 16 / (int)sizeof(WEIGHT);      // weights in 16 bytes
constexpr int STEP = 8 * CHUNK;                      // k of one warp's step: a line of 128 bytes
constexpr int UNIT = STEP * K_WARPS;
// STAGES (a macro) of the ring: 3, or 2 where a block can have less than 112 KiB of shared memory.
constexpr int STAGE_BYTES = WARP_FEATURES * 128;
constexpr int RING_BYTES = WARPS * STAGES * STAGE_BYTES; // behind it: COLUMN_TILES * 4 KiB to exchange sums
constexpr int OWNERS = 2 * FEATURE_WARPS * WARP;         // threads that hold the sums of a tile in the end, 16 features per warp


// A step's input is asked for before the wait for its weights, as much of it as the registers hold.
constexpr bool WHOLE_INPUT = COLUMN_TILES * (int)sizeof(ELEMENT) / (int)sizeof(WEIGHT) <= 4;

typedef float Sums[COLUMN_TILES][4];
typedef uint32 InputWords[COLUMN_TILES][CHUNK / 2];

// 16 bytes from c on of the line of a stage's row: the halves of odd rows change places, so that 8 lanes meet 8 different banks.
__device__ __forceinline__ int stage_offset(int row, int chunk) { return row * 128 + (chunk ^ ((row & 1) << 2)) * 16; }

// Where a warp's copies have got to.
struct WeightStream
{
    const WEIGHT* weight;
    int in_features;
    int last_feature;
    int tile;
    int unit;
    int units_per_tile;
    int remaining;

    // Asks for the next step's 32 lines; nothing when there is none, and zeros behind the last k.
    __device__ __forceinline__ void fill(uint8* stage, int first_feature, int first_k)
    {
        if (remaining > 0)
        {
            const int lane = lane_index(), chunk = lane % 8;
            const int k = unit * UNIT + first_k + chunk * CHUNK;
            const bool valid = k < in_features;
            const WEIGHT* from = weight + (valid ? k : 0);
            const int feature = tile * TILE_FEATURES + first_feature + lane / 8;
#pragma unroll
            for (int i = 0; i < WARP_FEATURES / 4; i++)
            {
                const int bounded = feature + 4 * i < last_feature ? feature + 4 * i : last_feature;
                copy_async(stage + stage_offset(lane / 8 + 4 * i, chunk), from + (long long)bounded * in_features, valid);
            }
            remaining--;
            if (++unit == units_per_tile)
            {
                unit = 0;
                tile++;
            }
        }
        copy_async_commit();
    }
};

// The part of the input that meets 4 chunks of each line: row g of each column tile from k on. Behind the last k any finite value does.
__device__ __forceinline__ void load_input(
    InputWords& words, const ELEMENT* input, const int (&row_offsets)[COLUMN_TILES], int k, int limit)
{
    const ELEMENT* from = input + (k < limit ? k : 0);
#pragma unroll
    for (int j = 0; j < COLUMN_TILES; j++)
    {
#pragma unroll
        for (int i = 0; i < CHUNK / 8; i++)
        {
            const uint4 v = *(const uint4*)(from + row_offsets[j] + 8 * i);
            words[j][4 * i] = v.x;
            words[j][4 * i + 1] = v.y;
            words[j][4 * i + 2] = v.z;
            words[j][4 * i + 3] = v.w;
        }
    }
}

// The two pairs of k that the p-th product takes from a lane's 16 bytes.
template <typename W> __device__ __forceinline__ void weight_pairs(W tag, const uint32 (&words)[4], int p, uint32& first, uint32& second)
{
    widen_weights<ELEMENT>(tag, words[p], first, second);
}
template <> __device__ __forceinline__ void weight_pairs(ELEMENT, const uint32 (&words)[4], int p, uint32& first, uint32& second)
{
    first = words[2 * p];
    second = words[2 * p + 1];
}

// sums += half a step: chunks 4 half to 4 half + 3 of the stage's lines.
__device__ __forceinline__ void multiply(Sums (&sums)[ROW_TILES], const uint8* stage, int half, const InputWords& input)
{
    const int lane = lane_index(), chunk = lane % 4 + 4 * half;
#pragma unroll
    for (int m = 0; m < ROW_TILES; m++)
    {
        const uint4 u = *(const uint4*)(stage + stage_offset(16 * m + lane / 4, chunk));
        const uint4 l = *(const uint4*)(stage + stage_offset(16 * m + lane / 4 + 8, chunk));
        const uint32 upper[4] = { u.x, u.y, u.z, u.w }, lower[4] = { l.x, l.y, l.z, l.w };
#pragma unroll
        for (int p = 0; p < CHUNK / 4; p++)
        {
            uint32 a[4];
            weight_pairs(WEIGHT{}, upper, p, a[0], a[2]);
            weight_pairs(WEIGHT{}, lower, p, a[1], a[3]);
#pragma unroll
            for (int j = 0; j < COLUMN_TILES; j++)
            {
                const uint32 b[2] = { input[j][2 * p], input[j][2 * p + 1] };
                mma<ELEMENT>(sums[m][j], a, b);
            }
        }
    }
}

__device__ __forceinline__ float4 as_float4(const float (&v)[4]) { return make_float4(v[0], v[1], v[2], v[3]); }
__device__ __forceinline__ void add(float (&sums)[4], float4 v)
{
    sums[0] += v.x;
    sums[1] += v.y;
    sums[2] += v.z;
    sums[3] += v.w;
}

// Adds up what the warps of different k have, until the first two of them hold 16 features each: own.
__device__ __forceinline__ void reduce_block(Sums (&sums)[ROW_TILES], Sums& own, float4* exchange, int feature_warp, int k_warp)
{
    const int lane = lane_index();
    sync_block(); // the exchange of the tile before has been read
#pragma unroll
    for (int span = K_WARPS / 2; span >= 2; span /= 2)
    {
        float4* at = exchange + ((k_warp % span) * FEATURE_WARPS + feature_warp) * ROW_TILES * COLUMN_TILES * WARP + lane;
#pragma unroll
        for (int i = 0; i < ROW_TILES * COLUMN_TILES; i++)
        {
            if (k_warp >= span && k_warp < 2 * span)
                at[i * WARP] = as_float4(sums[i / COLUMN_TILES][i % COLUMN_TILES]);
        }
        sync_block();
#pragma unroll
        for (int i = 0; i < ROW_TILES * COLUMN_TILES; i++)
        {
            if (k_warp < span)
                add(sums[i / COLUMN_TILES][i % COLUMN_TILES], at[i * WARP]);
        }
        sync_block();
    }

    float4* mine = exchange + (k_warp * FEATURE_WARPS + feature_warp) * COLUMN_TILES * WARP + lane;
    const float4* others = exchange + ((1 - k_warp) * FEATURE_WARPS + feature_warp) * COLUMN_TILES * WARP + lane;
#pragma unroll
    for (int j = 0; j < COLUMN_TILES; j++)
    {
        if (k_warp < 2)
            mine[j * WARP] = as_float4(k_warp == 0 ? sums[1][j] : sums[0][j]);
    }
    sync_block();
#pragma unroll
    for (int j = 0; j < COLUMN_TILES; j++)
    {
#pragma unroll
        for (int i = 0; i < 4; i++)
            own[j][i] = k_warp == 0 ? sums[0][j][i] : sums[1][j][i];
        if (k_warp < 2)
            add(own[j], others[j * WARP]);
    }
}

// Leaves this block's part of a tile and, in the block that arrives last, adds up all parts. Whether this is that block.
__device__ __forceinline__ bool reduce_grid(
    Sums& own, float4* parts, int* arrivals, int owner, long long units, int tile_begin, int tile_end)
{
    __shared__ bool is_last;
    const long long grid = gridDim.x;
    const int first = (int)(((tile_begin + 1) * grid - 1) / units), last = (int)((tile_end * grid - 1) / units);

    // A block has at most two incomplete tiles: where it begins, in place 0, and where it ends, in place 1, if it did not begin there.
    // Only the first block of a tile can have begun before it.
    const int place_of_first = units * first / grid < tile_begin ? 1 : 0;
    const int place = (int)blockIdx.x == first ? place_of_first : 0;
    if (owner < OWNERS)
    {
        float4* mine = parts + (2LL * blockIdx.x + place) * COLUMN_TILES * OWNERS + owner;
#pragma unroll
        for (int j = 0; j < COLUMN_TILES; j++)
            mine[j * OWNERS] = as_float4(own[j]);
    }
    __threadfence();
    sync_block();
    if (threadIdx.x == 0)
    {
        is_last = atomicAdd(&arrivals[first], 1) == last - first;
        if (is_last)
            arrivals[first] = 0; // for the next launch
    }
    sync_block();
    if (!is_last)
        return false;

    __threadfence();
    if (owner < OWNERS)
    {
#pragma unroll
        for (int j = 0; j < COLUMN_TILES; j++)
            own[j][0] = own[j][1] = own[j][2] = own[j][3] = 0;
#pragma unroll 4
        for (int block = first; block <= last; block++)
        {
            const float4* theirs = parts + (2LL * block + (block == first ? place_of_first : 0)) * COLUMN_TILES * OWNERS + owner;
#pragma unroll
            for (int j = 0; j < COLUMN_TILES; j++)
                add(own[j], load_fresh(theirs + j * OWNERS));
        }
    }
    return true;
}

// 16 features of a tile for all rows.
__device__ __forceinline__ void write_output(
    const Sums& own, float* output, const float* scales, const float* bias, int first_feature, int rows, int out_features)
{
    const int lane = lane_index();
#pragma unroll
    for (int half = 0; half < 2; half++)
    {
        const int feature = first_feature + lane / 4 + 8 * half;
        if (feature >= out_features)
            continue;
        const float scale = sizeof(WEIGHT) == 1 ? scales[feature] : 1.0f;
        const float offset = bias != nullptr ? bias[feature] : 0.0f;
#pragma unroll
        for (int j = 0; j < COLUMN_TILES; j++)
        {
#pragma unroll
            for (int i = 0; i < 2; i++)
            {
                const int row = 8 * j + 2 * (lane % 4) + i;
                if (row < rows)
                    output[(long long)row * out_features + feature] = own[j][2 * half + i] * scale + offset;
            }
        }
    }
}

// parts: 2 * gridDim.x * COLUMN_TILES * OWNERS float4; arrivals: gridDim.x counters, zero before and after. gridDim.x <= units.
extern "C" __global__ void __launch_bounds__(WARPS * WARP, 2) linear_skinny(
    const WEIGHT* weight, const float* scales, const float* bias, const ELEMENT* input, float* output, int rows, int out_features,
    int in_features, float4* parts, int* arrivals)
{
    let_next_kernel_start(); // before the wait: it touches nothing of ours before we have ended
    const int lane = lane_index(), warp = warp_index(), feature_warp = warp % FEATURE_WARPS, k_warp = warp / FEATURE_WARPS;
    const int units_per_tile = (in_features + UNIT - 1) / UNIT;
    const long long units = (long long)((out_features + TILE_FEATURES - 1) / TILE_FEATURES) * units_per_tile;
    const int begin = (int)(units * blockIdx.x / gridDim.x), end = (int)(units * (blockIdx.x + 1) / gridDim.x);
    int tile = begin / units_per_tile, unit = begin % units_per_tile;

    uint8* ring = shared_memory() + warp * STAGES * STAGE_BYTES;
    float4* exchange = (float4*)(shared_memory() + RING_BYTES);
    WeightStream stream = { weight, in_features, out_features - 1, tile, unit, units_per_tile, end - begin };
#pragma unroll
    for (int stage = 0; stage < STAGES; stage++)
        stream.fill(ring + stage * STAGE_BYTES, feature_warp * WARP_FEATURES, k_warp * STEP);
    wait_for_previous_kernel(); // only W has been touched

    int row_offsets[COLUMN_TILES];
#pragma unroll
    for (int j = 0; j < COLUMN_TILES; j++)
        row_offsets[j] = (8 * j + lane / 4 < rows ? 8 * j + lane / 4 : rows - 1) * in_features;

    Sums sums[ROW_TILES] = {};
    int stage = 0;
    for (int at = begin; at < end; at++)
    {
        const int k = unit * UNIT + k_warp * STEP + lane % 4 * CHUNK;
        InputWords words[2];
        load_input(words[0], input, row_offsets, k, in_features);
        if (WHOLE_INPUT)
            load_input(words[1], input, row_offsets, k + STEP / 2, in_features);
        copy_async_wait<STAGES - 1>();
        sync_warp();
        uint8* lines = ring + stage * STAGE_BYTES;
        multiply(sums, lines, 0, words[0]);
        if (!WHOLE_INPUT)
            load_input(words[1], input, row_offsets, k + STEP / 2, in_features);
        multiply(sums, lines, 1, words[1]);
        sync_warp();
        stream.fill(lines, feature_warp * WARP_FEATURES, k_warp * STEP);
        stage = stage + 1 < STAGES ? stage + 1 : 0;
        unit++;
        if (unit < units_per_tile && at + 1 < end)
            continue;

        Sums own;
        reduce_block(sums, own, exchange, feature_warp, k_warp);
        const int tile_begin = tile * units_per_tile, tile_end = tile_begin + units_per_tile;
        const bool whole = begin <= tile_begin && tile_end <= end;
        const int owner = (k_warp * FEATURE_WARPS + feature_warp) * WARP + lane; // those below OWNERS hold sums
        if ((whole || reduce_grid(own, parts, arrivals, owner, units, tile_begin, tile_end)) && owner < OWNERS)
        {
            const int first_feature = tile * TILE_FEATURES + feature_warp * WARP_FEATURES + 16 * k_warp;
            write_output(own, output, scales, bias, first_feature, rows, out_features);
        }

#pragma unroll
        for (int m = 0; m < ROW_TILES; m++)
        {
#pragma unroll
            for (int j = 0; j < COLUMN_TILES; j++)
                sums[m][j][0] = sums[m][j][1] = sums[m][j][2] = sums[m][j][3] = 0;
        }
        unit = 0;
        tile++;
    }
}
