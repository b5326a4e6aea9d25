using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>Cheap estimates of how much a query would attend to tokens or pages, from what the cache keeps for that beside the keys.</summary>
internal static unsafe class QueryScoring
{
    private const float Log2E = 1.44269504f;

    /// <summary>
    /// Quest: of each page of 16 tokens the largest product that a key within its bounds could have with the query, q⁺·max + q⁻·min.
    /// </summary>
    /// <param name="cache">The layer.</param>
    /// <param name="shape">Heads.</param>
    /// <param name="kvHead">The KV head; it keeps its keys.</param>
    /// <param name="blockTable">Blocks of the sequence.</param>
    /// <param name="queries">[group, head_dim].</param>
    /// <param name="pages">Pages of the context.</param>
    /// <param name="scores">[pages].</param>
    /// <param name="scratch">Working memory.</param>
    public static void Pages(
        KvLayer cache, AttentionShape shape, int kvHead, int* blockTable, float* queries, int pages, float* scores, Scratch scratch)
    {
        int headDim = shape.HeadDim, width = 2 * headDim;
        float* memory = scratch.Reserve(shape.GroupSize * (width + (long)pages));
        float* split = memory + (long)shape.GroupSize * pages;
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
        rows.Score(split, shape.GroupSize, pages, memory);
        Pool(memory, shape.GroupSize, pages, scores);
    }

    /// <summary>DoubleSparse: of each token the product over the few channels that matter most for this head, scaled by 1/√channels.</summary>
    /// <inheritdoc cref="Pages"/>
    public static void Labels(
        KvLayer cache, AttentionShape shape, int kvHead, int* blockTable, float* queries, int tokens, float* scores, Scratch scratch)
    {
        int channels = cache.LabelChannels.Columns;
        int* chosen = (int*)cache.LabelChannels.Slice(kvHead, 1).Address;
        float* memory = scratch.Reserve(shape.GroupSize * (channels + (long)tokens));
        float* labels = memory + (long)shape.GroupSize * tokens;
        float scale = Log2E / MathF.Sqrt(channels);
        for (int head = 0; head < shape.GroupSize; head++)
        {
            for (int i = 0; i < channels; i++)
                labels[head * channels + i] = queries[head * shape.HeadDim + chosen[i]] * scale;
        }

        ProductRows rows = new(cache.Labels, cache.KeyPlaceOf(kvHead), cache.BlockSize, channels, blockTable);
        rows.Score(labels, shape.GroupSize, tokens, memory);
        Pool(memory, shape.GroupSize, tokens, scores);
    }

    // The heads of a group choose together: a softmax makes their scores comparable. A head alone needs none.
    private static void Pool(float* products, int group, int count, float* scores)
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
            float max = VectorMath.Max(row, count);
            float sum = VectorMath.SumOfWeights(row, max, count);
            VectorMath.AddWeights(row, max, 1 / (sum * group), scores, count);
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
            int rowBytes = width * TElement.Size;
            for (int first = 0; first < rows; first += rowsPerBlock)
            {
                byte* row = (byte*)blocks.Address + blockTable[first / rowsPerBlock] * (nint)blocks.RowBytes + (nint)place * rowsPerBlock * rowBytes;
                int end = Math.Min(first + rowsPerBlock, rows);
                for (int i = first; i < end; i++, row += rowBytes)
                {
                    for (int query = 0; query < queryCount; query++)
                        products[(nint)query * rows + i] = VectorMath.Dot<TElement>(queries + query * width, row, width);
                }
            }
        }
    }
}
