using System.Runtime.Intrinsics;
using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Cheap estimates of how much a query would attend to tokens or pages, from what the cache keeps for that beside the keys.
/// </summary>
internal static unsafe class QueryScoring
{
    private const float Log2E = 1.44269504f;

    /// <summary>How far ahead of the products their rows are fetched.</summary>
    private const int PrefetchBytes = 4096;

    /// <summary>
    /// Quest: of each page of 16 tokens the largest product that a key within its bounds could have with the query, q⁺·max + q⁻·min.
    /// </summary>
    /// <param name="cache">The layer.</param>
    /// <param name="shape">Heads.</param>
    /// <param name="kvHead">The KV head; it keeps its keys.</param>
    /// <param name="blockTable">Blocks of the sequence.</param>
    /// <param name="queries">[group, head_dim].</param>
    /// <param name="pages">Pages of the context.</param>
    /// <param name="firstVisible">First token that the layer's sliding window shows.</param>
    /// <param name="scores">[pages].</param>
    /// <param name="scratch">Working memory.</param>
    public static void Pages(
        KvLayer cache,
            AttentionShape shape, int kvHead, int* blockTable, float* queries, int pages, int firstVisible, float* scores, Scratch scratch)
    {
        int headDim = shape.HeadDim, width = 2 * headDim;
        float* split = scratch.Reserve(shape.GroupSize * (width + (long)pages));
        float* products = split + (long)shape.GroupSize * width;
        for (int head = 0; head < shape.GroupSize; head++)
        {
            for (int i = 0; i < headDim; i++)
            {
                float q = queries[head * headDim + i] * shape.Scale * Log2E;
                split[head * width + i] = MathF.Max(q, 0);
                split[head * width + headDim + i] = MathF.Min(q, 0);
            }
        }

        ProductRows rows = new(cache.PageBounds, cache.KeyPlaceOf(kvHead), cache.BlockSize / KvLayer.PageSize, width, blockTable);
        rows.Score(split, shape.GroupSize, pages, products);
        Pool(products, shape.GroupSize, pages, firstVisible / KvLayer.PageSize, scores);
    }

    /// <summary>
    /// DoubleSparse: of each token the product over the few channels that matter most for this head, scaled by 1/√channels.
    /// </summary>
    /// <inheritdoc cref="Pages"/>
    public static void Labels(
        KvLayer cache,
            AttentionShape shape, int kvHead, int* blockTable, float* queries, int tokens, int firstVisible, float* scores, Scratch scratch)
    {
        int channels = cache.LabelChannels.Columns;
        int* chosen = (int*)cache.LabelChannels.Slice(kvHead, 1).Address;
        float* labels = scratch.Reserve(shape.GroupSize * (channels + (long)tokens));
        float* products = labels + (long)shape.GroupSize * channels;
        float scale = Log2E / MathF.Sqrt(channels);
        for (int head = 0; head < shape.GroupSize; head++)
        {
            for (int i = 0; i < channels; i++)
                labels[head * channels + i] = queries[head * shape.HeadDim + chosen[i]] * scale;
        }

        ProductRows rows = new(cache.Labels, cache.KeyPlaceOf(kvHead), cache.BlockSize, channels, blockTable);
        rows.Score(labels, shape.GroupSize, tokens, products);
        Pool(products, shape.GroupSize, tokens, firstVisible, scores);
    }

    // The heads of a group choose together: a softmax makes their scores comparable. A head alone needs none.
    // What lies before the first visible row counts for nothing: not in the softmax either.
    private static void Pool(float* products, int group, int count, int first, float* scores)
    {
        if (group == 1)
        {
            new ReadOnlySpan<float>(products, count).CopyTo(new Span<float>(scores, count));
            return;
        }

        new Span<float>(scores, count).Clear();
        for (int head = 0; head < group; head++)
        {
            float* row = products + (long)head * count;
            float max = VectorMath.Max(row + first, count - first);
            float sum = VectorMath.SumOfWeights(row + first, max, count - first);
            VectorMath.AddWeights(row + first, max, 1 / (sum * group), scores + first, count - first);
        }
    }

    // Short rows of one KV head in the blocks of a sequence: a page's bounds, or a token's labels.
    private readonly struct ProductRows(Tensor blocks, int place, int rowsPerBlock, int width, int* blockTable)
    {
        /// <summary>products[i, r] = queries[i] · row r.</summary>
        public void Score(float* queries, int queryCount, int rows, float* products)
        {
            switch (blocks.Type)
            {
                case DType.Float32: Score<Float32Element>(queries, queryCount, rows, products); break;
                case DType.Float16: Score<Float16Element>(queries, queryCount, rows, products); break;
                default: Score<BFloat16Element>(queries, queryCount, rows, products); break;
            }
        }

        private void Score<TElement>(float* queries, int queryCount, int rows, float* products)
            where TElement : struct, IElement
        {
            int rowBytes = width * TElement.Size, blockBytes = rowsPerBlock * rowBytes;
            int ahead = PrefetchBytes / blockBytes + 1, blockCount = (rows + rowsPerBlock - 1) / rowsPerBlock;
            for (int block = 0; block < blockCount; block++)
            {
                if (block + ahead < blockCount)
                    CachePrefetch.Read(BlockAddress(block + ahead, blockBytes), blockBytes);
                int first = block * rowsPerBlock;
                ScoreBlock<TElement>(
                    queries, queryCount, BlockAddress(block, blockBytes), Math.Min(rowsPerBlock, rows - first), products + first, rows);
            }
        }

        // Two by two, so that what is loaded serves twice. An odd one out is its own neighbour.
        private void ScoreBlock<TElement>(float* queries, int queryCount, byte* block, int rows, float* products, int stride)
            where TElement : struct, IElement
        {
            for (int row = 0; row < rows; row += 2)
            {
                int row2 = Math.Min(row + 1, rows - 1);
                byte* y = block + (nint)row * width * TElement.Size, y2 = block + (nint)row2 * width * TElement.Size;
                for (int query = 0; query < queryCount; query += 2)
                {
                    int query2 = Math.Min(query + 1, queryCount - 1);
                    Vector128<float> dots = VectorMath.Dots<TElement>(queries + query * width, queries + query2 * width, y, y2, width);
                    float* to = products + (nint)query * stride, to2 = products + (nint)query2 * stride;
                    to[row] = dots[0];
                    to[row2] = dots[1];
                    to2[row] = dots[2];
                    to2[row2] = dots[3];
                }
            }
        }

        private byte* BlockAddress(int index, int blockBytes) =>
            (byte*)blocks.Address + blockTable[index] * (nint)blocks.RowBytes + (nint)place * blockBytes;
    }
}
