using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Verification;

/// <summary>
/// Compares a model with a reference: logits behind each prompt, then greedy decoding with the reference's own ids as the prefix
/// (teacher-forced, so that one difference does not make all that follow it different). It drives the forward pass itself, below the
/// scheduler: prompts in chunks, then one row a step.
/// </summary>
public sealed class ReferenceCheck
{
    private const int ChunkRows = 128; // small, so that the longer prompts take several chunks
    private const int BlockSize = 16;

    private readonly LanguageModel _model;
    private readonly ReferenceSet _reference;
    private readonly ReferenceTolerance _tolerance;
    private readonly Transformer _transformer;
    private readonly StepTensors _step;
    private readonly KvCache _cache;
    private readonly Tensor _logits;
    private readonly float[] _hostLogits;
    private readonly int[] _blocks;

    private ReferenceCheck(LanguageModel model, ReferenceSet reference, ReferenceTolerance tolerance, DType? kvCacheType)
    {
        _model = model;
        _reference = reference;
        _tolerance = tolerance;

        ModelConfig config = model.Config;
        int positions = reference.Cases.Max(c => c.InputIds.Count + c.GreedyIds.Count);
        int blocks = (positions + BlockSize - 1) / BlockSize;
        _transformer = model.CreateTransformer(positions, ChunkRows);
        _step = new StepTensors(model.Backend, ChunkRows, maxSequences: 1, maxBlocksPerSequence: blocks);
        _cache = new KvCache(
            model.Backend,
            new KvCacheShape(
                config.LayerCount, config.KvHeadCount, config.HeadDim, BlockSize, blocks, kvCacheType ?? model.Backend.CacheTypes[0]));
        _logits = model.Backend.Allocate(DType.Float32, 1, config.VocabularySize);
        _hostLogits = new float[config.VocabularySize];

        // Last block first: a forward pass that does not follow the block table reads the wrong tokens.
        _blocks = [.. Enumerable.Range(0, blocks).Reverse()];
        model.Backend.Write<int>(_step.BlockTables, _blocks);
    }

    /// <summary>Runs all cases. The memory it needs stays with the model's backend.</summary>
    /// <param name="model">The model; nothing else may use its backend meanwhile.</param>
    /// <param name="reference">The cases.</param>
    /// <param name="tolerance">What still passes; null = the backend's own.</param>
    /// <param name="kvCacheType">Element type of the KV cache; null = the backend's usual one.</param>
    /// <param name="progress">Told each case as it is done.</param>
    /// <param name="cancellationToken">Ends the check early.</param>
    /// <exception cref="InsufficientMemoryException">Cache or activations do not fit the memory.</exception>
    public static ReferenceReport Run(
        LanguageModel model,
        ReferenceSet reference,
        ReferenceTolerance? tolerance = null,
        DType? kvCacheType = null,
        IProgress<ReferenceCaseReport>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(reference);
        ReferenceCheck check = new(model, reference, tolerance ?? ReferenceTolerance.For(model.Backend), kvCacheType);
        return check.Run(progress, cancellationToken);
    }

    private ReferenceReport Run(IProgress<ReferenceCaseReport>? progress, CancellationToken cancellationToken)
    {
        List<ReferenceCaseReport> reports = [];
        foreach (ReferenceCase item in _reference.Cases)
        {
            reports.Add(Check(item, cancellationToken));
            progress?.Report(reports[^1]);
        }

        return new ReferenceReport(_reference.Reference, reports);
    }

    private ReferenceCaseReport Check(ReferenceCase item, CancellationToken cancellationToken)
    {
        int[] prompt = [.. item.InputIds];
        for (int first = 0; first < prompt.Length; first += ChunkRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int rows = Math.Min(ChunkRows, prompt.Length - first);
            Forward(prompt.AsSpan(first, rows), first, isDecode: false, wantsLogits: first + rows == prompt.Length);
        }

        ReferenceTolerance tolerance = _tolerance.ForCase(item);
        float difference = item.Logits.Aggregate(0f, (largest, l) => MathF.Max(largest, MathF.Abs(_hostLogits[l.Id] - l.Value)));
        int equal = 0, unequal = 0, belowMargin = 0;
        for (int i = 0; i < item.GreedyIds.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (i > 0)
                Forward([item.GreedyIds[i - 1]], prompt.Length + i - 1, isDecode: true, wantsLogits: true);

            if (item.GreedyMargins[i] <= tolerance.Margin)
                belowMargin++;
            else if (ArgMax(_hostLogits) == item.GreedyIds[i])
                equal++;
            else
                unequal++;
        }

        bool passed = difference <= tolerance.Logits && unequal == 0; // a NaN is no smaller than anything
        return new ReferenceCaseReport(item.Name, prompt.Length, difference, equal, unequal, belowMargin, passed);
    }

    private void Forward(ReadOnlySpan<int> ids, int firstPosition, bool isDecode, bool wantsLogits)
    {
        Backend backend = _model.Backend;
        int rows = ids.Length;
        Span<int> positions = stackalloc int[ChunkRows], slots = stackalloc int[ChunkRows];
        for (int i = 0; i < rows; i++)
        {
            int position = firstPosition + i;
            positions[i] = position;
            slots[i] = _blocks[position / BlockSize] * BlockSize + position % BlockSize;
        }

        _step.RowCount = rows;
        _step.SequenceCount = 1;
        _step.DecodeCount = isDecode ? 1 : 0;
        _step.LogitCount = wantsLogits ? 1 : 0;
        backend.Write(_step.TokenIds, ids);
        backend.Write<int>(_step.Positions, positions[..rows]);
        backend.Write<int>(_step.Slots, slots[..rows]);
        backend.Write<int>(_step.RowStarts, [0, rows]);
        backend.Write<int>(_step.ContextLengths, [firstPosition + rows]);
        backend.Write<int>(_step.LogitRows, [rows - 1]);
        _transformer.Forward(_step, _cache, _logits);
        if (wantsLogits)
            backend.Read<float>(_logits, _hostLogits);
    }

    private static int ArgMax(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best])
                best = i;
        }

        return best;
    }
}
