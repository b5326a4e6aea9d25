using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.Cli.Bench;

/// <summary>
/// Sequences with random keys and values, and the steps that attend to them, without engine, scheduler or weights. The first ones are
/// timed; the others only push them out of the processor's caches.
/// </summary>
internal sealed class AttentionBenchCache
{
    private const int BlockSize = 32;
    private const int ChunkRows = 512;

    private readonly Backend _backend;
    private readonly AttentionShape[] _shapes; // [layers]
    private readonly KvCache _cache;
    private readonly StepTensors _step;
    private readonly StepTensors _others;
    private readonly Tensor _qkv;              // [rows, (heads + 2 kv_heads) * head_dim]
    private readonly Tensor _attended;         // [rows, heads * head_dim]
    private readonly int _batch;

    /// <summary>Allocates the caches and fills them.</summary>
    /// <param name="backend">Where they lie.</param>
    /// <param name="config">The geometry.</param>
    /// <param name="cache">Sizes of the cache, but for its blocks.</param>
    /// <param name="needs">What the presets need beside it.</param>
    /// <param name="batch">Sequences of a timed step.</param>
    /// <param name="context">Tokens of each sequence.</param>
    public AttentionBenchCache(Backend backend, ModelConfig config, KvCacheShape cache, AttentionNeeds needs, int batch, int context)
    {
        _backend = backend;
        _batch = batch;
        _shapes = [.. config.SlidingWindows.Select(window =>
            new AttentionShape(config.HeadCount, config.KvHeadCount, config.HeadDim, window))];
        long bytes = AttentionCost.Full(cache, config.SlidingWindows, context);
        int others = (int)((LastLevelCache.Bytes + bytes - 1) / bytes), blocks = (context + BlockSize - 1) / BlockSize;
        EvictedBytes = others * bytes;
        _cache = new KvCache(backend, cache with { BlockSize = BlockSize, BlockCount = (batch + others) * blocks });
        _qkv = Random(Math.Max(2 * ChunkRows, Math.Max(batch, others)), _shapes[0].QkvColumns);
        _attended = backend.Allocate(DType.Float32, Math.Max(batch, others), config.HeadCount * config.HeadDim);
        Fill(RotaryEmbedding.CreateTable(backend, config.Rotary, config.HeadDim, context), batch + others, blocks, context);
        _step = NewStep(batch, 0, blocks);
        _others = NewStep(others, batch, blocks);
        SetContext(_others, context);
        Buffers = new AttentionBuffers(backend, _cache.Shape, needs, config.HeadCount, batch, batch, blocks * BlockSize);
    }

    /// <summary>Bytes that <see cref="Evict"/> reads: no fewer than the last-level cache holds.</summary>
    public long EvictedBytes { get; }

    /// <summary>Sizes of the cache.</summary>
    public KvCacheShape Shape => _cache.Shape;

    /// <summary>Layers.</summary>
    public int Layers => _shapes.Length;

    /// <summary>The tensors of sparse attention.</summary>
    public AttentionBuffers Buffers { get; }

    /// <summary>Describes a decode step of the timed sequences, all of which do the same.</summary>
    public void SetStep(AttentionStep plan)
    {
        SetContext(_step, plan.Context);
        Fill(_step.RefreshMask, plan.Refreshes ? 1 : 0);
        Fill(_step.WindowStarts, plan.WindowStart);
        Fill(_step.CriticalCounts, plan.Critical);
    }

    /// <summary>A layer's choice of tokens, where its leaders make one.</summary>
    public void Select(int layer, LayerReading reading, AttentionStep plan)
    {
        if (plan.Refreshes && reading.Retrieval is { } retrieval)
            _backend.Retrieve(_qkv.Take(_batch), _step, new SequenceRange(0, _batch), _shapes[layer], _cache[layer], retrieval);
    }

    /// <summary>A layer's attention.</summary>
    public void Attend(int layer, LayerReading reading, AttentionStep plan)
    {
        Tensor qkv = _qkv.Take(_batch), attended = _attended.Take(_batch);
        SequenceRange sequences = new(0, _batch);
        if (plan.Reads && reading.Selected is { } selected)
            _backend.AttendSelected(qkv, _step, sequences, _shapes[layer], _cache[layer], selected, attended, reading.Mass);
        else
            _backend.AttendDecode(qkv, _step, sequences, _shapes[layer], _cache[layer], attended, reading.Mass);
    }

    /// <summary>Reads the other sequences, on all threads of the backend, which are awake when it returns.</summary>
    public void Evict()
    {
        SequenceRange sequences = new(0, _others.SequenceCount);
        for (int layer = 0; layer < Layers; layer++)
        {
            _backend.AttendDecode(
                _qkv.Take(sequences.Count), _others, sequences, _shapes[layer], _cache[layer], _attended.Take(sequences.Count));
        }

        Wait();
    }

    /// <summary>Waits for the backend.</summary>
    public void Wait()
    {
        Span<float> first = stackalloc float[1];
        _backend.Read(_attended, first);
    }

    // Rows are stored the way a prompt's are, so that page bounds and labels come with the keys.
    private void Fill(RotaryTable rotary, int sequences, int blocks, int context)
    {
        StepTensors step = new(_backend, ChunkRows, 1, blocks) { SequenceCount = 1 };
        for (int sequence = 0; sequence < sequences; sequence++)
        {
            _backend.Write<int>(step.BlockTables, [.. Enumerable.Range(sequence * blocks, blocks)]);
            for (int first = 0; first < context; first += ChunkRows)
            {
                int rows = step.RowCount = Math.Min(ChunkRows, context - first);
                _backend.Write<int>(step.RowStarts, [0, rows]);
                _backend.Write<int>(step.ContextLengths, [first + rows]);
                _backend.Write<int>(step.Positions, [.. Enumerable.Range(first, rows)]);
                _backend.Write<int>(step.Slots, [.. Enumerable.Range(sequence * blocks * BlockSize + first, rows)]);
                for (int layer = 0; layer < Layers; layer++)
                {
                    int from = (37 * layer + first / ChunkRows + 11 * sequence) % ChunkRows; // other rows for every chunk and layer
                    _backend.RotateAndStore(_qkv.Slice(from, rows), step, rotary, null, _shapes[layer], _cache[layer]);
                }
            }
        }
    }

    private StepTensors NewStep(int sequences, int firstSequence, int blocks)
    {
        StepTensors step = new(_backend, sequences, sequences, blocks)
        {
            RowCount = sequences,
            SequenceCount = sequences,
            DecodeCount = sequences,
        };
        for (int i = 0; i < sequences; i++)
            _backend.Write<int>(step.BlockTables.Slice(i, 1), [.. Enumerable.Range((firstSequence + i) * blocks, blocks)]);
        _backend.Write<int>(step.RowStarts, [.. Enumerable.Range(0, sequences + 1)]);
        _backend.Write<int>(step.SequenceSlots, [.. Enumerable.Range(0, sequences)]);
        return step;
    }

    private void SetContext(StepTensors step, int context)
    {
        Fill(step.Positions, context - 1);
        Fill(step.ContextLengths, context);
    }

    private void Fill(Tensor tensor, int value)
    {
        Span<int> values = stackalloc int[tensor.Columns];
        values.Fill(value);
        _backend.Write<int>(tensor, values);
    }

    private Tensor Random(int rows, int columns)
    {
        var random = new Random(1);
        var values = new float[rows * columns];
        foreach (ref float value in values.AsSpan())
            value = 2 * random.NextSingle() - 1;
        Tensor tensor = _backend.Allocate(DType.Float32, rows, columns);
        _backend.Write<float>(tensor, values);
        return tensor;
    }
}
