using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.Cli.Bench.Gpu;

/// <summary>
/// The memory of a KV cache, full of random keys and values, out of which stacks of layers are cut: every grid cell reads its own cut of
/// one allocation. Page bounds and labels lie beside the keys and belong to them.
/// </summary>
internal sealed class KvMemory
{
    /// <summary>Tokens of a block, the engine's default.</summary>
    public const int BlockSize = 32;

    /// <summary>Tokens that are stored at once; queries, keys and values of twice as many are made up.</summary>
    private const int ChunkRows = 2048;

    private readonly Backend _backend;
    private readonly AttentionShape _heads;
    private readonly KvLayer _all; // as if all memory were one layer's

    /// <summary>Allocates the memory and fills it.</summary>
    /// <param name="backend">Whose memory it is.</param>
    /// <param name="heads">The heads of each layer.</param>
    /// <param name="type">Element type.</param>
    /// <param name="hasPageBounds">Whether page bounds are kept.</param>
    /// <param name="labelChannels">Channels kept as labels; 0 = none.</param>
    /// <param name="blocks">Blocks to take at most.</param>
    /// <param name="bytes">Bytes to take at most.</param>
    /// <param name="cancellationToken">Ends the filling.</param>
    public KvMemory(
        Backend backend,
        HeadGeometry heads,
        DType type,
        bool hasPageBounds,
        int labelChannels,
        long blocks,
        long bytes,
        CancellationToken cancellationToken)
    {
        _backend = backend;
        _heads = new AttentionShape(heads.Heads, heads.KvHeads, heads.HeadDim, 0);
        Shape = new KvCacheShape(1, heads.KvHeads, heads.HeadDim, BlockSize, 0, type)
        {
            HasPageBounds = hasPageBounds,
            LabelChannels = labelChannels > 0 ? RatioPlan.LabelChannels(1, heads.KvHeads, heads.HeadDim, labelChannels) : [],
        };
        Shape = Shape with { BlockCount = (int)Math.Min(Math.Min(blocks, bytes / Shape.BlockBytes), int.MaxValue / BlockSize) };
        _all = new KvCache(backend, Shape)[0];
        Fill(cancellationToken);
    }

    /// <summary>Sizes, as if all memory were one layer's.</summary>
    public KvCacheShape Shape { get; }

    /// <summary>Blocks of one layer.</summary>
    public int Blocks => Shape.BlockCount;

    /// <summary>Cuts out a stack of layers.</summary>
    /// <param name="layers">Layers.</param>
    /// <param name="blocks">Blocks of each layer; layers * blocks are at most <see cref="Blocks"/>.</param>
    public KvLayer[] Cut(int layers, int blocks) =>
    [
        .. Enumerable.Range(0, layers).Select(layer => _all with
        {
            Keys = _all.Keys.Slice(layer * blocks, blocks),
            Values = _all.Values.Slice(layer * blocks, blocks),
            PageBounds = Part(_all.PageBounds, layer * blocks, blocks),
            Labels = Part(_all.Labels, layer * blocks, blocks),
        }),
    ];

    private static Tensor Part(Tensor all, int first, int count) => all.IsNone ? all : all.Slice(first, count);

    // Each chunk is stored as a prompt of its own, so that page bounds and labels come with the keys.
    private void Fill(CancellationToken cancellationToken)
    {
        RotaryTable rotary = RotaryEmbedding.CreateTable(_backend, new RotaryConfig(10000, null), _heads.HeadDim, ChunkRows);
        Tensor qkv = Random(_backend, 2 * ChunkRows, _heads.QkvColumns);
        StepTensors step = new(_backend, ChunkRows, 1, ChunkRows / BlockSize) { SequenceCount = 1 };
        _backend.Write<int>(step.Positions, [.. Enumerable.Range(0, ChunkRows)]);
        long tokens = (long)Blocks * BlockSize;
        for (long first = 0; first < tokens; first += ChunkRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int rows = step.RowCount = (int)Math.Min(ChunkRows, tokens - first), block = (int)(first / BlockSize);
            _backend.Write<int>(step.RowStarts, [0, rows]);
            _backend.Write<int>(step.ContextLengths, [rows]);
            _backend.Write<int>(step.BlockTables, [.. Enumerable.Range(block, rows / BlockSize)]);
            _backend.Write<int>(step.Slots, [.. Enumerable.Range((int)first, rows)]);
            int from = (int)(first / ChunkRows * 37 % ChunkRows); // other rows for every chunk
            _backend.RotateAndStore(qkv.Slice(from, rows), step, rotary, null, _heads, _all);
        }
    }

    /// <summary>A matrix of random numbers between -1 and 1.</summary>
    public static Tensor Random(Backend backend, int rows, int columns)
    {
        const int RowsAtOnce = 256;
        Tensor tensor = backend.Allocate(DType.Float32, rows, columns);
        float[] values = new float[Math.Min(rows, RowsAtOnce) * columns];
        Random random = new(1);
        for (int row = 0; row < rows; row += RowsAtOnce)
        {
            Span<float> part = values.AsSpan(0, Math.Min(RowsAtOnce, rows - row) * columns);
            foreach (ref float value in part)
                value = 2 * random.NextSingle() - 1;
            backend.Write<float>(tensor.Slice(row, Math.Min(RowsAtOnce, rows - row)), part);
        }

        return tensor;
    }
}
