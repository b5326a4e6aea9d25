using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Largest and least key elements of the pages that a step's rows lie in, from the keys as they are cached. An item is one page of one
/// sequence.
/// </summary>
internal sealed unsafe class PageBoundsOperation(WorkerPool pool, Scratch[] scratch) : ParallelWork
{
    private StepTensors? _step;
    private AttentionShape _shape;
    private KvLayer? _cache;

    /// <summary>Runs over the pages of a step.</summary>
    public void Run(StepTensors step, AttentionShape shape, KvLayer cache)
    {
        _step = step;
        _shape = shape;
        _cache = cache;
        int items = 0;
        for (int sequence = 0; sequence < step.SequenceCount; sequence++)
            items += PagesOf(sequence);
        pool.Run(this, items);
    }

    /// <inheritdoc/>
    public override void Execute(int item, int worker)
    {
        int sequence = 0;
        while (item >= PagesOf(sequence))
            item -= PagesOf(sequence++);

        int page = FirstPosition(sequence) / KvLayer.PageSize + item;
        int first = page * KvLayer.PageSize, end = Math.Min(first + KvLayer.PageSize, LastPosition(sequence) + 1);
        int block = ((int*)_step!.BlockTables.Slice(sequence, 1).Address)[first / _cache!.BlockSize];
        int offset = first % _cache.BlockSize;
        for (int kvHead = 0; kvHead < _shape.KvHeads; kvHead++)
        {
            if (_cache.Distant is { } distant && distant.IsFollower(kvHead))
                continue;
            int place = _cache.KeyPlaceOf(kvHead);
            switch (_cache.Keys.Type)
            {
                case DType.Float32: Bound<Float32Element>(block, place, offset, end - first, worker); break;
                case DType.Float16: Bound<Float16Element>(block, place, offset, end - first, worker); break;
                default: Bound<BFloat16Element>(block, place, offset, end - first, worker); break;
            }
        }
    }

    private int* RowStarts => (int*)_step!.RowStarts.Address;

    private int FirstPosition(int sequence) => ((int*)_step!.Positions.Address)[RowStarts[sequence]];

    private int LastPosition(int sequence) => ((int*)_step!.Positions.Address)[RowStarts[sequence + 1] - 1];

    private int PagesOf(int sequence) => LastPosition(sequence) / KvLayer.PageSize - FirstPosition(sequence) / KvLayer.PageSize + 1;

    private void Bound<TElement>(int block, int place, int offset, int tokens, int worker)
        where TElement : struct, IElement
    {
        int headDim = _shape.HeadDim, rowBytes = headDim * TElement.Size;
        byte* keys = (
            byte*)_cache!.Keys.Address + (nint)(block * _cache.Keys.RowBytes) + (nint)(place * _cache.BlockSize + offset) * rowBytes;
        int pages = _cache.BlockSize / KvLayer.PageSize;
        byte* bounds = (byte*)_cache.PageBounds.Address + (nint)(block * _cache.PageBounds.RowBytes)
            + (nint)(place * pages + offset / KvLayer.PageSize) * 2 * rowBytes;

        float* largest = scratch[worker].Reserve(3L * headDim);
        float* least = largest + headDim, key = least + headDim;
        ElementConversion.Widen<TElement>(keys, largest, headDim);
        new ReadOnlySpan<float>(largest, headDim).CopyTo(new Span<float>(least, headDim));
        for (int token = 1; token < tokens; token++)
        {
            ElementConversion.Widen<TElement>(keys + (nint)token * rowBytes, key, headDim);
            VectorMath.Bound(key, largest, least, headDim);
        }

        ElementConversion.Narrow(largest, bounds, _cache.Keys.Type, headDim);
        ElementConversion.Narrow(least, bounds + rowBytes, _cache.Keys.Type, headDim);
    }
}
