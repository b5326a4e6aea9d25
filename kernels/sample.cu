// One token for each row of logits: what is not allowed is taken out, penalties, temperature, top-k, top-p, min-p, draw; or the largest
// logit.
//
// mask_logits and penalize_logits change the rows of requests that ask for it. pick_best finds the largest logit of every row, the lowest
// id of equal ones: all there is to do for greedy rows, reading 4 * vocabulary bytes a row with all multiprocessors (a row is split over
// blocks, the last to end joins them): expected 70 % of the bandwidth, 3 us for 16 rows of 32000. sample_rows draws, a block for each row
// that samples: two passes over the row where top-k or top-p leave at most 8192 tokens (about 5 us each at a vocabulary of 128k: what one
// multiprocessor can read), else up to seven; everything else happens in shared memory. A draw walks the tokens from the most probable
// down, equal ones by id.
#include "sampling.cuh"

constexpr int ROW_THREADS = 256; // of the kernels that share a row between blocks

// Logits of tokens whose bit is not set become -infinity. masked [y] = row, place of its words in `masks`, how many words.
extern "C" __global__ void __launch_bounds__(ROW_THREADS) mask_logits(float* logits, int vocabulary, const int* masked, const uint32* masks)
{
    wait_for_previous_kernel();
    let_next_kernel_start();
    float* row = logits + (long long)masked[3 * blockIdx.y] * vocabulary;
    const uint32* words = masks + masked[3 * blockIdx.y + 1];
    const int word_count = masked[3 * blockIdx.y + 2];
    for (int id = blockIdx.x * ROW_THREADS + threadIdx.x; id < vocabulary; id += ROW_THREADS * gridDim.x)
    {
        const uint32 word = id / WARP < word_count ? words[id / WARP] : 0;
        if ((word >> id % WARP & 1) == 0)
            row[id] = NEGATIVE_INFINITY;
    }
}

// Penalties on tokens that were seen. entries [count] = row, token, how often; each token of a row at most once.
extern "C" __global__ void __launch_bounds__(ROW_THREADS) penalize_logits(
    float* logits, int vocabulary, const RowParameters* parameters, const int* entries, int count)
{
    wait_for_previous_kernel();
    let_next_kernel_start();
    const int entry = blockIdx.x * ROW_THREADS + threadIdx.x;
    if (entry >= count)
        return;
    const int row = entries[3 * entry], id = entries[3 * entry + 1], times = entries[3 * entry + 2];
    const RowParameters how = parameters[row];
    float* at = logits + (long long)row * vocabulary + id;
    const float logit = *at, repeated = logit > 0 ? logit / how.repetition : logit * how.repetition;
    *at = __fadd_rn(__fadd_rn(repeated, -how.presence), -__fmul_rn((float)times, how.frequency)); // rounded as the CPU does
}

__device__ __forceinline__ uint64 better(uint64 a, uint64 b) { return a > b ? a : b; }

// A logit with its token as one number: the larger logit, then the lower id, is the larger. 0 where it is not a number above -infinity.
__device__ __forceinline__ uint64 ranked(float logit, int id)
{
    return logit > NEGATIVE_INFINITY ? (uint64)order_key(logit) << 32 | (0xffffffffu - (uint32)id) : 0;
}

__device__ __forceinline__ uint64 best_of_block(uint64 best, uint64* of_warps)
{
    for (int mask = WARP / 2; mask > 0; mask /= 2)
        best = better(best, shuffle_xor(best, mask));
    if (lane_index() == 0)
        of_warps[warp_index()] = best;
    sync_block();
    best = 0;
    for (int i = 0; i < ROW_THREADS / WARP; i++)
        best = better(best, of_warps[i]);
    sync_block();
    return best;
}

// Grid: x = parts of a row, y = rows. ids [rows]: the best token, -1 where there is none. partial [rows][gridDim.x] and arrived [rows],
// zero before and after, are working memory.
extern "C" __global__ void __launch_bounds__(ROW_THREADS) pick_best(
    const float* logits, int vocabulary, volatile uint64* partial, int* arrived, int* ids)
{
    __shared__ uint64 of_warps[ROW_THREADS / WARP];
    __shared__ int before;
    wait_for_previous_kernel();
    let_next_kernel_start();
    const float* row = logits + (long long)blockIdx.y * vocabulary;
    const int vectors = vocabulary % 4 == 0 ? vocabulary / 4 : 0, hop = ROW_THREADS * gridDim.x;
    uint64 best = 0;
    constexpr int LOADS = 4;
    for (int start = blockIdx.x * ROW_THREADS + threadIdx.x; start < vectors; start += hop * LOADS)
    {
        float4 v[LOADS];
#pragma unroll
        for (int i = 0; i < LOADS; i++)
        {
            const int at = start + i * hop;
            v[i] = load_floats(row + 4 * (at < vectors ? at : start)); // what is seen twice changes nothing
        }
#pragma unroll
        for (int i = 0; i < LOADS; i++)
        {
            const int at = start + i * hop, id = 4 * (at < vectors ? at : start);
            best = better(best, better(
                better(ranked(v[i].x, id), ranked(v[i].y, id + 1)), better(ranked(v[i].z, id + 2), ranked(v[i].w, id + 3))));
        }
    }
    for (int id = 4 * vectors + blockIdx.x * ROW_THREADS + threadIdx.x; id < vocabulary; id += hop)
        best = better(best, ranked(row[id], id));
    best = best_of_block(best, of_warps);

    if (gridDim.x > 1)
    {
        if (threadIdx.x == 0)
        {
            partial[(long long)blockIdx.y * gridDim.x + blockIdx.x] = best;
            __threadfence();
            before = atomicAdd(&arrived[blockIdx.y], 1);
        }
        sync_block();
        if (before != (int)gridDim.x - 1)
            return;
        __threadfence();
        best = 0;
        for (int i = threadIdx.x; i < (int)gridDim.x; i += ROW_THREADS)
            best = better(best, partial[(long long)blockIdx.y * gridDim.x + i]);
        best = best_of_block(best, of_warps);
        if (threadIdx.x == 0)
            arrived[blockIdx.y] = 0;
    }
    if (threadIdx.x == 0)
        ids[blockIdx.y] = best == 0 ? -1 : (int)(0xffffffffu - (uint32)best);
}

// Grid: x = rows that are sampled at a temperature: sampled [x] = row. ids [rows] holds the best token of each and receives the one drawn.
extern "C" __global__ void __launch_bounds__(THREADS) sample_rows(
    const float* logits, int vocabulary, const RowParameters* parameters, const int* sampled, int* ids)
{
    __shared__ Workspace work;
    wait_for_previous_kernel();
    let_next_kernel_start();
    const int row = sampled[blockIdx.x], best = ids[row];
    if (best < 0)
        return;
    const RowParameters how = parameters[row];
    Tokens tokens;
    tokens.logits = logits + (long long)row * vocabulary;
    tokens.vocabulary = vocabulary;
    tokens.gathered = (float*)shared_memory();
    tokens.gathered_ids = (int*)(tokens.gathered + CAPACITY);
    tokens.gathered_count = -1;
    Weighing weight_of;
    weight_of.maximum = tokens.logits[best];
    weight_of.scale = LOG2E / how.temperature;
    if (weight_of.maximum > LARGEST)
        return; // +infinity is certain

    Cut cut = { 0, LAST_ID };
    if (how.top_k > 0 && how.top_k < vocabulary)
        cut = cut_top(tokens, work, how.top_k);

    // Top-p: the mass of the smallest set of most probable tokens that reaches its share.
    const uint32 least = as_bits(how.min_p) > LEAST_WEIGHT ? as_bits(how.min_p) : LEAST_WEIGHT;
    uint64 mass = 0;
    uint32 last = 0; // the least weight that top-p leaves
    if (how.top_p < 1)
    {
        weigh(tokens, work, cut, weight_of, LEAST_WEIGHT);
        const double share = (double)how.top_p * (double)total_mass(work);
        uint64 target = (uint64)share;
        target += (double)target < share ? 1 : 0;
        search_mass(work, target, false);
        const int digit = work.search.digit;
        if (tokens.gathered_count < 0)
        {
            // Would the tokens down to this digit fit?
            uint32 own = 0;
            for (int bin = threadIdx.x; bin < BINS; bin += THREADS)
                own += bin >= digit ? work.counts[bin] : 0;
            uint64 all;
            block_sum_before<WARPS>((uint64)own, work.totals, all);
            if (all <= CAPACITY)
            {
                gather(tokens, work, [&](float logit, int id)
                {
                    return logit >= -LARGEST && (int)(weight_of(logit) >> 19) >= digit && cut.keeps(logit, id);
                });
            }
        }
        const Reached reached = reach(tokens, work, cut, weight_of, target, false);
        mass = reached.mass;
        last = reached.weight;
    }

    // Min-p, where it leaves less than top-p.
    weigh(tokens, work, cut, weight_of, least > last ? least : LEAST_WEIGHT);
    if (how.top_p >= 1 || least > last)
        mass = total_mass(work);

    uint64 target = (uint64)((double)how.uniform * (double)mass);
    target = target < mass ? target : mass - 1;
    search_mass(work, target, true);
    const uint32 digit = (uint32)work.search.digit;
    if (tokens.gathered_count < 0 && work.counts[digit] <= CAPACITY)
    {
        gather(tokens, work, [&](float logit, int id)
        {
            return logit >= -LARGEST && weight_of(logit) >> 19 == digit && cut.keeps(logit, id);
        });
    }
    const Reached drawn = reach(tokens, work, cut, weight_of, target, true);
    const auto is_drawn = [&](float logit, int id)
    {
        return logit >= -LARGEST && weight_of(logit) == drawn.weight && cut.keeps(logit, id);
    };
    if (drawn.equal == 1)
    {
        for_each_token(tokens, [&](float logit, int id)
        {
            if (is_drawn(logit, id))
                ids[row] = id;
        });
        return;
    }
    const int id = nth_id(tokens, work, drawn.place, is_drawn);
    if (threadIdx.x == 0)
        ids[row] = id;
}
