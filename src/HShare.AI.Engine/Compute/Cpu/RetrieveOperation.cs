using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Choice of the critical tokens: importance of each token or page, pooled over a KV head's group, and the best of them, ascending.
/// An item is one KV head of one sequence.
/// </summary>
internal sealed unsafe class RetrieveOperation(WorkerPool pool, OnlineAttention[] attention, Scratch[] scratch) : ParallelWork
{
    private Tensor _qkv;
    private StepTensors? _step;
    private SequenceRange _sequences;
    private AttentionShape _shape;
    private KvLayer? _cache;
    private Retrieval? _retrieval;

    /// <summary>Runs over some sequences of the step.</summary>
    public void Run(Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Retrieval retrieval)
    {
        _qkv = qkv;
        _step = step;
        _sequences = sequences;
        _shape = shape;
        _cache = cache;
        _retrieval = retrieval;
        pool.Run(this, sequences.Count * shape.KvHeads);
    }

    /// <inheritdoc/>
    public override void Execute(int item, int worker)
    {
        (int index, int kvHead) = Math.DivRem(item, _shape.KvHeads);
        int sequence = _sequences.First + index;
        if (!_retrieval!.Asks[kvHead] || ((int*)_step!.RefreshMask.Address)[sequence] == 0)
            return;

        int row = ((int*)_step.RowStarts.Address)[sequence + 1] - 1;
        int position = ((int*)_step.Positions.Address)[row];
        int slot = ((int*)_step.SequenceSlots.Address)[sequence];
        SelectedTokens destination = _retrieval.Destination;
        Span<int> chosen = new(
            (int*)destination.Indices.Slice(
                slot * destination.Units + destination.Sources[kvHead], 1).Address, destination.Indices.Columns);
        TokenSelection selection = new(
            Math.Max(destination.Sinks, OnlineAttention.FirstVisible(_shape, position)),
            ((int*)_step.WindowStarts.Address)[sequence],
            Math.Min(((int*)_step.CriticalCounts.Address)[sequence], chosen.Length));

        int count;
        if (_retrieval.Retriever == Retriever.Accumulated)
        {
            Span<float> mass = new((float*)_retrieval.Mass.Slice(slot * _shape.KvHeads + kvHead, 1).Address, position + 1);
            count = selection.ChooseForGood(mass, chosen);
        }
        else
        {
            Span<float> scores = Score(sequence, kvHead, row, position + 1, worker);
            count = _retrieval.Retriever == Retriever.PageBounds
                ? selection.ChoosePages(scores, _retrieval.Dilation, chosen)
                : selection.ChooseTokens(scores, _retrieval.Dilation, chosen);
        }

        if (count < chosen.Length)
            chosen[count] = -1;
    }

    // What the head thinks of each token or page of the context: each query head's softmax, then their mean.
    private Span<float> Score(int sequence, int kvHead, int row, int context, int worker)
    {
        Retriever retriever = _retrieval!.Retriever;
        int units = retriever == Retriever.PageBounds ? (context + KvLayer.PageSize - 1) / KvLayer.PageSize : context;
        float* scores = (float*)_retrieval.Scores.Slice(sequence * _shape.KvHeads + kvHead, 1).Address;
        float* queries = (float*)_qkv.Address + (nint)row * _qkv.Columns + kvHead * _shape.GroupSize * _shape.HeadDim;
        int first = OnlineAttention.FirstVisible(_shape, context - 1);
        switch (retriever)
        {
            case Retriever.PageBounds:
                QueryScoring.Pages(_cache!, _shape, kvHead, BlockTable(sequence), queries, units, first, scores, scratch[worker]);
                break;
            case Retriever.LabelChannels:
                QueryScoring.Labels(_cache!, _shape, kvHead, BlockTable(sequence), queries, units, first, scores, scratch[worker]);
                break;
            default:
                ScoreExactly(sequence, kvHead, queries, context, scores, worker);
                break;
        }

        return new Span<float>(scores, units);
    }

    private int* BlockTable(int sequence) => (int*)_step!.BlockTables.Slice(sequence, 1).Address;

    private void ScoreExactly(int sequence, int kvHead, float* queries, int context, float* scores, int worker)
    {
        OnlineAttention rows = attention[worker];
        int group = _shape.GroupSize;
        float* logits = scratch[worker].Reserve((long)group * context + 2 * group);
        float* maxima = logits + (long)group * context, sums = maxima + group;
        new Span<float>(maxima, group).Fill(OnlineAttention.NoScore);
        new Span<float>(sums, group).Clear();
        ReadList list = new(context);
        int first = OnlineAttention.FirstVisible(_shape, context - 1);
        rows.Begin(
            _shape,
            KeyValueSource.Own(_cache!, _shape, kvHead, _step!, sequence, list),
            new ScoreExchange(null, logits, context),
            TileParts.Keys);
        for (int i = 0; i < group; i++)
            rows.AddRow(queries + i * _shape.HeadDim, first, context);
        for (int partition = first / OnlineAttention.PartitionTokens; partition * OnlineAttention.PartitionTokens < context; partition++)
        {
            rows.AttendPartition(partition);
            for (int i = 0; i < group; i++)
                PartitionMerge.Add(ref maxima[i], ref sums[i], null, rows.Maxima[i], rows.Sums[i], null, 0);
        }

        new Span<float>(scores, context).Clear();
        for (int i = 0; i < group; i++)
            VectorMath.AddWeights(logits + (long)i * context + first, maxima[i], 1 / (sums[i] * group), scores + first, context - first);
    }
}
