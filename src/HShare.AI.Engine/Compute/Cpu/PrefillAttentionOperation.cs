using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>Attention of prefill chunks. An item is a block of some tokens with the query heads of one KV head.</summary>
internal sealed unsafe class PrefillAttentionOperation(WorkerPool pool, OnlineAttention[] attention, Scratch[] scratch) : ParallelWork
{
    private const int MinItemRows = 8 * MatrixKernel.MaxRows;

    private Tensor _qkv;
    private StepTensors? _step;
    private AttentionShape _shape;
    private KvLayer? _cache;
    private Tensor _attended;
    private int _tokensPerItem;

    /// <summary>Runs over the step's prefill sequences.</summary>
    public void Run(Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache, Tensor attended)
    {
        _qkv = qkv;
        _step = step;
        _shape = shape;
        _cache = cache;
        _attended = attended;

        // As many rows as share a tile of keys, but for short chunks fewer, so that every thread has some.
        int rows = step.RowCount - RowStarts[step.DecodeCount];
        int balanced = rows * shape.KvHeads / (4 * pool.ThreadCount);
        _tokensPerItem = Math.Max(1, Math.Clamp(balanced * shape.GroupSize, MinItemRows, OnlineAttention.MaxRows) / shape.GroupSize);
        int items = 0;
        for (int sequence = step.DecodeCount; sequence < step.SequenceCount; sequence++)
            items += ItemCount(sequence);
        pool.Run(this, items);
    }

    /// <inheritdoc/>
    public override void Execute(int item, int worker)
    {
        int sequence = _step!.DecodeCount;
        while (item >= ItemCount(sequence))
            item -= ItemCount(sequence++);

        // The last tokens see the most keys; with them first the threads end together.
        (int blockFromEnd, int kvHead) = Math.DivRem(item, _shape.KvHeads);
        int block = ItemCount(sequence) / _shape.KvHeads - 1 - blockFromEnd;
        int firstRow = RowStarts[sequence] + block * _tokensPerItem;
        int endRow = Math.Min(firstRow + _tokensPerItem, RowStarts[sequence + 1]);
        AttendRows(sequence, kvHead, firstRow, endRow, worker);
    }

    private int* RowStarts => (int*)_step!.RowStarts.Address;

    private int* Positions => (int*)_step!.Positions.Address;

    private int ItemCount(int sequence) =>
        (RowStarts[sequence + 1] - RowStarts[sequence] + _tokensPerItem - 1) / _tokensPerItem * _shape.KvHeads;

    private void AttendRows(int sequence, int kvHead, int firstRow, int endRow, int worker)
    {
        OnlineAttention rows = attention[worker];
        int* blockTable = (int*)_step!.BlockTables.Slice(sequence, 1).Address;
        rows.Begin(_cache!, _shape, kvHead, blockTable, ((int*)_step.ContextLengths.Address)[sequence]);
        int group = _shape.GroupSize, headDim = _shape.HeadDim;
        for (int row = firstRow; row < endRow; row++)
        {
            float* queries = (float*)_qkv.Address + (nint)row * _qkv.Columns + kvHead * group * headDim;
            for (int head = 0; head < group; head++)
                rows.AddRow(queries + head * headDim, Positions[row]);
        }

        int stride = rows.OutputStride;
        float* totals = scratch[worker].Reserve(OnlineAttention.MaxRows * (stride + 2));
        float* maxima = totals + OnlineAttention.MaxRows * stride;
        float* sums = maxima + OnlineAttention.MaxRows;
        new Span<float>(totals, rows.RowCount * stride).Clear();
        new Span<float>(maxima, rows.RowCount).Fill(OnlineAttention.NoScore);
        new Span<float>(sums, rows.RowCount).Clear();

        int firstPartition = OnlineAttention.FirstVisible(_shape, Positions[firstRow]) / OnlineAttention.PartitionTokens;
        for (int partition = firstPartition; partition <= Positions[endRow - 1] / OnlineAttention.PartitionTokens; partition++)
        {
            rows.AttendPartition(partition);
            for (int i = 0; i < rows.RowCount; i++)
            {
                PartitionMerge.Add(
                    ref maxima[i], ref sums[i], totals + i * stride, rows.Maxima[i], rows.Sums[i], rows.Outputs + i * stride, stride);
            }
        }

        for (int i = 0; i < rows.RowCount; i++)
        {
            (int token, int head) = Math.DivRem(i, group);
            float* attended = (float*)_attended.Address + (nint)(firstRow + token) * _attended.Columns + (kvHead * group + head) * headDim;
            PartitionMerge.Finish(totals + i * stride, sums[i], attended, headDim);
        }
    }
}
