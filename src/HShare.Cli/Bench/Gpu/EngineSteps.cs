using HShare.AI.Engine;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Scheduling;

namespace HShare.Cli.Bench.Gpu;

/// <summary>
/// A model driven step by step through what the engine computes steps with, without its scheduler: prompts of random tokens are read once,
/// and any number of them decodes then.
/// </summary>
internal sealed class EngineSteps
{
    private readonly AttentionPolicy _policy;
    private readonly EngineOptions _options;
    private readonly StepRunner _runner;
    private readonly BlockPool _pool;
    private readonly ScheduledStep _step;
    private readonly RequestInbox _inbox;
    private readonly int[][] _prompts; // [batch][tokens]
    private readonly int[][] _blocks;  // [batch][blocks]

    /// <summary>Allocates what the largest step needs.</summary>
    /// <param name="model">The model; stays the caller's.</param>
    /// <param name="policy">How it attends.</param>
    /// <param name="prompts">Prompts, one for each sequence, of one length.</param>
    /// <param name="context">Most tokens of a sequence.</param>
    /// <param name="maxStepRows">Most rows of a step.</param>
    /// <param name="kv">Element type of the cache.</param>
    /// <exception cref="InsufficientMemoryException">It does not fit.</exception>
    public EngineSteps(LanguageModel model, AttentionPolicy policy, int[][] prompts, int context, int maxStepRows, DType kv)
    {
        _policy = policy;
        _prompts = prompts;
        ModelConfig config = model.Config;
        EngineOptions options = new()
        {
            MaxContext = context,
            MaxBatch = prompts.Length,
            MaxStepRows = Math.Max(maxStepRows, prompts.Length),
            KvCacheType = kv,
            PrefixSharing = PrefixSharing.Off, // equal blocks would be read out of the cache
        };
        var needs = AttentionNeeds.Of([policy], context, tracksReads: false);
        IReadOnlyList<IReadOnlyList<int>>? labels = needs.LabelChannels == 0
            ? null
            : RatioPlan.LabelChannels(config.LayerCount, config.KvHeadCount, config.HeadDim, needs.LabelChannels);
        var sizing = EngineSizing.Resolve(options, config, long.MaxValue, needs, labels);
        _options = sizing.Options;
        _runner = new StepRunner(model, sizing, needs);
        _pool = new BlockPool(sizing.Cache.BlockCount);
        _step = new ScheduledStep(prompts.Length);
        _inbox = new RequestInbox(_options);
        _blocks = [.. prompts.Select(_ => Enumerable.Range(0, sizing.MaxBlocksPerSequence).Select(_ => _pool.Take()).ToArray())];
    }

    /// <summary>Bytes of keys and values that the latest step's decode rows have read by the byte model.</summary>
    public long KvBytes => _runner.StepReads.Bytes;

    /// <summary>As many prompts of random tokens.</summary>
    public static int[][] RandomPrompts(int count, int tokens, int vocabulary)
    {
        Random random = new(1);
        return [.. Enumerable.Range(0, count).Select(_ => (int[])[.. Enumerable.Range(0, tokens).Select(_ => random.Next(vocabulary))])];
    }

    /// <summary>Reads a prompt in chunks.</summary>
    /// <param name="index">Which.</param>
    /// <param name="cancellationToken">Ends it between two steps.</param>
    /// <returns>The first token behind it.</returns>
    public int Prefill(int index, CancellationToken cancellationToken)
    {
        Sequence sequence = Create(index);
        int first = Sampler.NoToken;
        while (sequence.Remaining > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int rows = Math.Min(_options.MaxStepRows, sequence.Remaining);
            _step.Clear();
            _step.AddPrefill(sequence, rows);
            foreach (SampledToken sampled in _runner.Run(_step))
                first = sampled.Id;
            sequence.Advance(rows, _pool);
        }

        return first;
    }

    /// <summary>Sequences whose prompts have been read, ready to decode.</summary>
    /// <param name="firstTokens">The first token behind each prompt; as many sequences, from the first on.</param>
    public Sequence[] Start(ReadOnlySpan<int> firstTokens)
    {
        var sequences = new Sequence[firstTokens.Length];
        for (int i = 0; i < sequences.Length; i++)
        {
            sequences[i] = Create(i);
            sequences[i].Advance(_prompts[i].Length, _pool);
            Append(sequences[i], firstTokens[i]);
        }

        return sequences;
    }

    /// <summary>Decodes one token of each sequence.</summary>
    /// <param name="sequences">The sequences.</param>
    /// <param name="given">The next tokens, whatever was drawn; empty = those drawn.</param>
    /// <param name="drawn">Receives the tokens drawn; may be empty.</param>
    public void Decode(ReadOnlySpan<Sequence> sequences, ReadOnlySpan<int> given = default, Span<int> drawn = default)
    {
        _step.Clear();
        foreach (Sequence sequence in sequences)
            _step.AddDecode(sequence);
        ReadOnlySpan<SampledToken> sampled = _runner.Run(_step);
        for (int i = 0; i < sampled.Length; i++)
        {
            sequences[i].Advance(1, _pool);
            Append(sequences[i], given.IsEmpty ? sampled[i].Id : given[i]);
            if (!drawn.IsEmpty)
                drawn[i] = sampled[i].Id;
        }
    }

    private Sequence Create(int index)
    {
        GenerationRequest request = new() { Prompt = _prompts[index], StopIds = [] };
        Sequence sequence = new(request, _policy, _options, [], _inbox) { Slot = index };
        foreach (int block in _blocks[index])
            sequence.Table.Add(block);
        return sequence;
    }

    private static void Append(Sequence sequence, int id)
    {
        if (id == Sampler.NoToken)
            throw new InvalidLogitsException();
        sequence.Append(id);
    }
}
