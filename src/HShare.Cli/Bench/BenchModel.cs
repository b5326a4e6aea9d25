using System.Runtime.InteropServices;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.Cli.Bench;

/// <summary>A model on a backend with one sequence's cache, driven step by step without engine or scheduler.</summary>
internal sealed class BenchModel : IDisposable
{
    /// <summary>Rows of a prefill step, the engine's default.</summary>
    public const int ChunkRows = 512;
    private const int BlockSize = 32;

    private readonly LanguageModel _model;
    private readonly Transformer _transformer;
    private readonly Tensor _logits;
    private readonly int[] _scratch = new int[ChunkRows];

    /// <summary>Makes activations and cache for a model.</summary>
    /// <param name="model">The model; this owns it from here on.</param>
    /// <param name="kvType">Element type of the cache.</param>
    /// <param name="context">Most positions.</param>
    public BenchModel(LanguageModel model, DType kvType, int context)
    {
        _model = model;
        Context = context;
        int blocks = (context + BlockSize - 1) / BlockSize;
        Cache = new KvCache(Backend, new KvCacheShape(Config.LayerCount, Config.KvHeadCount, Config.HeadDim, BlockSize, blocks, kvType));
        FillCache();
        Step = new StepTensors(Backend, ChunkRows, 1, blocks);
        Backend.Write<int>(Step.BlockTables, [.. Enumerable.Range(0, blocks)]);
        _transformer = model.CreateTransformer(context, ChunkRows);
        _logits = Backend.Allocate(DType.Float32, 1, Config.VocabularySize);
    }

    /// <summary>The backend.</summary>
    public Backend Backend => _model.Backend;

    /// <summary>The geometry.</summary>
    public ModelConfig Config => _model.Config;

    /// <summary>The weights.</summary>
    public TransformerWeights Weights => _model.Weights;

    /// <summary>Most positions.</summary>
    public int Context { get; }

    /// <summary>Keys and values, random at first.</summary>
    public KvCache Cache { get; }

    /// <summary>The step's tensors.</summary>
    public StepTensors Step { get; }

    /// <summary>All linear layers of a step, the output projection last.</summary>
    public IEnumerable<LinearWeight> LinearLayers =>
        [.. Weights.Layers.SelectMany(layer => (LinearWeight[])[layer.Qkv, layer.Output, layer.GateUp, layer.Down]), Weights.Head];

    /// <summary>Bytes of weights that a decode step reads.</summary>
    public long StepWeightBytes => LinearLayers.Sum(layer => layer.Data.ByteCount + (layer.Scales.IsNone ? 0 : layer.Scales.ByteCount));

    /// <summary>Bytes of keys and values that a decode step at a context length reads; a sliding window reads less.</summary>
    public long KvBytes(int context) =>
        Config.SlidingWindows.Sum(window => (long)(window > 0 ? Math.Min(window, context) : context))
        * Cache.Shape.BytesPerToken / Config.LayerCount;

    /// <summary>Describes a step of one sequence's rows.</summary>
    /// <param name="position">Position of the first row.</param>
    /// <param name="rows">Rows; one row is a decode step, more are a prefill chunk.</param>
    /// <param name="withLogits">Whether the last row's logits are wanted.</param>
    public void SetStep(int position, int rows, bool withLogits)
    {
        Step.RowCount = rows;
        Step.SequenceCount = 1;
        Step.DecodeCount = rows == 1 ? 1 : 0;
        Step.LogitCount = withLogits ? 1 : 0;
        Span<int> values = _scratch.AsSpan(0, rows);
        for (int i = 0; i < rows; i++)
            values[i] = position + i;
        Backend.Write<int>(Step.Positions, values);
        Backend.Write<int>(Step.Slots, values); // block b of the sequence is block b of the pool
        for (int i = 0; i < rows; i++)
            values[i] = (int)((position + i) * 2654435761L % Config.VocabularySize);
        Backend.Write<int>(Step.TokenIds, values);
        Backend.Write<int>(Step.RowStarts, [0, rows]);
        Backend.Write<int>(Step.ContextLengths, [position + rows]);
        Backend.Write<int>(Step.LogitRows, [rows - 1]);
    }

    /// <summary>Runs the step as the model runs it, and waits for it.</summary>
    public void Forward()
    {
        _transformer.Forward(Step, Cache, _logits);
        Span<float> first = stackalloc float[1];
        Backend.Read(_logits, first);
    }

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();

    /// <summary>Untouched memory reads as one shared page of zeros, out of the caches: blocks are filled before they are timed.</summary>
    private void FillCache()
    {
        var random = new Random(1);
        var values = new float[Cache.Shape.BlockSize * Cache.Shape.KvHeads * Cache.Shape.HeadDim];
        foreach (ref float value in values.AsSpan())
            value = random.NextSingle() - 0.5f;
        byte[] block = Encode(values, Cache.Shape.Type);
        for (int layer = 0; layer < Config.LayerCount; layer++)
        {
            for (int i = 0; i < Cache.Shape.BlockCount; i++)
            {
                Backend.Write<byte>(Cache[layer].Keys.Slice(i, 1), block);
                Backend.Write<byte>(Cache[layer].Values.Slice(i, 1), block);
            }
        }
    }

    private static byte[] Encode(float[] values, DType type) => type switch
    {
        DType.Float32 => MemoryMarshal.AsBytes<float>(values).ToArray(),
        DType.Float16 => MemoryMarshal.AsBytes<Half>(Array.ConvertAll(values, value => (Half)value)).ToArray(),
        DType.BFloat16 => MemoryMarshal.AsBytes<ushort>(
            Array.ConvertAll(values, value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16))).ToArray(),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "A cache holds float32, float16 or bfloat16."),
    };
}
