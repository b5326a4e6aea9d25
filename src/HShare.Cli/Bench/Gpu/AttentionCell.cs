using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.Cli.Bench.Gpu;

/// <summary>
/// One cell of the grid: a stack of layers, and several sets of sequences that take turns, so that what a pass reads has left the
/// device's cache when the next pass reads it again.
/// </summary>
internal sealed class AttentionCell
{
    private readonly Backend _backend;
    private readonly AttentionShape _heads;
    private readonly KvLayer[] _layers;
    private readonly StepTensors[] _sets;
    private readonly AttentionBuffers _buffers;
    private readonly SequenceRange _sequences;
    private readonly Tensor _qkv;      // [batch, (heads + 2 kv_heads) * head_dim]
    private readonly Tensor _attended; // [batch, heads * head_dim]

    /// <summary>Cuts a cell out of the memory.</summary>
    /// <param name="memory">Keys and values.</param>
    /// <param name="backend">Whose memory it is.</param>
    /// <param name="heads">The heads of each layer.</param>
    /// <param name="size">Batch, context, layers and sets.</param>
    /// <param name="needs">What the presets need.</param>
    public AttentionCell(KvMemory memory, Backend backend, HeadGeometry heads, CellSize size, AttentionNeeds needs)
    {
        _backend = backend;
        _heads = new AttentionShape(heads.Heads, heads.KvHeads, heads.HeadDim, 0);
        _sequences = new SequenceRange(0, size.Batch);
        int sequences = size.Batch * size.Sets, blocks = size.BlocksPerSequence;
        _layers = memory.Cut(size.Layers, sequences * blocks);
        Shape = memory.Shape with { Layers = size.Layers, BlockCount = sequences * blocks };
        _buffers = new AttentionBuffers(
            backend, Shape, needs, heads.Heads, size.Batch, sequences, blocks * KvMemory.BlockSize);
        int[] places = [.. Enumerable.Range(0, sequences * blocks)];
        new Random(1).Shuffle(places); // as blocks lie that were taken and given back for a while
        _sets = [.. Enumerable.Range(0, size.Sets).Select(set => Set(places, set, size, blocks))];
        _qkv = KvMemory.Random(backend, size.Batch, _heads.QkvColumns);
        _attended = backend.Allocate(backend.ActivationType, size.Batch, heads.Heads * heads.HeadDim);
    }

    /// <summary>Sizes of the cell's cache.</summary>
    public KvCacheShape Shape { get; }

    /// <summary>A policy in terms of the cell's tensors.</summary>
    public IReadOnlyList<LayerReading> Bind(AttentionPolicy policy) => _buffers.Bind(policy);

    /// <summary>Describes the step, which is the same for all sequences.</summary>
    public void SetStep(AttentionStep plan)
    {
        foreach (StepTensors set in _sets)
        {
            Fill(set.Positions, plan.Context - 1);
            Fill(set.ContextLengths, plan.Context);
            Fill(set.RefreshMask, plan.Refreshes ? 1 : 0);
            Fill(set.WindowStarts, plan.WindowStart);
            Fill(set.CriticalCounts, plan.Critical);
        }
    }

    /// <summary>One pass of every set over all layers, as the model makes it: the choice where leaders make one, then attention.</summary>
    public void Pass(IReadOnlyList<LayerReading> readings, bool refreshes, bool reads)
    {
        foreach (StepTensors set in _sets)
        {
            for (int layer = 0; layer < _layers.Length; layer++)
            {
                LayerReading reading = readings[layer];
                if (refreshes && reading.Retrieval is { } retrieval)
                    _backend.Retrieve(_qkv, set, _sequences, _heads, _layers[layer], retrieval);
                if (reads && reading.Selected is { } selected)
                    _backend.AttendSelected(_qkv, set, _sequences, _heads, _layers[layer], selected, _attended, reading.Mass);
                else
                    _backend.AttendDecode(_qkv, set, _sequences, _heads, _layers[layer], _attended, reading.Mass);
            }
        }
    }

    private StepTensors Set(int[] places, int set, CellSize size, int blocks)
    {
        int batch = size.Batch;
        StepTensors step = new(_backend, batch, batch * size.Sets, blocks)
        {
            RowCount = batch,
            SequenceCount = batch,
            DecodeCount = batch,
        };
        for (int i = 0; i < batch; i++)
            _backend.Write<int>(step.BlockTables.Slice(i, 1), places.AsSpan((set * batch + i) * blocks, blocks));
        _backend.Write<int>(step.RowStarts, [.. Enumerable.Range(0, batch + 1)]);
        _backend.Write<int>(step.SequenceSlots, [.. Enumerable.Range(set * batch, batch)]);
        return step;
    }

    private void Fill(Tensor tensor, int value)
    {
        int[] values = new int[tensor.Columns];
        Array.Fill(values, value);
        _backend.Write<int>(tensor, values);
    }
}

/// <summary>How large a cell is.</summary>
/// <param name="Batch">Sequences of a step.</param>
/// <param name="Context">Tokens of each.</param>
/// <param name="Layers">Layers of the stack.</param>
/// <param name="Sets">Sets of sequences that take turns.</param>
internal readonly record struct CellSize(int Batch, int Context, int Layers, int Sets)
{
    private const int MostLayers = 32; // as many as a model of 7B parameters has
    private const int MostSets = 16;

    /// <summary>Cache blocks of one sequence.</summary>
    public int BlocksPerSequence => (Context + KvMemory.BlockSize - 1) / KvMemory.BlockSize;

    /// <summary>Cache blocks of all.</summary>
    public long Blocks => (long)Layers * Sets * Batch * BlocksPerSequence;

    /// <summary>
    /// As many layers as a model of 7B parameters has, or as fit, and so many sets that a pass reads what the device's cache holds several
    /// times over; null where not even two layers fit.
    /// </summary>
    /// <param name="batch">Sequences of a step.</param>
    /// <param name="context">Tokens of each.</param>
    /// <param name="blocks">Blocks that there are.</param>
    /// <param name="leastTokens">Tokens that a head reads under the preset that reads least.</param>
    /// <param name="tokenBytes">Bytes of a layer's keys and values of one token.</param>
    /// <param name="cacheBytes">Bytes of the device's cache.</param>
    public static CellSize? Fit(int batch, int context, int blocks, int leastTokens, long tokenBytes, long cacheBytes)
    {
        CellSize one = new(batch, context, 1, 1);
        long needed = (long)batch * one.BlocksPerSequence;
        int layers = MostLayers;
        while (layers * needed > blocks)
            layers /= 2;
        if (layers < 2)
            return null;

        long pass = (long)batch * leastTokens * tokenBytes * layers;
        long sets = Math.Min(4 * cacheBytes / pass + 1, Math.Min(MostSets, blocks / (layers * needed)));
        return one with { Layers = layers, Sets = (int)sets };
    }
}
