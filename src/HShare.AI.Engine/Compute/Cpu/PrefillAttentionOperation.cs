using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>Attention of prefill chunks. An item is a block of some tokens with the query heads of one KV head.</summary>
internal sealed unsafe class PrefillAttentionOperation(
    WorkerPool pool, OnlineAttention[] attention, Scratch[] scratch, Scratch rowStates) : ParallelWork
{
    private const int MinItemRows = 8 * MatrixKernel.MaxRows;

    private readonly MassOperation _massOperation = new();
    private Tensor _qkv;
    private StepTensors? _step;
    private AttentionShape _shape;
    private KvLayer? _cache;
    private Tensor _mass;
    private Tensor _attended;
    private float* _rowStates; // [rows, heads, 2]: maximum and sum of each row
    private int _tokensPerItem;

    /// <summary>Runs over the step's prefill sequences.</summary>
    public void Run(
        Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache, SequenceRange massSequences, Tensor mass, Tensor attended)
    {
        _qkv = qkv;
        _step = step;
        _shape = shape;
        _cache = cache;
        _mass = mass;
        _attended = attended;
        _rowStates = rowStates.Reserve((long)step.TokenIds.Columns * shape.Heads * 2);

        // As many rows as share a tile of keys, but for short chunks fewer, so that every thread has some.
        int rows = step.RowCount - RowStarts[step.DecodeCount];
        int balanced = rows * shape.KvHeads / (4 * pool.ThreadCount);
        _tokensPerItem = Math.Max(1, Math.Clamp(balanced * shape.GroupSize, MinItemRows, OnlineAttention.MaxRows) / shape.GroupSize);
        int items = 0;
        for (int sequence = step.DecodeCount; sequence < step.SequenceCount; sequence++)
            items += ItemCount(sequence);
        pool.Run(this, items);
        if (!mass.IsNone)
            _massOperation.Run(pool, this, massSequences, shape.KvHeads);
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
        int group = _shape.GroupSize, headDim = _shape.HeadDim, count = (endRow - firstRow) * group;
        int stride = KeyValueTile.PaddedDim(headDim);
        float* memory = scratch[worker].Reserve(2L * RowTotals.Size(stride));
        RowTotals totals = new(memory, stride), partials = new(memory + RowTotals.Size(stride), stride);
        totals.Clear(count);
        ReadOnlySpan<AttentionPart> parts = AttentionParts.Of(_cache!, kvHead);
        int firstPartition = OnlineAttention.FirstVisible(_shape, Positions[firstRow]) / OnlineAttention.PartitionTokens;
        int lastPartition = Positions[endRow - 1] / OnlineAttention.PartitionTokens;
        for (int partition = firstPartition; partition <= lastPartition; partition++)
        {
            if (parts.Length > 1)
                partials.Clear(count); // the parts of a partition are joined first, as decode does
            foreach (AttentionPart part in parts)
            {
                if (parts.Length > 1 || partition == firstPartition)
                    BeginRows(rows, part, sequence, kvHead, firstRow, endRow);
                rows.AttendPartition(partition);
                (parts.Length > 1 ? partials : totals).Add(count, rows.Maxima, rows.Sums, rows.Outputs);
            }

            if (parts.Length > 1)
                totals.Add(count, partials.Maxima, partials.Sums, partials.Outputs);
        }

        for (int i = 0; i < count; i++)
        {
            (int token, int groupHead) = Math.DivRem(i, group);
            int head = kvHead * group + groupHead;
            float* attended = (float*)_attended.Address + (nint)(firstRow + token) * _attended.Columns + head * headDim;
            PartitionMerge.Finish(totals.Outputs + i * stride, totals.Sums[i], attended, headDim);
            RowState(firstRow + token, head)[0] = totals.Maxima[i];
            RowState(firstRow + token, head)[1] = totals.Sums[i];
        }

        KeepQueries(kvHead, firstRow, endRow);
    }

    // Rows of a block over one part of what they see; returns the first place that any of them sees, and the one behind the last.
    private (int First, int End) BeginRows(OnlineAttention rows, AttentionPart part, int sequence, int kvHead, int firstRow, int endRow)
    {
        ReadList list = new(((int*)_step!.ContextLengths.Address)[sequence]);
        KeyValueSource source = part == AttentionPart.Distant
            ? KeyValueSource.Shared(_cache!, _shape, kvHead, _step, sequence, list)
            : KeyValueSource.Own(_cache!, _shape, kvHead, _step, sequence, list);
        bool takesScores = part == AttentionPart.Distant && _cache!.Distant!.SharesScores[kvHead];
        Tensor queries = takesScores ? LeaderQueries(_cache!.Distant!, kvHead) : _qkv;
        rows.Begin(_shape, source);
        int first = int.MaxValue, end = 0;
        for (int row = firstRow; row < endRow; row++)
        {
            (int rowFirst, int rowEnd) = part.Places(list, Positions[row], _shape, _cache!);
            first = Math.Min(first, rowFirst);
            end = Math.Max(end, rowEnd);
            float* query = (float*)queries.Address + (nint)row * queries.Columns + kvHead * _shape.GroupSize * _shape.HeadDim;
            for (int head = 0; head < _shape.GroupSize; head++)
                rows.AddRow(query + head * _shape.HeadDim, rowFirst, rowEnd);
        }

        return first < end ? (first, end) : (0, 0);
    }

    // A leader's queries are its followers' queries for distant tokens, in later layers of the same step (PoD, scores).
    private void KeepQueries(int kvHead, int firstRow, int endRow)
    {
        if (_cache!.Distant is not { } distant || !distant.Leads[kvHead])
            return;

        int width = _shape.GroupSize * _shape.HeadDim;
        Tensor kept = LeaderQueries(distant, kvHead);
        for (int row = firstRow; row < endRow; row++)
        {
            float* from = (float*)_qkv.Address + (nint)row * _qkv.Columns + kvHead * width;
            float* to = (float*)kept.Address + (nint)row * kept.Columns + kvHead * width;
            new ReadOnlySpan<float>(from, width).CopyTo(new Span<float>(to, width));
        }
    }

    private Tensor LeaderQueries(DistantSharing distant, int kvHead)
    {
        int rows = _step!.TokenIds.Columns;
        return distant.Queries.Slice(distant.ScorePlaces[kvHead] * rows, rows);
    }

    private float* RowState(int row, int head) => _rowStates + ((long)row * _shape.Heads + head) * 2;

    // All rows of a sequence in their order, so that a token's sum is the same however the prompt was cut into chunks.
    private void AddMass(int sequence, int kvHead, int worker)
    {
        OnlineAttention rows = attention[worker];
        int firstRow = RowStarts[sequence], endRow = RowStarts[sequence + 1], group = _shape.GroupSize;
        float* mass = (float*)_mass.Slice(((int*)_step!.SequenceSlots.Address)[sequence] * _shape.KvHeads + kvHead, 1).Address;
        new Span<float>(mass, _mass.Columns)[Positions[firstRow]..].Clear(); // what the slot's last sequence left
        float* maxima = stackalloc float[OnlineAttention.MaxRows];
        float* factors = stackalloc float[OnlineAttention.MaxRows];
        int tokens = OnlineAttention.MaxRows / group;
        for (int block = firstRow; block < endRow; block += tokens)
        {
            int end = Math.Min(block + tokens, endRow);
            (int first, int last) = BeginRows(rows, AttentionPart.Whole, sequence, kvHead, block, end);
            for (int i = 0; i < rows.RowCount; i++)
            {
                (int token, int head) = Math.DivRem(i, group);
                float* state = RowState(block + token, kvHead * group + head);
                maxima[i] = state[0];
                factors[i] = 1 / (state[1] * group);
            }

            for (int partition = first / OnlineAttention.PartitionTokens; partition * OnlineAttention.PartitionTokens < last; partition++)
                rows.AddMass(partition, maxima, factors, mass);
        }
    }

    // Maximum, sum and output of some rows, of the partitions or parts that were added.
    private readonly struct RowTotals(float* memory, int stride)
    {
        public float* Outputs { get; } = memory;

        public float* Maxima { get; } = memory + OnlineAttention.MaxRows * stride;

        public float* Sums { get; } = memory + OnlineAttention.MaxRows * (stride + 1);

        public static int Size(int stride) => OnlineAttention.MaxRows * (stride + 2);

        public void Clear(int rows)
        {
            new Span<float>(Outputs, rows * stride).Clear();
            new Span<float>(Maxima, rows).Fill(OnlineAttention.NoScore);
            new Span<float>(Sums, rows).Clear();
        }

        public void Add(int rows, float* maxima, float* sums, float* outputs)
        {
            for (int i = 0; i < rows; i++)
                PartitionMerge.Add(ref Maxima[i], ref Sums[i], Outputs + i * stride, maxima[i], sums[i], outputs + i * stride, stride);
        }
    }

    // The second phase of the same operation: attention mass, once maxima and sums are known.
    private sealed class MassOperation : ParallelWork
    {
        private PrefillAttentionOperation? _prefill;
        private SequenceRange _sequences;
        private int _kvHeads;

        public void Run(WorkerPool pool, PrefillAttentionOperation prefill, SequenceRange sequences, int kvHeads)
        {
            _prefill = prefill;
            _sequences = sequences;
            _kvHeads = kvHeads;
            pool.Run(this, sequences.Count * kvHeads);
        }

        public override void Execute(int item, int worker) =>
            _prefill!.AddMass(_sequences.First + item / _kvHeads, item % _kvHeads, worker);
    }
}
