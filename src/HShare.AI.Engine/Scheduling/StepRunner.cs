using System.Runtime.CompilerServices;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Scheduling;

/// <summary>
/// Computes planned steps: puts their rows into tensors, runs the model, draws the next tokens. Everything is allocated once.
/// </summary>
internal sealed class StepRunner
{
    private readonly Backend _backend;
    private readonly Transformer _transformer;
    private readonly KvCache _cache;
    private readonly StepTensors _tensors;
    private readonly Tensor _logits;             // float32 [max_batch, vocabulary]
    private readonly SamplingRow[] _draws;       // [max_batch]
    private readonly int[] _drawn;               // [max_batch]
    private readonly SampledToken[] _sampled;    // [max_batch]
    private readonly float[] _noMass;            // [tokens] of zeros
    private readonly AttentionBuffers _buffers;
    private readonly ConditionalWeakTable<AttentionPolicy, IReadOnlyList<LayerReading>>.CreateValueCallback _bind;
    private readonly IReadOnlyList<int> _slidingWindows;
    private readonly ConditionalWeakTable<AttentionPolicy, IReadOnlyList<LayerReading>> _bindings = [];
    private readonly float[]?[] _rawLogits;      // [max_batch][vocabulary], made for the first request that wants log-probabilities

    /// <summary>Allocates the cache, the forward pass and the tensors of the largest step.</summary>
    /// <exception cref="InsufficientMemoryException">The backend has no room for them.</exception>
    public StepRunner(LanguageModel model, EngineSizing sizing, AttentionNeeds needs)
    {
        int rows = sizing.Options.MaxStepRows, batch = sizing.Options.MaxBatch;
        _backend = model.Backend;
        _transformer = model.CreateTransformer(sizing.MaxTokens, rows);
        int tokens = sizing.MaxBlocksPerSequence * sizing.Options.BlockSize;
        _buffers = new AttentionBuffers(_backend, sizing.Cache, needs, model.Config.HeadCount, rows, batch, tokens);
        _bind = _buffers.Bind;
        _cache = new KvCache(_backend, sizing.Cache, _buffers.LeaderQueries, _buffers.LeaderLogits);
        _tensors = new StepTensors(_backend, rows, batch, sizing.MaxBlocksPerSequence, needs.KeySharing is not null);
        _slidingWindows = model.Config.SlidingWindows;
        _noMass = new float[needs.TracksReads ? tokens : 0];
        _logits = _backend.Allocate(DType.Float32, batch, model.Config.VocabularySize);
        _draws = new SamplingRow[batch];
        _drawn = new int[batch];
        _sampled = new SampledToken[batch];
        _rawLogits = new float[]?[batch];
    }

    /// <summary>Computes a step and returns the next token of each sequence whose last known token was in it.</summary>
    public ReadOnlySpan<SampledToken> Run(ScheduledStep step)
    {
        Fill(step);
        PlanAttention(step);
        SetBlocks(step);
        _tensors.Send(_backend);
        _transformer.Forward(_tensors, _cache, _logits);
        return _tensors.LogitCount == 0 ? [] : Sample(step);
    }

    /// <summary>What the decode rows of the latest step have read of the cache.</summary>
    public KvReads StepReads { get; private set; }

    /// <summary>Attention that each token of a sequence has got, summed over layers and KV heads.</summary>
    public float[] ReadMass(Sequence sequence)
    {
        float[] total = new float[sequence.Computed], mass = new float[sequence.Computed];
        int heads = _cache.Shape.KvHeads;
        for (int head = 0; head < heads; head++)
        {
            _backend.Read<float>(_buffers.ReadsMass.Slice(sequence.Slot * heads + head, 1), mass);
            for (int token = 0; token < total.Length; token++)
                total[token] += mass[token];
        }

        return total;
    }

    private void Fill(ScheduledStep step)
    {
        Span<int> tokenIds = _tensors.HostOf(_tensors.TokenIds), positions = _tensors.HostOf(_tensors.Positions);
        Span<int> slots = _tensors.HostOf(_tensors.Slots), rowStarts = _tensors.HostOf(_tensors.RowStarts);
        Span<int> lengths = _tensors.HostOf(_tensors.ContextLengths), logitRows = _tensors.HostOf(_tensors.LogitRows);
        int row = 0, logits = 0;
        for (int i = 0; i < step.Count; i++)
        {
            (Sequence sequence, int rows) = step.Sequences[i];
            rowStarts[i] = row;
            sequence.Tokens.Slice(sequence.Computed, rows).CopyTo(tokenIds[row..]);
            for (int position = sequence.Computed; position < sequence.Computed + rows; position++, row++)
            {
                positions[row] = position;
                slots[row] = sequence.Table.SlotOf(position);
                if (sequence.Proximal is { } proximal)
                    _tensors.HostOf(_tensors.ProximalSlots)[row] = proximal.SlotOf(position);
            }

            _tensors.HostOf(_tensors.SequenceSlots)[i] = sequence.Slot;
            lengths[i] = sequence.Computed + rows;
            if (step.Sequences[i].WantsLogits)
                logitRows[logits++] = row - 1;
        }

        rowStarts[step.Count] = row;
        _tensors.RowCount = row;
        _tensors.SequenceCount = step.Count;
        _tensors.DecodeCount = step.DecodeCount;
        _tensors.LogitCount = logits;
    }

    // The step's groups, and for each sequence what its leaders do.
    private void PlanAttention(ScheduledStep step)
    {
        _tensors.Groups.Clear();
        _tensors.HostOf(_tensors.RefreshMask).Clear();
        StepReads = default;
        for (int first = 0, end; first < step.DecodeCount; first = end)
        {
            Sequence sequence = step.Sequences[first].Sequence;
            end = first + 1;
            bool refreshes = PlanDecode(first, sequence);
            for (; end < step.DecodeCount && ScheduledStep.AttendAlike(sequence, step.Sequences[end].Sequence); end++)
                refreshes |= PlanDecode(end, step.Sequences[end].Sequence);
            _tensors.Groups.Add(new AttentionGroup(
                Bind(sequence.Policy),
                new SequenceRange(first, end - first),
                refreshes,
                sequence.ReadsByChoice,
                sequence.TracksReads ? _buffers.ReadsMass : Tensor.None));
        }

        int accumulating = step.DecodeCount;
        while (accumulating < step.Count && !step.Sequences[accumulating].Sequence.Accumulates)
            accumulating++;
        int others = accumulating;
        while (others < step.Count && step.Sequences[others].Sequence.Accumulates)
            others++;
        if (accumulating < others)
            AddPromptGroup(step.Sequences[accumulating].Sequence, new SequenceRange(accumulating, others - accumulating), refreshes: false);
        for (int i = step.DecodeCount; i < step.Count; i++)
        {
            if (step.Sequences[i].EndsPrompt)
                EndPrompt(i, step.Sequences[i].Sequence);
        }
    }

    private bool PlanDecode(int index, Sequence sequence)
    {
        AttentionStep plan = sequence.Clock.Decode(sequence.Computed + 1);
        SetPlan(index, plan);
        KvReads reads = new(
            1,
            AttentionCost.Of(sequence.Policy, _cache.Shape, _slidingWindows, plan),
            AttentionCost.Full(_cache.Shape, _slidingWindows, plan.Context),
            plan.TokensRead,
            plan.Refreshes && sequence.Policy.Retriever != Retriever.None ? 1 : 0);
        StepReads += reads;
        sequence.Generation.Add(reads);
        return plan.Refreshes;
    }

    private void EndPrompt(int index, Sequence sequence)
    {
        if (sequence.TracksReads)
        {
            int heads = _cache.Shape.KvHeads;
            for (int head = 0; head < heads; head++)
                _backend.Write<float>(_buffers.ReadsMass.Slice(sequence.Slot * heads + head, 1), _noMass);
        }

        if (sequence.Clock.EndPrompt(sequence.PromptLength) is not { } plan)
            return;

        SetPlan(index, plan);
        AddPromptGroup(sequence, new SequenceRange(index, 1), refreshes: true);
    }

    private void AddPromptGroup(Sequence sequence, SequenceRange sequences, bool refreshes) =>
        _tensors.Groups.Add(new AttentionGroup(Bind(sequence.Policy), sequences, refreshes, Reads: false, Tensor.None));

    private void SetPlan(int index, AttentionStep plan)
    {
        _tensors.HostOf(_tensors.RefreshMask)[index] = plan.Refreshes ? 1 : 0;
        _tensors.HostOf(_tensors.WindowStarts)[index] = plan.WindowStart;
        _tensors.HostOf(_tensors.CriticalCounts)[index] = plan.Critical;
    }

    private IReadOnlyList<LayerReading> Bind(AttentionPolicy policy) => _bindings.GetValue(policy, _bind);

    private void SetBlocks(ScheduledStep step)
    {
        for (int i = 0; i < step.Count; i++)
        {
            Sequence sequence = step.Sequences[i].Sequence;
            sequence.Table.Blocks.CopyTo(_tensors.HostOf(_tensors.BlockTables.Slice(i, 1)));
            sequence.Proximal?.CopyTo(_tensors.HostOf(_tensors.ProximalTables.Slice(i, 1)));
        }
    }

    private ReadOnlySpan<SampledToken> Sample(ScheduledStep step)
    {
        int count = 0;
        foreach (ScheduledRows rows in step.Sequences)
        {
            if (!rows.WantsLogits)
                continue;

            if (rows.Sequence.TopLogprobs is not null) // sampling overwrites the logits
                _backend.Read<float>(_logits.Slice(count, 1), _rawLogits[count] ??= new float[_logits.Columns]);
            _draws[count] = rows.Sequence.NextDraw;
            _sampled[count++] = new SampledToken(rows.Sequence, 0, null);
        }

        _backend.Sample(_logits.Take(count), _draws.AsSpan(0, count), _drawn.AsSpan(0, count));
        for (int i = 0; i < count; i++)
        {
            Sequence sequence = _sampled[i].Sequence;
            _drawn[i] = sequence.GivenToken is { } given && _drawn[i] != Sampler.NoToken ? given : _drawn[i];
            TokenLogprobs? logprobs = sequence.TopLogprobs is { } top && _drawn[i] != Sampler.NoToken
                ? LogProbabilities.Of(_rawLogits[i], _drawn[i], top)
                : null;
            _sampled[i] = new SampledToken(sequence, _drawn[i], logprobs);
        }

        return _sampled.AsSpan(0, count);
    }
}

/// <summary>A sequence's next token.</summary>
/// <param name="Sequence">The sequence.</param>
/// <param name="Id">The token drawn, or <see cref="Sampler.NoToken"/>.</param>
/// <param name="Logprobs">Log-probabilities, where they were asked for.</param>
internal readonly record struct SampledToken(Sequence Sequence, int Id, TokenLogprobs? Logprobs);
