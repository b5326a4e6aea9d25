using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using CpuBackend = HShare.AI.Engine.Compute.Cpu.CpuBackend;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>A sequence of a <see cref="RetrieveScene"/>: its last row chooses.</summary>
/// <param name="Context">Tokens in the cache.</param>
/// <param name="Window">Tokens of the window behind the candidates.</param>
/// <param name="Critical">Most tokens to choose.</param>
/// <param name="Rows">Rows of the step.</param>
/// <param name="Refreshes">Whether it chooses.</param>
internal sealed record RetrieveSequence(int Context, int Window, int Critical, int Rows = 1, bool Refreshes = true);

/// <summary>
/// The same cache, the same queries and the same step on the CPU and on the GPU. Everything that a retriever reads is random (labels and
/// bounds are not those of the keys), of numbers that every element type has exactly.
/// </summary>
internal sealed class RetrieveScene : IDisposable
{
    public const int Poison = -7;

    private const int BlockSize = 32, ListTokens = 160;

    private readonly RetrieveSequence[] _sequences;
    private readonly CpuBackend _cpu = new(1);
    private readonly Side _cpuSide;
    private readonly Side _gpuSide;

    /// <param name="shape">Heads and window.</param>
    /// <param name="type">Element type of the cache: the GPU's; the CPU has float32.</param>
    /// <param name="channels">Label channels.</param>
    /// <param name="sequences">Sequences of the step.</param>
    /// <param name="follows">Whether KV head 0 follows another layer (PoD) and keeps no keys.</param>
    public RetrieveScene(AttentionShape shape, DType type, int channels, RetrieveSequence[] sequences, bool follows = false)
    {
        Shape = shape;
        _sequences = sequences;
        Gpu = Testing.Gpu.Backend(type == DType.Float16 ? DType.Float16 : DType.BFloat16);
        Tokens = (sequences.Max(one => one.Context) / BlockSize + 2) * BlockSize;
        Random random = new(31);
        int blocks = sequences.Length * Tokens / BlockSize + 1, rows = sequences.Sum(one => one.Rows);
        int[][] labels = [.. Enumerable.Range(0, shape.KvHeads * 2).Select(_ =>
            Enumerable.Range(0, channels).Select(_ => random.Next(shape.HeadDim)).ToArray())];
        SharingPlan plan = SharingPlan.Independent(2, shape.KvHeads);
        HeadRule[] rules = [.. plan.Rules];
        rules[shape.KvHeads] = follows ? new HeadRule(HeadSharing.ShareKeys, 0, 0) : rules[shape.KvHeads];
        KvCacheShape cacheShape = new(2, shape.KvHeads, shape.HeadDim, BlockSize, blocks, type)
        {
            HasPageBounds = true,
            LabelChannels = labels,
            KeySharing = follows ? new KeySharing(plan with { Rules = rules }, 4, 40) : null,
            ProximalBlockCount = follows ? blocks : 0,
        };
        _cpuSide = new Side(_cpu, cacheShape with { Type = DType.Float32 }, this, rows);
        _gpuSide = new Side(Gpu, cacheShape, this, rows);
        Fill(random, blocks, rows);
    }

    public AttentionShape Shape { get; }

    public CudaBackend Gpu { get; }

    /// <summary>Tokens that a sequence's blocks hold.</summary>
    public int Tokens { get; }

    public IReadOnlyList<RetrieveSequence> Sequences => _sequences;

    /// <summary>Step, queries and cache on the GPU.</summary>
    public Side OnGpu => _gpuSide;

    public void Dispose()
    {
        _cpu.Dispose();
        Gpu.Dispose();
    }

    /// <summary>Chooses on the CPU; float32 scores [sequences * kv_heads][units] and lists [sequences * kv_heads][tokens].</summary>
    public (float[][] Scores, int[][] Lists) ChooseOnCpu(Retriever retriever, int dilation, int sinks, bool[] asks)
    {
        _cpuSide.Poison();
        _cpu.Retrieve(
            _cpuSide.Qkv, _cpuSide.Step, new SequenceRange(0, _sequences.Length), Shape, _cpuSide.Cache[1],
            _cpuSide.RetrievalOf(retriever, dilation, sinks, asks));
        return _cpuSide.Results();
    }

    /// <summary>The same on the GPU.</summary>
    public (float[][] Scores, int[][] Lists) ChooseOnGpu(Action<Side> choose)
    {
        _gpuSide.Poison();
        choose(_gpuSide);
        return _gpuSide.Results();
    }

    /// <summary>Gives sequences other lengths.</summary>
    public void Describe(RetrieveSequence[] sequences)
    {
        sequences.CopyTo(_sequences, 0);
        _cpuSide.Describe();
        _gpuSide.Describe();
    }

    private void Fill(Random random, int blocks, int rows)
    {
        float[] queries = [.. Enumerable.Range(0, rows * Shape.QkvColumns).Select(_ => random.NextSingle() * 4 - 2)];
        int[] order = [.. Enumerable.Range(1, blocks - 1)];
        random.Shuffle(order);
        Func<KvLayer, Tensor>[] parts = [layer => layer.Keys, layer => layer.Labels, layer => layer.PageBounds];
        foreach (Func<KvLayer, Tensor> part in parts)
        {
            // Sixteenths of up to four bits: exact in bf16, f16 and e4m3.
            int[] values = [.. Enumerable.Range(0, blocks * part(_cpuSide.Cache[1]).Columns).Select(_ => random.Next(-15, 16))];
            _cpu.Write<float>(part(_cpuSide.Cache[1]), Array.ConvertAll(values, value => value / 16f));
            WriteExactly(part(_gpuSide.Cache[1]), values);
        }

        foreach (Side side in (Side[])[_cpuSide, _gpuSide])
        {
            side.Backend.Write<float>(side.Qkv, queries);
            side.Backend.Write<int>(side.Step.BlockTables, order.AsSpan(0, side.Step.BlockTables.Columns * _sequences.Length));
            side.Describe();
        }
    }

    private void WriteExactly(Tensor tensor, int[] sixteenths)
    {
        switch (tensor.Type)
        {
            case DType.Float16:
                Gpu.Write<Half>(tensor, Array.ConvertAll(sixteenths, value => (Half)(value / 16f)));
                break;
            case DType.BFloat16:
                Gpu.Write<ushort>(
                    tensor, Array.ConvertAll(sixteenths, value => (ushort)(BitConverter.SingleToUInt32Bits(value / 16f) >> 16)));
                break;
            default:
                Gpu.Write<byte>(tensor, Array.ConvertAll(sixteenths, ToFloat8));
                break;
        }
    }

    // Sign, 4 exponent bits of bias 7, 3 mantissa bits.
    private static byte ToFloat8(int sixteenths)
    {
        if (sixteenths == 0)
            return 0;
        int magnitude = Math.Abs(sixteenths), exponent = int.Log2(magnitude), mantissa = (magnitude << 3 >> exponent) & 7;
        return (byte)((sixteenths < 0 ? 0x80 : 0) | (exponent - 4 + 7) << 3 | mantissa);
    }

    /// <summary>One backend's tensors.</summary>
    internal sealed class Side(Backend backend, KvCacheShape cacheShape, RetrieveScene scene, int rows)
    {
        public Backend Backend { get; } = backend;

        public KvCache Cache { get; } = new(backend, cacheShape);

        public StepTensors Step { get; } = new(
            backend, rows, scene._sequences.Length, scene.Tokens / BlockSize, cacheShape.KeySharing is not null);

        public Tensor Qkv { get; } = backend.Allocate(DType.Float32, rows, scene.Shape.QkvColumns);

        private Tensor Scores { get; } = backend.Allocate(DType.Float32, scene._sequences.Length * scene.Shape.KvHeads, scene.Tokens);

        private Tensor Lists { get; } = backend.Allocate(DType.Int32, scene._sequences.Length * scene.Shape.KvHeads, ListTokens);

        private int Sequences => scene._sequences.Length;

        // Slots are not in the order of the step.
        public Retrieval RetrievalOf(Retriever retriever, int dilation, int sinks, bool[] asks) => new(
            retriever,
            asks,
            dilation,
            new SelectedTokens(Lists, scene.Shape.KvHeads, [.. Enumerable.Range(0, scene.Shape.KvHeads)], sinks),
            Scores,
            Tensor.None);

        public void Poison()
        {
            Backend.Write<int>(Lists, [.. Enumerable.Repeat(RetrieveScene.Poison, Lists.Rows * ListTokens)]);
            Backend.Write<float>(Scores, [.. Enumerable.Repeat(float.NaN, Scores.Rows * Scores.Columns)]);
        }

        public void Describe()
        {
            RetrieveSequence[] sequences = scene._sequences;
            int[] starts = [0, .. sequences.Select((_, i) => sequences.Take(i + 1).Sum(one => one.Rows))];
            Step.RowCount = starts[^1];
            Step.SequenceCount = Sequences;
            Step.DecodeCount = sequences.TakeWhile(one => one.Rows == 1).Count();
            Backend.Write<int>(Step.RowStarts, starts);
            Backend.Write<int>(
                Step.Positions, [.. sequences.SelectMany(one => Enumerable.Range(one.Context - one.Rows, one.Rows))]);
            Backend.Write<int>(Step.ContextLengths, [.. sequences.Select(one => one.Context)]);
            Backend.Write<int>(Step.SequenceSlots, [.. Enumerable.Range(0, Sequences).Reverse()]);
            Backend.Write<int>(Step.RefreshMask, [.. sequences.Select(one => one.Refreshes ? 1 : 0)]);
            Backend.Write<int>(Step.WindowStarts, [.. sequences.Select(one => one.Context - one.Window)]);
            Backend.Write<int>(Step.CriticalCounts, [.. sequences.Select(one => one.Critical)]);
        }

        public (float[][] Scores, int[][] Lists) Results()
        {
            int heads = scene.Shape.KvHeads;
            return (
                [.. Enumerable.Range(0, Sequences * heads).Select(row => ReadRow<float>(Scores, row))],
                [.. Enumerable.Range(0, Sequences * heads).Select(row =>
                    ReadRow<int>(Lists, (Sequences - 1 - row / heads) * heads + row % heads))]);
        }

        private T[] ReadRow<T>(Tensor tensor, int row)
            where T : unmanaged
        {
            T[] values = new T[tensor.Columns];
            Backend.Read<T>(tensor.Slice(row, 1), values);
            return values;
        }
    }
}
