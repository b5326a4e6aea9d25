using System.Runtime.InteropServices;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Tests.Compute;

/// <summary>One sequence of a <see cref="SparseRun"/>: what each layer projects for it, and its place in memory.</summary>
/// <param name="Layers">[layers]: queries, keys and values.</param>
/// <param name="Slot">Where its lists of chosen tokens and its attention mass lie.</param>
internal sealed record SparseSequence(IReadOnlyList<AttentionSequence> Layers, int Slot)
{
    /// <summary>Its cache blocks.</summary>
    public List<int> Blocks { get; } = [];

    /// <summary>Its blocks of proximal keys (PoD).</summary>
    public ProximalBlocks? Proximal { get; set; }

    /// <summary>Its only layer.</summary>
    public AttentionSequence Only => Layers.Single();
}

/// <summary>Rows [start, start + count) of a sequence in a step.</summary>
internal sealed record SparseRows(SparseSequence Sequence, int Start, int Count)
{
    /// <summary>First token of its window.</summary>
    public int Window { get; init; }

    /// <summary>Most tokens that its leaders choose.</summary>
    public int Critical { get; init; }

    /// <summary>Whether they choose.</summary>
    public bool Refresh { get; init; } = true;
}

/// <summary>
/// Steps over a paged cache of one or several layers with everything that sparse attention keeps: lists, masses, page bounds, labels,
/// proximal keys. The rotation is the identity unless one is given, blocks are handed out in random order, and memory starts out as if
/// others had used it.
/// </summary>
internal sealed class SparseRun
{
    public const int MaxSequences = 8;

    private const int MaxRows = 2100;

    private readonly Backend _backend;
    private readonly RotaryTable _rotary;
    private readonly Tensor _qkv;
    private readonly Tensor _attended;
    private readonly Queue<int> _freeBlocks;
    private readonly BlockPool? _proximalPool;

    public SparseRun(
        Backend backend, AttentionShape shape, KvCacheShape cache, int tokens = 2112, int listTokens = 256, RotaryConfig? rotary = null)
    {
        _backend = backend;
        Shape = shape;
        Tokens = tokens / cache.BlockSize * cache.BlockSize;
        int blocks = MaxSequences * Tokens / cache.BlockSize;
        int places = cache.KeySharing is { } sharing ? sharing.ScorePlaces().Max() + 1 : 0;
        Tensor queries = backend.Allocate(DType.Float32, places * MaxRows, shape.Heads * shape.HeadDim);
        Tensor logits = backend.Allocate(DType.Float32, places * MaxSequences * shape.Heads, Tokens);
        Cache = new KvCache(backend, cache with { BlockCount = blocks, ProximalBlockCount = blocks }, queries, logits);
        Step = new StepTensors(backend, MaxRows, MaxSequences, Tokens / cache.BlockSize, cache.KeySharing is not null);
        _rotary = rotary is null
            ? Identity(backend, shape.HeadDim / 2)
            : RotaryEmbedding.CreateTable(backend, rotary, shape.HeadDim, MaxRows);
        _qkv = backend.Allocate(DType.Float32, MaxRows, shape.QkvColumns);
        _attended = backend.Allocate(DType.Float32, MaxRows, shape.Heads * shape.HeadDim);
        Units = cache.Layers * shape.KvHeads;
        Lists = backend.Allocate(DType.Int32, MaxSequences * Units, listTokens);
        Scores = backend.Allocate(DType.Float32, MaxSequences * shape.KvHeads, Tokens);
        Mass = backend.UploadRandom(DType.Float32, MaxSequences * shape.KvHeads, Tokens, new Random(8), 100);
        int[] order = [.. Enumerable.Range(0, blocks)];
        new Random(3).Shuffle(order);
        _freeBlocks = new Queue<int>(order);
        _proximalPool = cache.KeySharing is null ? null : new BlockPool(blocks);
    }

    public AttentionShape Shape { get; }

    public KvCache Cache { get; }

    public StepTensors Step { get; }

    /// <summary>Tokens that a sequence's blocks hold.</summary>
    public int Tokens { get; }

    /// <summary>Lists of a slot: layers * kv_heads.</summary>
    public int Units { get; }

    public Tensor Lists { get; }

    public Tensor Scores { get; }

    public Tensor Mass { get; }

    /// <summary>The shape of a cache without sharing; sizes of the pools are filled in.</summary>
    public static KvCacheShape CacheOf(AttentionShape shape, DType type = DType.Float32, int layers = 1, int blockSize = 16) =>
        new(layers, shape.KvHeads, shape.HeadDim, blockSize, 0, type);

    /// <summary>Stores rows of each sequence, attends in each layer, and returns the attended rows [layers][sequences].</summary>
    /// <param name="parts">The rows; decode rows come first.</param>
    /// <param name="decode">How many of the parts decode.</param>
    /// <param name="attend">Attends in a layer, from its queries, keys and values to where the result goes.</param>
    public float[][][] Forward(SparseRows[] parts, int decode, Action<int, Tensor, Tensor> attend)
    {
        int[] starts = Describe(parts, decode);
        int rows = starts[^1];
        float[][][] results = new float[Cache.Shape.Layers][][];
        for (int layer = 0; layer < results.Length; layer++)
        {
            for (int i = 0; i < parts.Length; i++)
            {
                AttentionSequence sequence = parts[i].Sequence.Layers[layer];
                _backend.Write<float>(
                    _qkv.Slice(starts[i], parts[i].Count),
                    sequence.Qkv.AsSpan(parts[i].Start * Shape.QkvColumns, parts[i].Count * Shape.QkvColumns));
            }

            _backend.RotateAndStore(_qkv.Take(rows), Step, _rotary, null, Shape, Cache[layer]);
            attend(layer, _qkv.Take(rows), _attended.Take(rows));
            results[layer] = [.. parts.Select((part, i) => _backend.Download(_attended.Slice(starts[i], part.Count)))];
        }

        foreach (SparseRows part in parts)
            part.Sequence.Proximal?.Trim(part.Start + part.Count);
        return results;
    }

    /// <summary>Stores and attends rows as a model without groups does: prompts and decode rows read everything.</summary>
    public float[][][] Forward(SparseRows[] parts, int decode) => Forward(parts, decode, (layer, qkv, attended) =>
    {
        if (decode > 0)
            _backend.AttendDecode(qkv, Step, new SequenceRange(0, decode), Shape, Cache[layer], attended);
        if (decode < parts.Length)
            _backend.AttendPrefill(qkv, Step, Shape, Cache[layer], attended);
    });

    /// <summary>Reads the first tokens of sequences, in chunks.</summary>
    public void Prefill(SparseSequence sequence, int count, int chunk = MaxRows)
    {
        for (int start = 0; start < count; start += chunk)
            Forward([new SparseRows(sequence, start, Math.Min(chunk, count - start))], decode: 0);
    }

    /// <summary>How heads of a layer read lists: each its own.</summary>
    public SelectedTokens OwnLists(int layer, int sinks) =>
        new(Lists, Units, [.. Enumerable.Range(layer * Shape.KvHeads, Shape.KvHeads)], sinks);

    /// <summary>Writes a list, -1 behind it.</summary>
    public void SetList(int slot, int unit, IReadOnlyList<int> tokens)
    {
        int[] row = new int[Lists.Columns];
        Array.Fill(row, -1);
        tokens.ToArray().CopyTo(row, 0);
        _backend.Write<int>(Lists.Slice(slot * Units + unit, 1), row);
    }

    /// <summary>A list up to its first -1.</summary>
    public int[] GetList(int slot, int unit)
    {
        int[] row = new int[Lists.Columns];
        _backend.Read<int>(Lists.Slice(slot * Units + unit, 1), row);
        return [.. row.TakeWhile(token => token != -1)];
    }

    /// <summary>The attention mass of a KV head's tokens.</summary>
    public float[] GetMass(int slot, int kvHead) => _backend.Download(Mass.Slice(slot * Shape.KvHeads + kvHead, 1));

    private static RotaryTable Identity(Backend backend, int columns)
    {
        float[] ones = new float[MaxRows * columns];
        Array.Fill(ones, 1);
        return new RotaryTable(backend.Upload(DType.Float32, MaxRows, columns, ones), backend.Allocate(DType.Float32, MaxRows, columns));
    }

    private int[] Describe(SparseRows[] parts, int decode)
    {
        List<int> positions = [], slots = [], proximalSlots = [], starts = [0];
        for (int i = 0; i < parts.Length; i++)
        {
            (SparseSequence sequence, int start, int count) = parts[i];
            while (sequence.Blocks.Count * Cache.Shape.BlockSize < start + count)
                sequence.Blocks.Add(_freeBlocks.Dequeue());
            positions.AddRange(Enumerable.Range(start, count));
            slots.AddRange(Enumerable.Range(start, count).Select(position => SlotOf(sequence, position)));
            starts.Add(starts[^1] + count);
            _backend.Write<int>(Step.BlockTables.Slice(i, 1), CollectionsMarshal.AsSpan(sequence.Blocks));
            if (_proximalPool is not null)
                proximalSlots.AddRange(DescribeProximal(i, sequence, start, count));
        }

        Step.RowCount = starts[^1];
        Step.SequenceCount = parts.Length;
        Step.DecodeCount = decode;
        _backend.Write<int>(Step.Positions, [.. positions]);
        _backend.Write<int>(Step.Slots, [.. slots]);
        _backend.Write<int>(Step.RowStarts, [.. starts]);
        _backend.Write<int>(Step.ContextLengths, [.. parts.Select(part => part.Start + part.Count)]);
        _backend.Write<int>(Step.SequenceSlots, [.. parts.Select(part => part.Sequence.Slot)]);
        _backend.Write<int>(Step.RefreshMask, [.. parts.Select(part => part.Refresh ? 1 : 0)]);
        _backend.Write<int>(Step.WindowStarts, [.. parts.Select(part => part.Window)]);
        _backend.Write<int>(Step.CriticalCounts, [.. parts.Select(part => part.Critical)]);
        if (proximalSlots.Count > 0)
            _backend.Write<int>(Step.ProximalSlots, [.. proximalSlots]);
        return [.. starts];
    }

    private int SlotOf(SparseSequence sequence, int position) =>
        sequence.Blocks[position / Cache.Shape.BlockSize] * Cache.Shape.BlockSize + position % Cache.Shape.BlockSize;

    private IEnumerable<int> DescribeProximal(int index, SparseSequence sequence, int start, int count)
    {
        ProximalBlocks proximal = sequence.Proximal ??= new ProximalBlocks(_proximalPool!, Cache.Shape.KeySharing!, Cache.Shape.BlockSize);
        proximal.Grow(start + count);
        int[] table = new int[proximal.Count];
        proximal.CopyTo(table);
        _backend.Write<int>(Step.ProximalTables.Slice(index, 1), table);
        return Enumerable.Range(start, count).Select(proximal.SlotOf).ToArray();
    }
}
