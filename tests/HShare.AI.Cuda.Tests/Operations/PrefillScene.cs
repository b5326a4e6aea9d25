using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>A sequence of a step: tokens that are in the cache already, and rows of this step behind them.</summary>
internal readonly record struct PrefillPart(int Context, int Rows);

/// <summary>
/// A step with prompts, and what the cache holds then: the same bits for every backend. What no row may read is NaN, in outputs too.
/// </summary>
/// <param name="Shape">Heads and window.</param>
/// <param name="Parts">The sequences; the first ones decode.</param>
internal sealed record PrefillScene(AttentionShape Shape, params PrefillPart[] Parts)
{
    private const int Slots = 5;

    /// <summary>How many of the parts decode; they have one row each.</summary>
    public int DecodeCount { get; init; }

    /// <summary>Type of keys and values.</summary>
    public DType CacheType { get; init; } = DType.BFloat16;

    /// <summary>Whether keys and values are such that 8-bit elements hold them exactly.</summary>
    public bool IsCoarse { get; init; }

    /// <summary>Tokens of a cache block.</summary>
    public int BlockSize { get; init; } = 16;

    /// <summary>Which heads of the second layer share (PoD), or null for a single layer.</summary>
    public KeySharing? Sharing { get; init; }

    /// <summary>Sequences whose attention is summed up.</summary>
    public SequenceRange Mass { get; init; }

    /// <summary>First row of each part, and the one behind the last.</summary>
    public int[] RowStarts => [.. Enumerable.Range(0, Parts.Length + 1).Select(i => Parts[..i].Sum(part => part.Rows))];

    private int Layers => Sharing?.Plan.Layers ?? 1;

    private int Tokens => (Parts.Max(part => part.Context + part.Rows) / BlockSize + 2) * BlockSize;

    /// <summary>What attention leaves on a backend.</summary>
    /// <param name="backend">Whose memory it works in.</param>
    /// <param name="attend">The operation; its operands are those of <see cref="Backend.AttendPrefill"/>.</param>
    public PrefillResult Run(Backend backend, Attend attend)
    {
        Random random = new(Parts.Length + Shape.HeadDim);
        int rows = RowStarts[^1], tableColumns = Tokens / BlockSize, blockCount = Parts.Length * tableColumns + 1;
        int[][] tables = Tables(random, tableColumns, blockCount);
        int places = Sharing is null ? 0 : Sharing.ScorePlaces().Max() + 1;
        Tensor queries = backend.Allocate(DType.Float32, places * (rows + 3), Shape.Heads * Shape.HeadDim);
        KvCacheShape cacheShape = new(Layers, Shape.KvHeads, Shape.HeadDim, BlockSize, blockCount, CacheType)
        {
            KeySharing = Sharing,
            ProximalBlockCount = blockCount,
        };
        KvCache cache = new(backend, cacheShape, queries);
        StepTensors step = Describe(backend, tables, tableColumns, rows);
        Tensor qkv = backend.Allocate(DType.Float32, rows, Shape.QkvColumns);
        Tensor attended = backend.Allocate(backend.ActivationType, rows, Shape.Heads * Shape.HeadDim);
        Tensor mass = Mass.Count == 0 ? Tensor.None : backend.Allocate(DType.Float32, Slots * Shape.KvHeads, Tokens);
        if (!mass.IsNone)
            backend.Write<float>(mass, Floats(random, mass.Rows * mass.Columns, 3));
        List<float[]> results = [];
        for (int layer = 0; layer < Layers; layer++)
        {
            Fill(backend, cache[layer], tables, random);
            backend.Write<float>(qkv, Floats(random, rows * Shape.QkvColumns, 2));
            Poison(backend, attended);
            attend(qkv, step, cache[layer], attended, mass);
            results.Add(backend.Download(attended));
        }

        return new PrefillResult(results, mass.IsNone ? [] : backend.Download(mass), backend.Download(queries));
    }

    /// <summary>Rows of <see cref="PrefillResult.Mass"/> that a sequence's heads have.</summary>
    public Range MassOf(int sequence) => (Slot(sequence) * Shape.KvHeads * Tokens)..((Slot(sequence) + 1) * Shape.KvHeads * Tokens);

    private static int Slot(int sequence) => (sequence * 3 + 1) % Slots;

    // Blocks in random order; block 0 is nobody's, and what lies behind a table's end is no block at all.
    private int[][] Tables(Random random, int columns, int blockCount)
    {
        int[] free = [.. Enumerable.Range(1, blockCount - 1)];
        random.Shuffle(free);
        Queue<int> blocks = new(free);
        return [.. Parts.Select(part => (int[])[.. Enumerable.Range(0, columns).Select(
            i => i * BlockSize < part.Context + part.Rows ? blocks.Dequeue() : 1 << 24)])];
    }

    private StepTensors Describe(Backend backend, int[][] tables, int tableColumns, int rows)
    {
        int[] starts = RowStarts;
        StepTensors step = new(backend, rows + 3, Slots, tableColumns, Sharing is not null)
        {
            RowCount = rows,
            SequenceCount = Parts.Length,
            DecodeCount = DecodeCount,
        };
        backend.Write<int>(step.RowStarts, starts);
        backend.Write<int>(step.Positions, [.. Parts.SelectMany(part => Enumerable.Range(part.Context, part.Rows))]);
        backend.Write<int>(step.ContextLengths, [.. Parts.Select(part => part.Context + part.Rows)]);
        backend.Write<int>(step.SequenceSlots, [.. Parts.Select((_, i) => Slot(i))]);
        for (int i = 0; i < Parts.Length; i++)
        {
            backend.Write<int>(step.BlockTables.Slice(i, 1), tables[i]);
            if (Sharing is not null)
                backend.Write<int>(step.ProximalTables.Slice(i, 1), ProximalTable(Parts[i], tables[i]));
        }

        return step;
    }

    // As the table of the sequence, but 0 for blocks without a proximal token.
    private int[] ProximalTable(PrefillPart part, int[] table) => [.. table.Select((block, i) =>
        Enumerable.Range(i * BlockSize, BlockSize).Any(token => IsProximal(part, token)) ? block : 0)];

    // Whether any of the rows reads a follower's own key of a token.
    private bool IsProximal(PrefillPart part, int token) => token < part.Context + part.Rows
        && (token < Sharing!.Sinks || token > part.Context - Sharing.Recent);

    private void Fill(Backend backend, KvLayer layer, int[][] tables, Random random)
    {
        Fill(backend, layer.Keys, tables, random, (_, _) => true);
        Fill(backend, layer.Values, tables, random, (_, _) => true);
        if (layer.Distant is { FollowerCount: > 0 } distant)
            Fill(backend, distant.ProximalKeys, tables, random, IsProximal);
    }

    // Random elements for the tokens of all parts that are kept, NaN everywhere else.
    private void Fill(Backend backend, Tensor tensor, int[][] tables, Random random, Func<PrefillPart, int, bool> isKept)
    {
        if (tensor.IsNone)
            return;
        float[] elements = new float[tensor.Rows * tensor.Columns];
        Array.Fill(elements, float.NaN);
        int headColumns = BlockSize * Shape.HeadDim;
        for (int i = 0; i < Parts.Length; i++)
        {
            for (int token = 0; token < Parts[i].Context + Parts[i].Rows; token++)
            {
                int at = tables[i][token / BlockSize] * tensor.Columns + token % BlockSize * Shape.HeadDim;
                for (int head = 0; head < tensor.Columns / headColumns && isKept(Parts[i], token); head++)
                    Elements(random).CopyTo(elements, at + head * headColumns);
            }
        }

        backend.Write<byte>(tensor, TensorBits.Encode(elements, tensor.Type));
    }

    private float[] Elements(Random random)
    {
        float[] elements = Floats(random, Shape.HeadDim, 1.5f);
        return IsCoarse ? Array.ConvertAll(elements, value => MathF.Round(value * 8) / 8) : elements;
    }

    private static void Poison(Backend backend, Tensor tensor)
    {
        float[] poison = new float[tensor.Rows * tensor.Columns];
        Array.Fill(poison, float.NaN);
        backend.Write<byte>(tensor, TensorBits.Encode(poison, tensor.Type));
    }

    private static float[] Floats(Random random, int count, float scale)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (random.NextSingle() * 2 - 1) * scale;
        return values;
    }

    /// <summary>Prefill attention of one layer.</summary>
    public delegate void Attend(Tensor qkv, StepTensors step, KvLayer cache, Tensor attended, Tensor mass);
}

/// <summary>What prefill attention has left.</summary>
/// <param name="Attended">[layers]: the attended rows [rows, heads * head_dim].</param>
/// <param name="Mass">Attention by token [slots * kv_heads, tokens], or empty.</param>
/// <param name="Queries">The leaders' queries.</param>
internal sealed record PrefillResult(IReadOnlyList<float[]> Attended, float[] Mass, float[] Queries);
