using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>Attention of single rows, split over the context: an item is one partition of one sequence under one KV head.</summary>
internal sealed unsafe class DecodeAttentionOperation(WorkerPool pool, OnlineAttention[] attention, Scratch partials) : ParallelWork
{
    private Tensor _qkv;
    private StepTensors? _step;
    private AttentionShape _shape;
    private KvLayer? _cache;
    private Tensor _attended;
    private float* _partials; // [sequences, kv_heads, partitions, group, padded head_dim + 2]
    private int _partitions;

    /// <summary>Runs over the step's decode sequences.</summary>
    public void Run(Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache, Tensor attended)
    {
        _qkv = qkv;
        _step = step;
        _shape = shape;
        _cache = cache;
        _attended = attended;
        _partitions = 0;
        for (int sequence = 0; sequence < step.DecodeCount; sequence++)
            _partitions = Math.Max(_partitions, LastPartition(sequence) - FirstPartition(sequence) + 1);

        // Reserved for the largest step at once; pages not written cost nothing.
        int maxPartitions = step.BlockTables.Columns * cache.BlockSize / OnlineAttention.PartitionTokens + 1;
        _partials = partials.Reserve((long)step.BlockTables.Rows * maxPartitions * shape.Heads * PartialStride);
        pool.Run(this, step.DecodeCount * shape.KvHeads * _partitions);
        for (int sequence = 0; sequence < step.DecodeCount; sequence++)
            Merge(sequence);
    }

    /// <inheritdoc/>
    public override void Execute(int item, int worker)
    {
        (int head, int index) = Math.DivRem(item, _partitions);
        (int sequence, int kvHead) = Math.DivRem(head, _shape.KvHeads);
        int partition = FirstPartition(sequence) + index;
        if (partition > LastPartition(sequence))
            return;

        OnlineAttention rows = attention[worker];
        int* blockTable = (int*)_step!.BlockTables.Slice(sequence, 1).Address;
        rows.Begin(_cache!, _shape, kvHead, blockTable, ((int*)_step.ContextLengths.Address)[sequence]);
        int row = ((int*)_step.RowStarts.Address)[sequence];
        float* queries = (float*)_qkv.Address + (nint)row * _qkv.Columns + kvHead * _shape.GroupSize * _shape.HeadDim;
        for (int i = 0; i < _shape.GroupSize; i++)
            rows.AddRow(queries + i * _shape.HeadDim, Position(sequence));
        rows.AttendPartition(partition);
        for (int i = 0; i < _shape.GroupSize; i++)
        {
            float* partial = Partial(sequence, kvHead, index, i);
            partial[0] = rows.Maxima[i];
            partial[1] = rows.Sums[i];
            new ReadOnlySpan<float>(rows.Outputs + i * rows.OutputStride, rows.OutputStride).CopyTo(
                new Span<float>(partial + 2, rows.OutputStride));
        }
    }

    private int PartialStride => KeyValueTile.PaddedDim(_shape.HeadDim) + 2;

    private int Position(int sequence) => ((int*)_step!.Positions.Address)[((int*)_step.RowStarts.Address)[sequence]];

    private int FirstPartition(int sequence) =>
        OnlineAttention.FirstVisible(_shape, Position(sequence)) / OnlineAttention.PartitionTokens;

    private int LastPartition(int sequence) => Position(sequence) / OnlineAttention.PartitionTokens;

    private float* Partial(int sequence, int kvHead, int index, int groupHead) =>
        _partials + ((((long)sequence * _shape.KvHeads + kvHead) * _partitions + index) * _shape.GroupSize + groupHead) * PartialStride;

    private void Merge(int sequence)
    {
        int headDim = _shape.HeadDim, stride = KeyValueTile.PaddedDim(headDim);
        float* total = stackalloc float[stride];
        int row = ((int*)_step!.RowStarts.Address)[sequence];
        for (int head = 0; head < _shape.Heads; head++)
        {
            (int kvHead, int groupHead) = Math.DivRem(head, _shape.GroupSize);
            float max = OnlineAttention.NoScore, sum = 0;
            new Span<float>(total, stride).Clear();
            for (int index = 0; index <= LastPartition(sequence) - FirstPartition(sequence); index++)
            {
                float* partial = Partial(sequence, kvHead, index, groupHead);
                PartitionMerge.Add(ref max, ref sum, total, partial[0], partial[1], partial + 2, stride);
            }

            PartitionMerge.Finish(total, sum, (float*)_attended.Address + (nint)row * _attended.Columns + head * headDim, headDim);
        }
    }
}
