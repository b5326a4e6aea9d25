using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Attention;

/// <summary>
/// Records what full attention does on texts: the text is read as a prompt, its last tokens are then decoded one by one, and at each of
/// these steps
/// every layer's attention and what each retriever thinks of it are kept. It drives the forward pass itself, below the scheduler.
/// </summary>
public sealed class AttentionRecorder
{
    private const int ChunkRows = 256;
    private const int BlockSize = 32;

    private readonly Backend _backend;
    private readonly ModelConfig _config;
    private readonly Transformer _transformer;
    private readonly StepTensors _step;
    private readonly KvCache _cache;
    private readonly Tensor _logits;
    private readonly TokenBudget _budget;
    private readonly LabelChannelStatistics _channels;
    private readonly IReadOnlyList<LayerReading> _exact;
    private readonly IReadOnlyList<LayerReading> _pages;
    private readonly IReadOnlyList<LayerReading>? _labels;
    private readonly int[] _slots; // [tokens]: the blocks lie in order
    private readonly int[] _cached;
    private int _cachedCount;
    private TraceStepRecording? _recording;

    /// <summary>Allocates cache and activations; the memory stays with the model's backend.</summary>
    /// <param name="model">The model; nothing else may use its backend meanwhile.</param>
    /// <param name="budget">Sinks, window and critical tokens of the choices recorded.</param>
    /// <param name="maxTokens">Most tokens of a text.</param>
    /// <param name="labelChannels">[layers * kv_heads][channels]: channels of the label retriever; empty = it is not recorded.</param>
    /// <exception cref="InsufficientMemoryException">They do not fit the memory.</exception>
    /// <exception cref="NotSupportedException">The model's backend does not keep keys in float32.</exception>
    public AttentionRecorder(
        LanguageModel model, TokenBudget budget, int maxTokens, IReadOnlyList<IReadOnlyList<int>> labelChannels)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (!model.Backend.CacheTypes.Contains(DType.Float32))
        {
            throw new NotSupportedException(
                $"Attention is recorded on keys in Float32, and {model.Backend.Description} keeps them in "
                + $"{string.Join(" or ", model.Backend.CacheTypes)}: load the model on the CPU backend.");
        }

        _backend = model.Backend;
        _config = model.Config;
        _budget = budget;
        int blocks = (maxTokens + BlockSize - 1) / BlockSize, capacity = blocks * BlockSize;
        KvCacheShape shape = new(_config.LayerCount, _config.KvHeadCount, _config.HeadDim, BlockSize, blocks, DType.Float32)
        {
            HasPageBounds = true,
            LabelChannels = labelChannels,
        };
        AttentionPolicy[] policies = [.. new[] { Retriever.Exact, Retriever.PageBounds, Retriever.LabelChannels }
            .Select(retriever => PolicyOf(retriever, labelChannels.Count == 0 ? 0 : labelChannels[0].Count))];
        AttentionBuffers buffers = new(
            _backend, shape, AttentionNeeds.Of(policies, capacity, tracksReads: false), _config.HeadCount, ChunkRows, 1, capacity);
        _exact = buffers.Bind(policies[0]);
        _pages = buffers.Bind(policies[1]);
        _labels = labelChannels.Count == 0 ? null : buffers.Bind(policies[2]);
        _cache = new KvCache(_backend, shape);
        _step = new StepTensors(_backend, ChunkRows, 1, blocks);
        _backend.Write<int>(_step.BlockTables, [.. Enumerable.Range(0, blocks)]);
        _backend.Write<int>(_step.SequenceSlots, [0]);
        _backend.Write<int>(_step.RefreshMask, [1]);
        _logits = _backend.Allocate(DType.Float32, 1, _config.VocabularySize);
        _transformer = model.CreateTransformer(capacity, ChunkRows);
        _transformer.LayerAttended = OnLayerAttended;
        _channels = new LabelChannelStatistics(_config);
        _slots = [.. Enumerable.Range(0, capacity)];
        _cached = new int[capacity];
    }

    /// <summary>
    /// The channels that told most about the scores so far, over all tokens of all texts read: [layers * kv_heads][head_dim], best first.
    /// </summary>
    public IReadOnlyList<int[]> LabelChannels => _channels.Ranking;

    /// <summary>Reads a text and records its last steps. What it shares at the start with the text before is not read again.</summary>
    /// <param name="tokens">The text.</param>
    /// <param name="steps">How many of its last tokens are decoded and recorded; fewer than it has.</param>
    /// <param name="progress">Told the share of the text that is done, 0 to 1.</param>
    /// <param name="cancellationToken">Ends the recording early.</param>
    /// <exception cref="ArgumentException">The text is longer than the recorder was made for, or has not so many tokens.</exception>
    public AttentionTrace Record(
        IReadOnlyList<int> tokens, int steps, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.Count > _cached.Length || steps < 1 || steps >= tokens.Count)
        {
            throw new ArgumentException(
                $"{steps} steps of a text of {tokens.Count} tokens cannot be recorded: it must have more than that, and at most {_cached.Length}.",
                nameof(tokens));
        }

        int[] text = [.. tokens];
        int prompt = text.Length - steps;
        int position = Math.Min(_cached.AsSpan(0, _cachedCount).CommonPrefixLength(text), prompt);
        while (position < prompt)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int rows = Math.Min(ChunkRows, prompt - position);
            Forward(text.AsSpan(position, rows), position, isDecode: false);
            position += rows;
            progress?.Report((double)position / text.Length);
        }

        List<AttentionTraceStep> recorded = [];
        for (; position < text.Length; position++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _recording = new TraceStepRecording(position + 1);
            Forward(text.AsSpan(position, 1), position, isDecode: true);
            recorded.Add(_recording.ToStep());
            _recording = null;
            progress?.Report((position + 1.0) / text.Length);
        }

        text.CopyTo(_cached, 0);
        _cachedCount = text.Length;
        return new AttentionTrace(_config.LayerCount, _config.KvHeadCount, recorded);
    }

    private void Forward(ReadOnlySpan<int> ids, int first, bool isDecode)
    {
        int rows = ids.Length, context = first + rows;
        _step.RowCount = rows;
        _step.SequenceCount = 1;
        _step.DecodeCount = isDecode ? 1 : 0;
        _step.LogitCount = 0;
        _backend.Write(_step.TokenIds, ids);
        _backend.Write<int>(_step.Positions, _slots.AsSpan(first, rows));
        _backend.Write<int>(_step.Slots, _slots.AsSpan(first, rows));
        _backend.Write<int>(_step.RowStarts, [0, rows]);
        _backend.Write<int>(_step.ContextLengths, [context]);
        _backend.Write<int>(_step.WindowStarts, [Math.Max(_budget.Sinks, context - _budget.Window)]);
        _backend.Write<int>(_step.CriticalCounts, [_budget.CriticalOf(context)]);
        _transformer.Forward(_step, _cache, _logits);
    }

    private void OnLayerAttended(int layer, Tensor qkv)
    {
        _channels.Add(_backend, layer, qkv);
        if (_recording is not { } recording)
            return;

        int pages = (recording.Context + KvLayer.PageSize - 1) / KvLayer.PageSize;
        AddScores(recording.Mass, layer, qkv, _exact[layer], recording.Context);
        AddScores(recording.Pages, layer, qkv, _pages[layer], pages);
        if (_labels is not null)
            AddScores(recording.Labels, layer, qkv, _labels[layer], recording.Context);
    }

    private void AddScores(List<float[]> scores, int layer, Tensor qkv, LayerReading reading, int count)
    {
        AttentionShape shape = new(_config.HeadCount, _config.KvHeadCount, _config.HeadDim, _config.SlidingWindows[layer]);
        Retrieval retrieval = reading.Retrieval!;
        _backend.Retrieve(qkv, _step, new SequenceRange(0, 1), shape, _cache[layer], retrieval);
        for (int head = 0; head < _config.KvHeadCount; head++)
        {
            float[] row = new float[count];
            _backend.Read<float>(retrieval.Scores.Slice(head, 1), row);
            scores.Add(row);
        }
    }

    private AttentionPolicy PolicyOf(Retriever retriever, int labelChannels) => new(
        AttentionPreset.HShare(budget: _budget, retriever: retriever),
        SharingPlan.Independent(_config.LayerCount, _config.KvHeadCount),
        retriever == Retriever.LabelChannels ? labelChannels : 0);

    // What the layers of one step have shown so far.
    private sealed class TraceStepRecording(int context)
    {
        public int Context => context;

        public List<float[]> Mass { get; } = [];

        public List<float[]> Pages { get; } = [];

        public List<float[]> Labels { get; } = [];

        public AttentionTraceStep ToStep() => new(context, Mass, Pages, Labels);
    }
}
