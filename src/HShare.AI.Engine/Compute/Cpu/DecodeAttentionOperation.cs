using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Attention of single rows over all tokens or over selected ones, split over what is read: an item is one partition of one sequence under
/// one KV
/// head.
/// </summary>
internal sealed unsafe class DecodeAttentionOperation(
    WorkerPool pool, OnlineAttention[] attention, Scratch partials, Scratch massScores) : ParallelWork
{
    private readonly MassOperation _massOperation = new();
    private ReadList[] _lists = []; // [sequences, kv_heads]
    private Tensor _qkv;
    private StepTensors? _step;
    private SequenceRange _sequences;
    private AttentionShape _shape;
    private KvLayer? _cache;
    private Tensor _mass;
    private Tensor _attended;
    private float* _partials;   // [sequences, kv_heads, partitions, group, padded head_dim + 2]
    private float* _massScores; // [sequences, heads, tokens]
    private float* _rowStates;  // [sequences, heads, 2]: maximum and sum of each row
    private int _partitions;

    /// <summary>Runs over some of the step's decode sequences.</summary>
    public void Run(
        Tensor qkv,
        StepTensors step,
        SequenceRange sequences,
        AttentionShape shape,
        KvLayer cache,
        SelectedTokens? selected,
        Tensor mass,
        Tensor attended)
    {
        _qkv = qkv;
        _step = step;
        _sequences = sequences;
        _shape = shape;
        _cache = cache;
        _mass = mass;
        _attended = attended;
        ListTokens(selected);
        _partitions = 0;
        for (int item = 0; item < sequences.Count * shape.KvHeads; item++)
            _partitions = Math.Max(_partitions, LastPartition(item) - FirstPartition(item) + 1);

        // Reserved for the largest step at once; pages not written cost nothing.
        int maxPartitions = TokenCapacity / OnlineAttention.PartitionTokens + 1;
        _partials = partials.Reserve((long)step.BlockTables.Rows * shape.Heads * (maxPartitions * (long)PartialStride + 2));
        _rowStates = _partials + (long)step.BlockTables.Rows * shape.Heads * maxPartitions * PartialStride;
        if (!mass.IsNone)
            _massScores = massScores.Reserve((long)step.BlockTables.Rows * shape.Heads * TokenCapacity);
        pool.Run(this, sequences.Count * shape.KvHeads * _partitions);
        for (int index = 0; index < sequences.Count; index++)
            Merge(index);
        if (!mass.IsNone)
            _massOperation.Run(pool, this, sequences.Count * shape.KvHeads);
    }

    /// <inheritdoc/>
    public override void Execute(int item, int worker)
    {
        (int list, int index) = Math.DivRem(item, _partitions);
        int partition = FirstPartition(list) + index;
        if (partition > LastPartition(list))
            return;

        (int indexOfSequence, int kvHead) = Math.DivRem(list, _shape.KvHeads);
        int sequence = _sequences.First + indexOfSequence;
        OnlineAttention rows = attention[worker];
        ReadOnlySpan<AttentionPart> parts = AttentionParts.Of(_cache!, kvHead);
        if (parts.Length > 1)
            ClearPartials(indexOfSequence, kvHead, index);
        foreach (AttentionPart part in parts)
        {
            (int first, int end) = part.Places(_lists[list], Position(sequence), _shape, _cache!);
            int partitionStart = partition * OnlineAttention.PartitionTokens;
            if (part != AttentionPart.Whole
                && (end <= partitionStart || first >= partitionStart + OnlineAttention.PartitionTokens || first >= end))
                continue;

            rows.Begin(_shape, SourceOf(part, sequence, kvHead, _lists[list]), ExchangeOf(part, indexOfSequence, kvHead));
            int row = RowOf(sequence);
            float* queries = (float*)_qkv.Address + (nint)row * _qkv.Columns + kvHead * _shape.GroupSize * _shape.HeadDim;
            for (int i = 0; i < _shape.GroupSize; i++)
                rows.AddRow(queries + i * _shape.HeadDim, first, end);
            rows.AttendPartition(partition);
            for (int i = 0; i < _shape.GroupSize; i++)
                AddToPartial(Partial(indexOfSequence, kvHead, index, i), rows, i, isOnly: parts.Length == 1);
        }
    }

    private int TokenCapacity => _step!.BlockTables.Columns * _cache!.BlockSize;

    private int PartialStride => KeyValueTile.PaddedDim(_shape.HeadDim) + 2;

    private int RowOf(int sequence) => ((int*)_step!.RowStarts.Address)[sequence];

    private int Position(int sequence) => ((int*)_step!.Positions.Address)[RowOf(sequence)];

    private int FirstPartition(int list) => FirstPlace(list) / OnlineAttention.PartitionTokens;

    private int FirstPlace(int list) =>
        _lists[list].IsRange ? OnlineAttention.FirstVisible(_shape, _lists[list].Count - 1) : 0;

    private int LastPartition(int list) => (_lists[list].Count - 1) / OnlineAttention.PartitionTokens;

    private float* Partial(int indexOfSequence, int kvHead, int index, int groupHead) => _partials
        + ((((long)indexOfSequence * _shape.KvHeads + kvHead) * _partitions + index) * _shape.GroupSize + groupHead) * PartialStride;

    private float* RowState(int indexOfSequence, int head) => _rowStates + ((long)indexOfSequence * _shape.Heads + head) * 2;

    private void ListTokens(SelectedTokens? selected)
    {
        int count = _sequences.Count * _shape.KvHeads;
        if (_lists.Length < count)
            _lists = new ReadList[count];
        for (int item = 0; item < count; item++)
        {
            (int index, int kvHead) = Math.DivRem(item, _shape.KvHeads);
            int sequence = _sequences.First + index;
            int context = Position(sequence) + 1;
            if (selected is null)
            {
                _lists[item] = new ReadList(context);
                continue;
            }

            int slot = ((int*)_step!.SequenceSlots.Address)[sequence];
            _lists[item] = new ReadList(
                selected,
                slot * selected.Units + selected.Sources[kvHead],
                ((int*)_step.WindowStarts.Address)[sequence],
                context,
                OnlineAttention.FirstVisible(_shape, context - 1));
        }
    }

    private KeyValueSource SourceOf(AttentionPart part, int sequence, int kvHead, ReadList list) => part == AttentionPart.Distant
        ? KeyValueSource.Shared(_cache!, _shape, kvHead, _step!, sequence, list)
        : KeyValueSource.Own(_cache!, _shape, kvHead, _step!, sequence, list);

    // A leader leaves its scores for the followers of later layers; whoever's attention is to be summed up leaves them too.
    private ScoreExchange ExchangeOf(AttentionPart part, int indexOfSequence, int kvHead)
    {
        float* mass = _mass.IsNone ? null : MassScores(indexOfSequence, kvHead);
        if (_cache!.Distant is not { } distant)
            return new ScoreExchange(null, mass, TokenCapacity);

        if (distant.Leads[kvHead])
            return new ScoreExchange(null, SharedScores(distant, indexOfSequence, kvHead), TokenCapacity);
        return part == AttentionPart.Distant && distant.SharesScores[kvHead]
            ? new ScoreExchange(SharedScores(distant, indexOfSequence, kvHead), mass, TokenCapacity)
            : new ScoreExchange(null, mass, TokenCapacity);
    }

    private float* MassScores(int indexOfSequence, int kvHead) =>
        _massScores + ((long)indexOfSequence * _shape.Heads + kvHead * _shape.GroupSize) * TokenCapacity;

    private float* SharedScores(DistantSharing distant, int indexOfSequence, int kvHead) => (float*)distant.Logits.Address
        + (((long)distant.ScorePlaces[kvHead] * _step!.BlockTables.Rows + _sequences.First + indexOfSequence) * _shape.Heads
            + kvHead * _shape.GroupSize) * distant.Logits.Columns;

    private void ClearPartials(int indexOfSequence, int kvHead, int index)
    {
        for (int i = 0; i < _shape.GroupSize; i++)
        {
            float* partial = Partial(indexOfSequence, kvHead, index, i);
            new Span<float>(partial, PartialStride).Clear();
            partial[0] = OnlineAttention.NoScore;
        }
    }

    private static void AddToPartial(float* partial, OnlineAttention rows, int row, bool isOnly)
    {
        float* output = rows.Outputs + row * rows.OutputStride;
        if (isOnly)
        {
            partial[0] = rows.Maxima[row];
            partial[1] = rows.Sums[row];
            new ReadOnlySpan<float>(output, rows.OutputStride).CopyTo(new Span<float>(partial + 2, rows.OutputStride));
            return;
        }

        PartitionMerge.Add(ref partial[0], ref partial[1], partial + 2, rows.Maxima[row], rows.Sums[row], output, rows.OutputStride);
    }

    private void Merge(int indexOfSequence)
    {
        int headDim = _shape.HeadDim, stride = KeyValueTile.PaddedDim(headDim);
        float* total = stackalloc float[stride];
        int row = RowOf(_sequences.First + indexOfSequence);
        for (int head = 0; head < _shape.Heads; head++)
        {
            (int kvHead, int groupHead) = Math.DivRem(head, _shape.GroupSize);
            int list = indexOfSequence * _shape.KvHeads + kvHead;
            float max = OnlineAttention.NoScore, sum = 0;
            new Span<float>(total, stride).Clear();
            for (int index = 0; index <= LastPartition(list) - FirstPartition(list); index++)
            {
                float* partial = Partial(indexOfSequence, kvHead, index, groupHead);
                PartitionMerge.Add(ref max, ref sum, total, partial[0], partial[1], partial + 2, stride);
            }

            PartitionMerge.Finish(total, sum, (float*)_attended.Address + (nint)row * _attended.Columns + head * headDim, headDim);
            RowState(indexOfSequence, head)[0] = max;
            RowState(indexOfSequence, head)[1] = sum;
        }
    }

    private void AddMass(int item)
    {
        (int index, int kvHead) = Math.DivRem(item, _shape.KvHeads);
        ReadList list = _lists[item];
        float* scores = _cache!.Distant is { } distant
            && distant.Leads[kvHead] ? SharedScores(distant, index, kvHead) : MassScores(index, kvHead);
        int slot = ((int*)_step!.SequenceSlots.Address)[_sequences.First + index];
        float* mass = (float*)_mass.Slice(slot * _shape.KvHeads + kvHead, 1).Address;
        for (int head = 0; head < _shape.GroupSize; head++)
        {
            float* state = RowState(index, kvHead * _shape.GroupSize + head);
            float factor = 1 / (state[1] * _shape.GroupSize);
            int first = FirstPlace(item);
            float* row = scores + (long)head * TokenCapacity;
            if (list.IsRange)
                VectorMath.AddWeights(row + first, state[0], factor, mass + first, list.Count - first);
            for (int place = 0; place < list.Count && !list.IsRange; place++)
                VectorMath.AddWeights(row + place, state[0], factor, mass + list[place], 1);
        }
    }

    // The second phase of the same operation: attention mass, once maxima and sums are known.
    private sealed class MassOperation : ParallelWork
    {
        private DecodeAttentionOperation? _decode;

        public void Run(WorkerPool pool, DecodeAttentionOperation decode, int items)
        {
            _decode = decode;
            pool.Run(this, items);
        }

        public override void Execute(int item, int worker) => _decode!.AddMass(item);
    }
}
