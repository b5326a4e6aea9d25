using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>What a decode step looks like.</summary>
/// <param name="Shape">Heads and window.</param>
/// <param name="Contexts">Tokens of each sequence, the one that is decoded included.</param>
internal sealed record DecodeScene(AttentionShape Shape, params int[] Contexts)
{
    /// <summary>The sequences that are attended; the others must be left alone.</summary>
    public SequenceRange Sequences { get; init; } = new(0, Contexts.Length);

    /// <summary>Tokens that a list has room for; 0 = everything is read.</summary>
    public int ListTokens { get; init; }

    /// <summary>First tokens that are read besides a list.</summary>
    public int Sinks { get; init; } = 5;

    /// <summary>Last tokens that are read besides a list.</summary>
    public int Window { get; init; } = 20;

    /// <summary>Tokens of a cache block.</summary>
    public int BlockSize { get; init; } = 16;

    /// <summary>Which heads share (PoD), or null for a single layer in which none does.</summary>
    public KeySharing? Sharing { get; init; }

    /// <summary>Whether the attention that tokens get is summed up.</summary>
    public bool HasMass { get; init; }

    /// <summary>Whether keys and values are such that 8-bit elements hold them exactly.</summary>
    public bool IsCoarse { get; init; }

    /// <summary>Whether a layer's keys are lost once it has attended: followers of scores must do without.</summary>
    public bool LosesKeys { get; init; }

    /// <summary>Decides what is random.</summary>
    public int Seed { get; init; } = 1;
}

/// <summary>What decode attention has left.</summary>
/// <param name="Attended">[layers]: rows [sequences, heads * head_dim].</param>
/// <param name="Mass">[slots * kv_heads, tokens], or empty.</param>
internal sealed record DecodeResult(IReadOnlyList<float[]> Attended, float[] Mass);

/// <summary>
/// The tensors of decode steps on one backend, the same bits on every one. What no row may read is NaN, or a place that does not exist.
/// </summary>
internal sealed class DecodeStage
{
    /// <summary>Places for sequences; a sequence's is not its index.</summary>
    private const int Slots = 47;

    private readonly Backend _backend;
    private readonly DecodeScene _scene;
    private readonly KvCache _cache;
    private readonly Tensor[] _qkv;
    private readonly Tensor _lists;
    private int[][] _tables = [];

    /// <summary>Allocates for scenes like this one.</summary>
    /// <param name="backend">Where.</param>
    /// <param name="scene">What it may hold at most.</param>
    /// <param name="cacheType">Type of keys and values.</param>
    public DecodeStage(Backend backend, DecodeScene scene, DType cacheType)
    {
        AttentionShape shape = scene.Shape;
        int sequences = scene.Contexts.Length, columns = scene.Contexts.Max() / scene.BlockSize + 2, blocks = sequences * columns + 1;
        int layers = scene.Sharing?.Plan.Layers ?? 1, places = scene.Sharing is { } sharing ? sharing.ScorePlaces().Max() + 1 : 0;
        _backend = backend;
        _scene = scene;
        Tensor logits = backend.Allocate(DType.Float32, places * Slots * shape.Heads, columns * scene.BlockSize);
        _cache = new KvCache(
            backend,
            new KvCacheShape(layers, shape.KvHeads, shape.HeadDim, scene.BlockSize, blocks, cacheType)
            {
                KeySharing = scene.Sharing,
                ProximalBlockCount = blocks,
            },
            default,
            logits);
        Step = new StepTensors(backend, sequences + 2, Slots, columns, scene.Sharing is not null)
        {
            RowCount = sequences,
            SequenceCount = sequences,
            DecodeCount = sequences,
        };
        _qkv = [.. Enumerable.Range(0, layers).Select(_ => backend.Allocate(DType.Float32, sequences, shape.QkvColumns))];
        Attended = [.. _qkv.Select(_ => backend.Allocate(backend.ActivationType, sequences, shape.Heads * shape.HeadDim))];
        _lists = scene.ListTokens == 0 ? default : backend.Allocate(DType.Int32, Slots * layers * shape.KvHeads, scene.ListTokens);
        Mass = scene.HasMass ? backend.Allocate(DType.Float32, Slots * shape.KvHeads, columns * scene.BlockSize) : default;
    }

    /// <summary>The step.</summary>
    public StepTensors Step { get; }

    /// <summary>[layers]: where results go.</summary>
    public Tensor[] Attended { get; }

    /// <summary>Where attention is summed up.</summary>
    public Tensor Mass { get; }

    /// <summary>Rows of <see cref="Mass"/> of a sequence.</summary>
    public Range MassOf(int sequence) => (SlotOf(sequence) * MassSize)..((SlotOf(sequence) + 1) * MassSize);

    private int MassSize => _scene.Shape.KvHeads * Step.BlockTables.Columns * _scene.BlockSize;

    /// <summary>Writes a scene with as many sequences as the one that the tensors were made for.</summary>
    public void Fill(DecodeScene scene)
    {
        Random random = new(scene.Seed);
        Describe(scene, random);
        for (int layer = 0; layer < _qkv.Length; layer++)
        {
            FillKept(scene, _cache[layer].Keys, random, (_, _) => true);
            FillKept(scene, _cache[layer].Values, random, (_, _) => true);
            if (_cache[layer].Distant is { FollowerCount: > 0 } distant)
                FillKept(scene, distant.ProximalKeys, random, IsProximal);
            _backend.Write<float>(_qkv[layer], Floats(random, _qkv[layer].Rows * _qkv[layer].Columns, 2));
            Poison(Attended[layer]);
        }

        if (!_lists.IsNone)
            FillLists(scene, random);
        if (!Mass.IsNone)
            _backend.Write<float>(Mass, Floats(random, Mass.Rows * Mass.Columns, 1e-3f));
    }

    /// <summary>Attends in every layer.</summary>
    public void Attend(AttendLayer attend)
    {
        for (int layer = 0; layer < _qkv.Length; layer++)
        {
            SelectedTokens? selected = _lists.IsNone
                ? null
                : new SelectedTokens(_lists, _qkv.Length * _scene.Shape.KvHeads, Sources(layer), _scene.Sinks);
            attend(_qkv[layer], _cache[layer], selected, Attended[layer]);
            if (_scene.LosesKeys)
                Poison(_cache[layer].Keys);
        }
    }

    /// <summary>What was left.</summary>
    public DecodeResult Read() => new(
        [.. Attended.Select(attended => _backend.Download(attended))], Mass.IsNone ? [] : _backend.Download(Mass));

    private static int SlotOf(int sequence) => (sequence * 3 + 1) % Slots;

    private static float[] Floats(Random random, int count, float scale)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (random.NextSingle() * 2 - 1) * scale;
        return values;
    }

    private void Poison(Tensor tensor)
    {
        float[] poison = new float[tensor.Rows * tensor.Columns];
        Array.Fill(poison, float.NaN);
        _backend.Write<byte>(tensor, TensorBits.Encode(poison, tensor.Type));
    }

    // A head reads its own list, or its leader's.
    private int[] Sources(int layer) => [.. Enumerable.Range(0, _scene.Shape.KvHeads).Select(head =>
        _scene.Sharing is { } sharing && sharing.IsFollower(layer, head)
            ? sharing.Plan[layer, head].Layer * _scene.Shape.KvHeads + head
            : layer * _scene.Shape.KvHeads + head)];

    private void Describe(DecodeScene scene, Random random)
    {
        int columns = Step.BlockTables.Columns, sequences = scene.Contexts.Length;
        int[] free = [.. Enumerable.Range(1, sequences * columns)];
        random.Shuffle(free);
        Queue<int> blocks = new(free);
        _tables = [.. scene.Contexts.Select(context => (int[])[.. Enumerable.Range(0, columns).Select(
            i => i * scene.BlockSize < context ? blocks.Dequeue() : 1 << 24)])];
        _backend.Write<int>(Step.RowStarts, [.. Enumerable.Range(0, sequences + 1)]);
        _backend.Write<int>(Step.Positions, [.. scene.Contexts.Select(context => context - 1)]);
        _backend.Write<int>(Step.ContextLengths, scene.Contexts);
        _backend.Write<int>(Step.SequenceSlots, [.. Enumerable.Range(0, sequences).Select(SlotOf)]);
        _backend.Write<int>(Step.WindowStarts, [.. scene.Contexts.Select(context => WindowStart(scene, context))]);
        for (int i = 0; i < sequences; i++)
        {
            _backend.Write<int>(Step.BlockTables.Slice(i, 1), _tables[i]);
            if (scene.Sharing is not null)
                _backend.Write<int>(Step.ProximalTables.Slice(i, 1), ProximalTable(scene, i));
        }
    }

    private static int WindowStart(DecodeScene scene, int context) => Math.Min(Math.Max(scene.Sinks, context - scene.Window), context - 1);

    // As the table of the sequence, but 0 for blocks without a proximal token.
    private int[] ProximalTable(DecodeScene scene, int sequence) => [.. _tables[sequence].Select((block, i) =>
        Enumerable.Range(i * scene.BlockSize, scene.BlockSize).Any(token => IsProximal(scene.Contexts[sequence], token)) ? block : 0)];

    private bool IsProximal(int context, int token) => token < context
        && (token < _scene.Sharing!.Sinks || token >= context - _scene.Sharing.Recent);

    private void FillLists(DecodeScene scene, Random random)
    {
        int units = _qkv.Length * scene.Shape.KvHeads;
        for (int sequence = 0; sequence < scene.Contexts.Length; sequence++)
        {
            int window = WindowStart(scene, scene.Contexts[sequence]);
            for (int unit = 0; unit < units; unit++)
            {
                int[] candidates = [.. Enumerable.Range(scene.Sinks, Math.Max(0, window - scene.Sinks))];
                random.Shuffle(candidates);
                int most = Math.Min(candidates.Length, scene.ListTokens);
                int count = ((sequence + unit) % 4) switch { 0 => most, 1 => most * 2 / 3, 2 => Math.Min(most, 7), _ => 0 };
                int[] row = new int[scene.ListTokens];
                Array.Fill(row, 1 << 28); // what lies behind the end must not be looked at
                candidates.Take(count).Order().ToArray().CopyTo(row, 0);
                if (count < row.Length)
                    row[count] = -1;
                _backend.Write<int>(_lists.Slice(SlotOf(sequence) * units + unit, 1), row);
            }
        }
    }

    // Random elements for the tokens of all sequences that are kept, NaN everywhere else.
    private void FillKept(DecodeScene scene, Tensor tensor, Random random, Func<int, int, bool> isKept)
    {
        if (tensor.IsNone)
            return;
        float[] elements = new float[tensor.Rows * tensor.Columns];
        Array.Fill(elements, float.NaN);
        int headDim = scene.Shape.HeadDim, headColumns = scene.BlockSize * headDim;
        for (int i = 0; i < scene.Contexts.Length; i++)
        {
            for (int token = 0; token < scene.Contexts[i]; token++)
            {
                int at = _tables[i][token / scene.BlockSize] * tensor.Columns + token % scene.BlockSize * headDim;
                for (int head = 0; head < tensor.Columns / headColumns && isKept(scene.Contexts[i], token); head++)
                {
                    float[] row = Floats(random, headDim, 1.5f);
                    if (scene.IsCoarse)
                        row = Array.ConvertAll(row, value => MathF.Round(value * 8) / 8);
                    row.CopyTo(elements, at + head * headColumns);
                }
            }
        }

        _backend.Write<byte>(tensor, TensorBits.Encode(elements, tensor.Type));
    }

    /// <summary>Decode attention of one layer.</summary>
    public delegate void AttendLayer(Tensor qkv, KvLayer cache, SelectedTokens? selected, Tensor attended);
}
