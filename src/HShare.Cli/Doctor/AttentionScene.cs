using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.Cli.Doctor;

/// <summary>Sequences of some lengths on a backend, read as prompts: what the attention operations are tried on.</summary>
internal sealed class AttentionScene
{
    private const int BlockSize = 32;
    private const int Sinks = 4;
    private const int Window = 32;
    private const int Critical = 80;

    private readonly int[] _contexts;
    private readonly Operands _operands;
    private readonly Backend _backend;
    private readonly AttentionShape _shape;
    private readonly KvLayer _cache;
    private readonly StepTensors _prompts;
    private readonly StepTensors _decode;
    private readonly Tensor _prompt;  // [tokens, qkv]: the prompts' queries, rotated, keys and values
    private readonly Tensor _queries; // [sequences, qkv]
    private readonly int _blocks;     // of a sequence

    /// <summary>Stores the prompts' keys and values.</summary>
    /// <param name="operands">Random operands.</param>
    /// <param name="shape">The heads.</param>
    /// <param name="kv">Element type of the cache.</param>
    /// <param name="contexts">Tokens of each sequence.</param>
    public AttentionScene(Operands operands, AttentionShape shape, DType kv, params int[] contexts)
    {
        _contexts = contexts;
        (_operands, _backend, _shape) = (operands, operands.Backend, shape);
        _blocks = (_contexts.Max() + BlockSize - 1) / BlockSize;
        KvCacheShape cache = new(1, shape.KvHeads, shape.HeadDim, BlockSize, _contexts.Length * _blocks, kv)
        {
            HasPageBounds = true,
            LabelChannels = [.. Enumerable.Range(0, shape.KvHeads).Select(head => (int[])[.. Enumerable.Range(head, 16)])],
        };
        _cache = new KvCache(_backend, cache)[0];
        int tokens = _contexts.Sum();
        _prompts = new StepTensors(_backend, tokens, _contexts.Length, _blocks) { RowCount = tokens, SequenceCount = _contexts.Length };
        _decode = new StepTensors(_backend, _contexts.Length, _contexts.Length, _blocks)
        {
            RowCount = _contexts.Length,
            SequenceCount = _contexts.Length,
            DecodeCount = _contexts.Length,
        };
        DescribePrompts();
        DescribeDecode();
        _prompt = operands.Floats(tokens, shape.QkvColumns, 21);
        _queries = operands.Floats(_contexts.Length, shape.QkvColumns, 22);
        RotaryTable rotary = RotaryEmbedding.CreateTable(_backend, new RotaryConfig(10000, null), shape.HeadDim, _contexts.Max());
        _backend.RotateAndStore(_prompt, _prompts, rotary, null, shape, _cache);
    }

    /// <summary>Rotated queries, and what was stored: keys, values, page bounds and labels.</summary>
    public float[] Stored()
    {
        int columns = _shape.QkvColumns, queries = _shape.Heads * _shape.HeadDim;
        float[] qkv = _operands.Read(_prompt);
        return
        [
            .. Enumerable.Range(0, _prompt.Rows).SelectMany(row => qkv.Skip(row * columns).Take(queries)),
            .. _operands.Read(_cache.Keys),
            .. _operands.Read(_cache.Values),
            .. _operands.Read(_cache.Labels),
            .. Bounds(),
        ];
    }

    /// <summary>Attention of the prompts.</summary>
    public float[] AttendPrefill()
    {
        Tensor attended = Attended(_prompt.Rows);
        _backend.AttendPrefill(_prompt, _prompts, _shape, _cache, attended);
        return _operands.Read(attended);
    }

    /// <summary>Attention of one query for each sequence over everything.</summary>
    public float[] AttendDecode()
    {
        Tensor attended = Attended(_contexts.Length);
        _backend.AttendDecode(_queries, _decode, All, _shape, _cache, attended);
        return _operands.Read(attended);
    }

    /// <summary>Attention of one query for each sequence over sinks, every seventh token and the window.</summary>
    public float[] AttendSelected()
    {
        SelectedTokens selected = Lists();
        foreach (int slot in Enumerable.Range(0, _contexts.Length))
        {
            IEnumerable<int> every = Enumerable.Range(0, Critical).Select(i => Sinks + 7 * i);
            int[] list = [.. every.TakeWhile(token => token < WindowStart(_contexts[slot])).Append(-1).Take(Critical)];
            for (int head = 0; head < _shape.KvHeads; head++)
                _backend.Write<int>(selected.Indices.Slice(slot * selected.Units + head, 1), list);
        }

        Tensor attended = Attended(_contexts.Length);
        _backend.AttendSelected(_queries, _decode, All, _shape, _cache, selected, attended);
        return _operands.Read(attended);
    }

    /// <summary>What every KV head of each sequence chooses.</summary>
    public int[][] Retrieve(Retriever retriever)
    {
        SelectedTokens selected = Lists();
        int tokens = _blocks * BlockSize, rows = _contexts.Length * _shape.KvHeads;
        Tensor mass = Tensor.None;
        if (retriever == Retriever.Accumulated)
        {
            mass = _operands.Floats(rows, tokens);
            _backend.Write<float>(mass, Array.ConvertAll(Operands.Numbers(rows * tokens, 23), Math.Abs));
        }

        bool[] asks = [.. Enumerable.Repeat(true, _shape.KvHeads)];
        _backend.Retrieve(
            _queries, _decode, All, _shape, _cache, new Retrieval(retriever, asks, 0, selected, _operands.Floats(rows, tokens), mass));
        int[] all = new int[selected.Indices.Rows * selected.Indices.Columns];
        _backend.Read<int>(selected.Indices, all);
        return
        [
            .. all.Chunk(Critical).Where((_, row) => row % selected.Units < _shape.KvHeads)
                .Select(list => (int[])[.. list.TakeWhile(token => token >= 0)]),
        ];
    }

    private SequenceRange All => new(0, _contexts.Length);

    private static int WindowStart(int context) => context - Window;

    private Tensor Attended(int rows) => _operands.Activations(rows, _shape.Heads * _shape.HeadDim);

    private SelectedTokens Lists()
    {
        int units = _shape.KvHeads + 1;
        Tensor indices = _backend.Allocate(DType.Int32, _contexts.Length * units, Critical);
        for (int row = 0; row < indices.Rows; row++)
            _backend.Write<int>(indices.Slice(row, 1), [-1]);
        return new SelectedTokens(indices, units, [.. Enumerable.Range(0, _shape.KvHeads)], Sinks);
    }

    // Pages that hold no token are not looked at.
    private IEnumerable<float> Bounds()
    {
        float[] all = _operands.Read(_cache.PageBounds);
        int page = 2 * _shape.HeadDim, pages = BlockSize / KvLayer.PageSize;
        for (int sequence = 0; sequence < _contexts.Length; sequence++)
        {
            for (int p = 0; p < _contexts[sequence] / KvLayer.PageSize; p++)
            {
                int block = sequence * _blocks + p / pages;
                for (int head = 0; head < _shape.KvHeads; head++)
                {
                    int first = ((block * _shape.KvHeads + head) * pages + p % pages) * page;
                    for (int i = first; i < first + page; i++)
                        yield return all[i];
                }
            }
        }
    }

    private void DescribePrompts()
    {
        int[] starts = [0, .. _contexts.Select((_, i) => _contexts.Take(i + 1).Sum())];
        _backend.Write<int>(_prompts.RowStarts, starts);
        _backend.Write<int>(_prompts.ContextLengths, _contexts);
        _backend.Write<int>(_prompts.Positions, [.. _contexts.SelectMany(tokens => Enumerable.Range(0, tokens))]);
        _backend.Write<int>(
            _prompts.Slots, [.. _contexts.SelectMany((tokens, i) => Enumerable.Range(i * _blocks * BlockSize, tokens))]);
        DescribeBlocks(_prompts);
    }

    private void DescribeDecode()
    {
        _backend.Write<int>(_decode.RowStarts, [.. Enumerable.Range(0, _contexts.Length + 1)]);
        _backend.Write<int>(_decode.ContextLengths, _contexts);
        _backend.Write<int>(_decode.Positions, [.. _contexts.Select(tokens => tokens - 1)]);
        _backend.Write<int>(_decode.RefreshMask, [.. _contexts.Select(_ => 1)]);
        _backend.Write<int>(_decode.WindowStarts, [.. _contexts.Select(WindowStart)]);
        _backend.Write<int>(_decode.CriticalCounts, [.. _contexts.Select(_ => Critical)]);
        DescribeBlocks(_decode);
    }

    private void DescribeBlocks(StepTensors step)
    {
        _backend.Write<int>(step.SequenceSlots, [.. Enumerable.Range(0, _contexts.Length)]);
        for (int i = 0; i < _contexts.Length; i++)
            _backend.Write<int>(step.BlockTables.Slice(i, 1), [.. Enumerable.Range(i * _blocks, _blocks)]);
    }
}
