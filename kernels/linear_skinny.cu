// output[r, o] = scale[o] * sum over k of input[r, k] * W[o, k], + bias[o], for few rows: decode.
// With SWIGLU = 1 the rows of W are gates and then as many ups, and output[r, o] = silu(gate[r, o]) * up[r, o] of ELEMENT.
//
// Shapes: W [out_features, in_features] row-major of WEIGHT (ELEMENT, or int8 / e4m3 as weight_pairs.cuh says, with a scale per row);
// input [rows, in_features] of ELEMENT, rows <= 8 * COLUMN_TILES; output [rows, out_features] float32, or [rows, out_features / 2] of
// ELEMENT; in_features a multiple of 16.
// Bytes: W once, out * in * sizeof(WEIGHT); input and output are small beside it. Expected: 90 % of what a copy reaches or more from
// about 30 MB of W on, less for small layers, where start and end count (a dependent launch hides most of both).
//
// - A block owns a contiguous range of units; a unit is 16 KiB of W: 128 bytes of k for 128 features, 16 of each warp. All blocks stream
//   the same number of units, whatever the shape ("stream-K"). A tile of features that lies in more than one block's range is added up
//   by the block that arrives last, in the order of the blocks: results do not depend on who that is, nor on how many rows there are.
// - W and the input lines that meet it go through one ring of STAGES units in shared memory, shared by the warps, with one barrier per
//   unit. STAGES - 1 units of W are asked for before the previous kernel has ended. STAGES (at least 2, at most half of the shared memory
//   where that is enough) leaves room for the small kernels around, and for the cache: the on-chip memory is divided so that one block
//   runs on each multiprocessor (CudaFunction says why), and the next layer's begins where this one's has ended.
// - W is the A operand, 16 features by 16 k; the input rows are the columns of B. The order of k within a product is free: a lane takes
//   16 bytes of a row, of W and of the input alike, and neighbouring words of them are what the tensor core calls columns 2t and 2t + 8.
//   No fragment is moved between lanes, and a warp's 16 features are all its own: nothing is added up between warps. For SWIGLU the
//   upper 8 of them are gates and the lower 8 their ups: a lane holds both in the end.
// - Where the ring has room, two units are asked for at once: 256 bytes of a row, which open a page of the memory once, not twice.
// Measured on an H100, the four layers of a LLaMA2-7B block (405 MB in bf16) one behind the other: 88 % of the copy bandwidth at 16 rows,
// 92 % at 1 row; in fp8 72 % and 78 %.
// Counted for it (22.6 bytes a nanosecond and multiprocessor: 1230 cycles a unit), 16-bit weights and 16 rows: the
// input adds 1/8 to the bytes from the second-level cache (1/4 beside 8-bit weights; twice that for 32 rows). Shared memory moves 50
// KiB a unit, a third of what it can (8-bit: 43 %, 32 rows of them: two thirds). A warp issues about 115 instructions a unit, 260 where
// it widens: 0.06 or 0.13 a byte of the 0.3 there are. W on its way is 48 to 80 KiB a block. So the memory should be the limit.
#include "device.cuh"
#include "silu.cuh"
#include "weight_pairs.cuh"

constexpr int WARPS = 8, THREADS = WARPS * WARP;
constexpr int WARP_FEATURES = 16;
constexpr int TILE_FEATURES = WARPS * WARP_FEATURES;  // rows of W
constexpr int RESULTS = SWIGLU ? 8 : 16;              // of a warp's features
constexpr int CHUNK = 16 / (int)sizeof(WEIGHT);       // weights in 16 bytes
constexpr int LINE = 128;                             // bytes of a row of W in a unit
constexpr int UNIT = LINE / (int)sizeof(WEIGHT);      // k of a unit
constexpr int INPUT_LINE = UNIT * (int)sizeof(ELEMENT);
constexpr int INPUT_ROWS = 8 * COLUMN_TILES;
constexpr int WEIGHT_BYTES = TILE_FEATURES * LINE;    // of a stage; the input's lines are behind them
constexpr int STAGE_BYTES = WEIGHT_BYTES + INPUT_ROWS * INPUT_LINE;
constexpr int BURST = STAGES >= 6 ? 2 : 1;            // units asked for together: neighbouring lines of a row, where the ring is deep
constexpr int LANE_ROWS = WARP_FEATURES / 4;          // of W that a lane copies from
constexpr int LINE_PIECES = INPUT_LINE / 16;          // of 16 bytes
constexpr int INPUT_PIECES = INPUT_ROWS * LINE_PIECES;
constexpr int THREAD_PIECES = (INPUT_PIECES + THREADS - 1) / THREADS;

#if SWIGLU
typedef ELEMENT Result;
#else
typedef float Result;
#endif
typedef float Sums[COLUMN_TILES][4];

// Where 16 bytes of a stage's lines are: those of odd rows change places, so that the 8 lanes of an access meet 8 different banks.
__device__ __forceinline__ int weight_offset(int row, int chunk) { return row * LINE + (chunk ^ ((row & 1) << 2)) * 16; }
__device__ __forceinline__ int input_offset(int row, int piece)
{
    return WEIGHT_BYTES + row * INPUT_LINE + (piece ^ (sizeof(WEIGHT) == 1 ? row & 1 : (row & 1) << 2)) * 16;
}

// Where a lane's copies of W have got to.
struct WeightStream
{
    const WEIGHT* weight;
    int out_features, in_features;
    int tile, unit, units_per_tile;
    int remaining;
    const WEIGHT* rows[LANE_ROWS];

    // Finds the tile's rows; behind the last one it is that one again.
    __device__ __forceinline__ void find_rows()
    {
        const int first = (tile * WARPS + warp_index()) * RESULTS + lane_index() / 8;
        const int results = SWIGLU ? out_features / 2 : out_features;
#pragma unroll
        for (int i = 0; i < LANE_ROWS; i++)
        {
            const int wanted = first + 4 * i % RESULTS;
            const int row = (wanted < results ? wanted : results - 1) + (4 * i < RESULTS ? 0 : results);
            rows[i] = weight + (long long)row * in_features;
        }
    }

    // Asks for the next unit's lines of this warp; nothing when there is none, and zeros behind the last k.
    __device__ __forceinline__ void fill(uint8* stage) const
    {
        if (remaining <= 0)
            return;
        const int lane = lane_index(), chunk = lane % 8;
        const int k = unit * UNIT + chunk * CHUNK;
        const bool valid = k < in_features;
#pragma unroll
        for (int i = 0; i < LANE_ROWS; i++)
        {
            uint8* to = stage + weight_offset(warp_index() * WARP_FEATURES + lane / 8 + 4 * i, chunk);
            copy_async(to, rows[i] + (valid ? k : 0), valid);
        }
    }

    __device__ __forceinline__ void advance()
    {
        remaining--;
        if (++unit == units_per_tile)
        {
            unit = 0;
            tile++;
            find_rows();
        }
    }
};

// 16 bytes of a unit's input: whose row, from which k on, and whether there is such.
struct InputPiece
{
    int row, piece, k;
    bool valid;

    __device__ __forceinline__ InputPiece(int i, int unit, int rows, int in_features)
    {
        const int index = threadIdx.x + i * THREADS;
        row = index / LINE_PIECES;
        piece = index % LINE_PIECES;
        k = unit * UNIT + piece * 8;
        valid = row < rows && k < in_features;
    }
    __device__ __forceinline__ bool exists() const { return row < INPUT_ROWS; }
};

// Asks for a unit's input, the block together; zeros where there is none.
__device__ __forceinline__ void fill_input(uint8* stage, const ELEMENT* input, int unit, int rows, int in_features)
{
#pragma unroll
    for (int i = 0; i < THREAD_PIECES; i++)
    {
        const InputPiece at(i, unit, rows, in_features);
        if (at.exists())
            copy_async(stage + input_offset(at.row, at.piece), input + (at.valid ? at.row * in_features + at.k : 0), at.valid);
    }
}

// The input of the first STAGES - 1 units at once. Not by asynchronous copies: they end in order, and before these all of W was asked for.
__device__ __forceinline__ void load_first_input(
    uint8* ring, const ELEMENT* input, int unit, int units_per_tile, int count, int rows, int in_features)
{
    float4 values[STAGES - 1][THREAD_PIECES];
#pragma unroll
    for (int stage = 0; stage < STAGES - 1; stage++)
    {
#pragma unroll
        for (int i = 0; i < THREAD_PIECES; i++)
        {
            const InputPiece at(i, unit, rows, in_features);
            values[stage][i] = make_float4(0, 0, 0, 0);
            if (at.valid && stage < count)
                values[stage][i] = load_fresh((const float4*)(input + at.row * in_features + at.k));
        }
        unit = unit + 1 < units_per_tile ? unit + 1 : 0;
    }
#pragma unroll
    for (int stage = 0; stage < STAGES - 1; stage++)
    {
#pragma unroll
        for (int i = 0; i < THREAD_PIECES; i++)
        {
            const InputPiece at(i, 0, 0, 0);
            if (at.exists())
                *(float4*)(ring + stage * STAGE_BYTES + input_offset(at.row, at.piece)) = values[stage][i];
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

// sums += a unit: this warp's features, all rows.
__device__ __forceinline__ void multiply(Sums& sums, const uint8* stage)
{
    const int lane = lane_index(), row = warp_index() * WARP_FEATURES + lane / 4;
#pragma unroll
    for (int half = 0; half < 2; half++)
    {
        const int chunk = lane % 4 + 4 * half;
        const uint4 u = *(const uint4*)(stage + weight_offset(row, chunk));
        const uint4 l = *(const uint4*)(stage + weight_offset(row + 8, chunk));
        const uint32 upper[4] = { u.x, u.y, u.z, u.w }, lower[4] = { l.x, l.y, l.z, l.w };
        uint32 words[COLUMN_TILES][CHUNK / 2];
#pragma unroll
        for (int j = 0; j < COLUMN_TILES; j++)
        {
#pragma unroll
            for (int i = 0; i < CHUNK / 8; i++)
            {
                const uint4 v = *(const uint4*)(stage + input_offset(8 * j + lane / 4, chunk * (CHUNK / 8) + i));
                words[j][4 * i] = v.x;
                words[j][4 * i + 1] = v.y;
                words[j][4 * i + 2] = v.z;
                words[j][4 * i + 3] = v.w;
            }
        }
#pragma unroll
        for (int p = 0; p < CHUNK / 4; p++)
        {
            uint32 a[4];
            weight_pairs(WEIGHT{}, upper, p, a[0], a[2]);
            weight_pairs(WEIGHT{}, lower, p, a[1], a[3]);
#pragma unroll
            for (int j = 0; j < COLUMN_TILES; j++)
            {
                const uint32 b[2] = { words[j][2 * p], words[j][2 * p + 1] };
                mma<ELEMENT>(sums[j], a, b);
            }
        }
    }
}

__device__ __forceinline__ void clear(Sums& sums)
{
#pragma unroll
    for (int j = 0; j < COLUMN_TILES; j++)
        sums[j][0] = sums[j][1] = sums[j][2] = sums[j][3] = 0;
}

__device__ __forceinline__ void add(Sums& sums, const float4 (&values)[COLUMN_TILES])
{
#pragma unroll
    for (int j = 0; j < COLUMN_TILES; j++)
    {
        sums[j][0] += values[j].x;
        sums[j][1] += values[j].y;
        sums[j][2] += values[j].z;
        sums[j][3] += values[j].w;
    }
}

// Leaves this block's part of a tile and, in the block that arrives last, adds up all parts. Whether this is that block.
__device__ __forceinline__ bool reduce_grid(Sums& sums, float4* parts, int* arrivals, uint32 units, uint32 tile_begin, uint32 tile_end)
{
    __shared__ bool is_last;
    const uint32 grid = gridDim.x;
    const int first = (int)(((tile_begin + 1) * grid - 1) / units), last = (int)((tile_end * grid - 1) / units);

    // A block has at most two incomplete tiles: where it begins, in place 0, and where it ends, in place 1, if it did not begin there.
    // Only the first block of a tile can have begun before it.
    const int place_of_first = units * first / grid < tile_begin ? 1 : 0;
    const int place = (int)blockIdx.x == first ? place_of_first : 0;
    float4* mine = parts + (2LL * blockIdx.x + place) * COLUMN_TILES * THREADS + threadIdx.x;
#pragma unroll
    for (int j = 0; j < COLUMN_TILES; j++)
        mine[j * THREADS] = make_float4(sums[j][0], sums[j][1], sums[j][2], sums[j][3]);
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
    clear(sums);
    constexpr int TOGETHER = 8 / COLUMN_TILES; // parts whose way from memory overlaps
    for (int block = first; block <= last; block += TOGETHER)
    {
        float4 values[TOGETHER][COLUMN_TILES];
#pragma unroll
        for (int i = 0; i < TOGETHER; i++)
        {
            const int from = block + i < last ? block + i : last;
            const float4* theirs = parts + (2LL * from + (from == first ? place_of_first : 0)) * COLUMN_TILES * THREADS + threadIdx.x;
#pragma unroll
            for (int j = 0; j < COLUMN_TILES; j++)
                values[i][j] = load_fresh(theirs + j * THREADS);
        }
#pragma unroll
        for (int i = 0; i < TOGETHER; i++)
        {
            if (block + i <= last)
                add(sums, values[i]);
        }
    }
    return true;
}

// What a row of W makes of its sum.
struct Scaling
{
    float scale, offset;

    __device__ __forceinline__ Scaling(const float* scales, const float* bias, int row)
    {
        scale = sizeof(WEIGHT) == 1 ? scales[row] : 1.0f;
        offset = bias != nullptr ? bias[row] : 0.0f;
    }
    __device__ __forceinline__ float operator()(float sum) const { return sum * scale + offset; }
};

// This warp's features of a tile for all rows.
__device__ __forceinline__ void write_output(
    const Sums& sums, Result* output, const float* scales, const float* bias, int tile, int rows, int out_features)
{
    const int lane = lane_index(), results = SWIGLU ? out_features / 2 : out_features;
#pragma unroll
    for (int half = 0; half < RESULTS / 8; half++)
    {
        const int feature = (tile * WARPS + warp_index()) * RESULTS + lane / 4 + 8 * half;
        if (feature >= results)
            continue;
        const Scaling scaled(scales, bias, feature);
#if SWIGLU
        const Scaling scaled_up(scales, bias, results + feature);
#endif
#pragma unroll
        for (int j = 0; j < COLUMN_TILES; j++)
        {
#pragma unroll
            for (int i = 0; i < 2; i++)
            {
                const int row = 8 * j + 2 * (lane % 4) + i;
                Result* to = output + (long long)row * results + feature;
                if (row >= rows)
                    continue;
#if SWIGLU
                *to = from_float<ELEMENT>(silu_times(scaled(sums[j][i]), scaled_up(sums[j][2 + i])));
#else
                *to = scaled(sums[j][2 * half + i]);
#endif
            }
        }
    }
}

// parts: 2 * gridDim.x * COLUMN_TILES * THREADS float4; arrivals: gridDim.x counters, zero before and after. gridDim.x <= units.
extern "C" __global__ void __launch_bounds__(THREADS, 2) linear_skinny(
    const WEIGHT* weight, const float* scales, const float* bias, const ELEMENT* input, Result* output, int rows, int out_features,
    int in_features, float4* parts, int* arrivals)
{
    let_next_kernel_start(); // before the wait: it touches nothing of ours before we have ended
    const int units_per_tile = (in_features + UNIT - 1) / UNIT;
    const int tiles = ((SWIGLU ? out_features / 2 : out_features) + WARPS * RESULTS - 1) / (WARPS * RESULTS);
    const uint32 units = (uint32)tiles * units_per_tile; // times the blocks it fits 32 bits for any W of less than 100 GB
    const int begin = (int)(units * blockIdx.x / gridDim.x), end = (int)(units * (blockIdx.x + 1) / gridDim.x);
    int tile = begin / units_per_tile, unit = begin % units_per_tile;

    uint8* ring = shared_memory();
    WeightStream stream = { weight, out_features, in_features, tile, unit, units_per_tile, end - begin };
    stream.find_rows();
#pragma unroll 1 // the first requests count, and so does the code that has to be fetched before them
    for (int stage = 0; stage < STAGES - 1; stage++)
    {
        stream.fill(ring + stage * STAGE_BYTES);
        stream.advance();
        copy_async_commit();
    }
    wait_for_previous_kernel(); // only W has been touched
    load_first_input(ring, input, unit, units_per_tile, end - begin, rows, in_features);

    Sums sums;
    clear(sums);
    int stage = 0, next_stage = STAGES - 1, asked = begin + STAGES - 1;
    for (int at = begin; at < end; at++)
    {
        // This unit has arrived when no more copies than those of the units behind it are on their way.
        if (BURST == 1 || asked - at == STAGES - 1)
            copy_async_wait<STAGES - 2>();
        else
            copy_async_wait<STAGES - 1 - BURST>();
        sync_block(); // all have their copies of this unit, and none reads the units before it any more
#pragma unroll 1
        for (; asked - at <= STAGES - BURST + asked % BURST; asked++)
        {
            stream.fill(ring + next_stage * STAGE_BYTES);
            if (stream.remaining > 0)
                fill_input(ring + next_stage * STAGE_BYTES, input, stream.unit, rows, in_features);
            stream.advance();
            copy_async_commit();
            next_stage = next_stage + 1 < STAGES ? next_stage + 1 : 0;
        }
        multiply(sums, ring + stage * STAGE_BYTES);
        stage = stage + 1 < STAGES ? stage + 1 : 0;
        unit++;
        if (unit < units_per_tile && at + 1 < end)
            continue;

        const int tile_begin = tile * units_per_tile, tile_end = tile_begin + units_per_tile;
        const bool whole = begin <= tile_begin && tile_end <= end;
        if (whole || reduce_grid(sums, parts, arrivals, units, tile_begin, tile_end))
            write_output(sums, output, scales, bias, tile, rows, out_features);
        clear(sums);
        unit = 0;
        tile++;
    }
}
