using System.Numerics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>The CPU backend: portable SIMD, several threads, and the plain statement of what every operation means.</summary>
public sealed unsafe class CpuBackend : Backend
{
    private readonly List<AlignedMemory> _memory = [];
    private readonly WorkerPool _pool;
    private readonly Scratch[] _workerScratch;
    private readonly Scratch[] _attentionScratch;
    private readonly Scratch _decodeScratch = new();
    private readonly Scratch _gatherScratch = new();
    private readonly Scratch _massScratch = new();
    private readonly Scratch _rowStateScratch = new();
    private readonly PackOperation _pack;
    private readonly EmbedOperation _embed;
    private readonly AddRmsNormOperation _addRmsNorm;
    private readonly LinearOperation _linear;
    private readonly RotateAndStoreOperation _rotateAndStore;
    private readonly PrefillAttentionOperation _attendPrefill;
    private readonly DecodeAttentionOperation _attendDecode;
    private readonly PageBoundsOperation _pageBounds;
    private readonly RetrieveOperation _retrieve;
    private readonly SwiGluOperation _swiGlu;
    private readonly SampleOperation _sample;
    private bool _disposed;

    /// <summary>Starts the worker threads.</summary>
    /// <param name="threads">Threads to use, the caller's included; null = one for each core.</param>
    public CpuBackend(int? threads = null)
    {
        _pool = new WorkerPool(threads ?? Environment.ProcessorCount);
        _workerScratch = NewScratch();
        _attentionScratch = NewScratch();
        OnlineAttention[] attention = [.. _attentionScratch.Select(scratch => new OnlineAttention(scratch))];
        _pack = new PackOperation(_pool);
        _embed = new EmbedOperation(_pool);
        _addRmsNorm = new AddRmsNormOperation(_pool);
        _linear = new LinearOperation(_pool, _workerScratch);
        _rotateAndStore = new RotateAndStoreOperation(_pool);
        _attendPrefill = new PrefillAttentionOperation(_pool, attention, _workerScratch, _rowStateScratch);
        _attendDecode = new DecodeAttentionOperation(_pool, attention, _decodeScratch, _massScratch);
        _pageBounds = new PageBoundsOperation(_pool, _workerScratch);
        _retrieve = new RetrieveOperation(_pool, attention, _workerScratch);
        _swiGlu = new SwiGluOperation(_pool);
        _sample = new SampleOperation(_pool);
    }

    /// <inheritdoc/>
    public override string Description => $"cpu ({_pool.ThreadCount} threads, {InstructionSet})";

    /// <inheritdoc/>
    public override DType ActivationType => DType.Float32;

    /// <inheritdoc/>
    public override IReadOnlyList<DType> CacheTypes { get; } = [DType.Float32, DType.Float16, DType.BFloat16];

    /// <summary>A quarter of the memory that this process may use.</summary>
    public override long MemoryForCache => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;

    /// <inheritdoc/>
    public override Tensor Allocate(DType type, int rows, int columns)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        var memory = new AlignedMemory((UInt128)rows * (UInt128)columns * (UInt128)type.ByteSize());
        _memory.Add(memory);
        return new Tensor(memory.Address, type, rows, columns);
    }

    /// <inheritdoc/>
    public override void Write<T>(Tensor destination, ReadOnlySpan<T> source)
    {
        OperandCheck.Copy<T>("Write", destination, source.Length);
        source.CopyTo(new Span<T>((void*)destination.Address, source.Length));
    }

    /// <inheritdoc/>
    public override void Read<T>(Tensor source, Span<T> destination)
    {
        OperandCheck.Copy<T>("Read", source, destination.Length);
        new ReadOnlySpan<T>((void*)source.Address, destination.Length).CopyTo(destination);
    }

    /// <inheritdoc/>
    public override LinearWeight LoadLinear(ReadOnlySpan<Tensor> parts, ReadOnlySpan<Tensor> biases, WeightFormat format)
    {
        OperandCheck.LinearParts(parts, biases);
        int outFeatures = 0, inFeatures = parts[0].Columns;
        foreach (Tensor part in parts)
            outFeatures += part.Rows;
        DType type = format switch
        {
            WeightFormat.AsStored => parts[0].Type,
            WeightFormat.BFloat16 => DType.BFloat16,
            WeightFormat.Int8 => DType.Int8,
            WeightFormat.Float8 => throw new NotSupportedException(
                "The CPU backend keeps no 8-bit floating point weights. Choose the weight format int8, or the CUDA backend."),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Unknown weight format."),
        };
        Tensor data = Allocate(type, PackOperation.PanelCount(outFeatures), inFeatures * MatrixKernel.PanelWidth);
        Tensor scales = type == DType.Int8 ? Allocate(DType.Float32, 1, outFeatures) : Tensor.None;
        _pack.Run(parts, data, scales);
        return new LinearWeight(data, scales, ConcatenateBiases(biases, outFeatures), outFeatures, inFeatures);
    }

    /// <inheritdoc/>
    public override Tensor LoadMatrix(Tensor host)
    {
        OperandCheck.FloatingPoint("LoadMatrix", "host", host);
        Tensor copy = Allocate(host.Type, host.Rows, host.Columns);
        Buffer.MemoryCopy((void*)host.Address, (void*)copy.Address, copy.ByteCount, host.ByteCount);
        return copy;
    }

    /// <inheritdoc/>
    public override Tensor LoadVector(Tensor host)
    {
        OperandCheck.FloatingPoint("LoadVector", "host", host);
        Tensor copy = Allocate(DType.Float32, 1, host.Rows * host.Columns);
        ElementConversion.Widen((byte*)host.Address, host.Type, (float*)copy.Address, copy.Columns);
        return copy;
    }

    /// <inheritdoc/>
    public override void Embed(Tensor tokenIds, Tensor embedding, Tensor hidden)
    {
        OperandCheck.Embed(tokenIds, embedding, hidden);
        _embed.Run(tokenIds, embedding, hidden);
    }

    /// <inheritdoc/>
    public override void AddRmsNorm(Tensor residual, Tensor delta, Tensor weight, float epsilon, Tensor normed)
    {
        OperandCheck.AddRmsNorm(residual, delta, weight, normed, ActivationType);
        _addRmsNorm.Run(residual, delta, weight, epsilon, normed);
    }

    /// <inheritdoc/>
    public override void Linear(Tensor input, LinearWeight weight, Tensor output)
    {
        OperandCheck.Linear(input, weight, output, ActivationType);
        _linear.Run(input, weight, output);
    }

    /// <inheritdoc/>
    public override void RotateAndStore(
        Tensor qkv, StepTensors step, RotaryTable rotary, HeadNorms? norms, AttentionShape shape, KvLayer cache)
    {
        OperandCheck.Attention("RotateAndStore", qkv, step, shape, cache);
        StepCheck.Group("RotateAndStore", shape);
        OperandCheck.Rotation(rotary, norms, shape);
        _rotateAndStore.Run(qkv, step, rotary, norms, shape, cache);
        if (!cache.PageBounds.IsNone)
            _pageBounds.Run(step, shape, cache);
    }

    /// <inheritdoc/>
    public override void AttendPrefill(
        Tensor qkv, StepTensors step,
            AttentionShape shape, KvLayer cache, Tensor attended, SequenceRange massSequences = default, Tensor mass = default)
    {
        OperandCheck.Attention("AttendPrefill", qkv, step, shape, cache);
        StepCheck.Group("AttendPrefill", shape);
        OperandCheck.Matrix("AttendPrefill", "attended", attended, DType.Float32, qkv.Rows, shape.Heads * shape.HeadDim);
        StepCheck.Sequences("AttendPrefill", step, new(step.DecodeCount, step.SequenceCount - step.DecodeCount), cache);
        _attendPrefill.Run(qkv, step, shape, cache, massSequences, mass, attended);
    }

    /// <inheritdoc/>
    public override void AttendDecode(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Tensor attended, Tensor mass = default)
    {
        OperandCheck.Attention("AttendDecode", qkv, step, shape, cache);
        StepCheck.Group("AttendDecode", shape);
        OperandCheck.Matrix("AttendDecode", "attended", attended, DType.Float32, qkv.Rows, shape.Heads * shape.HeadDim);
        StepCheck.Sequences("AttendDecode", step, sequences, cache);
        _attendDecode.Run(qkv, step, sequences, shape, cache, null, mass, attended);
    }

    /// <inheritdoc/>
    public override void AttendSelected(
        Tensor qkv,
        StepTensors step,
        SequenceRange sequences,
        AttentionShape shape,
        KvLayer cache,
        SelectedTokens selected,
        Tensor attended,
        Tensor mass = default)
    {
        OperandCheck.Attention("AttendSelected", qkv, step, shape, cache);
        StepCheck.Group("AttendSelected", shape);
        OperandCheck.Matrix("AttendSelected", "attended", attended, DType.Float32, qkv.Rows, shape.Heads * shape.HeadDim);
        StepCheck.Sequences("AttendSelected", step, sequences, cache);
        OperandCheck.Selection("AttendSelected", shape, selected);
        StepCheck.Selection("AttendSelected", step, sequences, selected);
        _attendDecode.Run(qkv, step, sequences, shape, cache, selected, mass, attended);
    }

    /// <inheritdoc/>
    public override void Retrieve(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Retrieval retrieval)
    {
        OperandCheck.Attention("Retrieve", qkv, step, shape, cache);
        StepCheck.Group("Retrieve", shape);
        StepCheck.Sequences("Retrieve", step, sequences, cache);
        OperandCheck.Selection("Retrieve", shape, retrieval.Destination);
        StepCheck.Selection("Retrieve", step, sequences, retrieval.Destination);
        OperandCheck.Retrieval(step, shape, cache, retrieval);
        _retrieve.Run(qkv, step, sequences, shape, cache, retrieval);
    }

    /// <inheritdoc/>
    public override void SwiGlu(Tensor gateUp, Tensor activated)
    {
        OperandCheck.SwiGlu(gateUp, activated, ActivationType);
        _swiGlu.Run(gateUp, activated);
    }

    /// <inheritdoc/>
    public override void Logits(Tensor hidden, StepTensors step, LinearWeight head, Tensor logits)
    {
        OperandCheck.Logits(hidden, step, head, logits, ActivationType);
        float* rows = _gatherScratch.Reserve((long)step.LogitRows.Columns * hidden.Columns);
        var gathered = new Tensor((nint)rows, DType.Float32, step.LogitCount, hidden.Columns);
        for (int i = 0; i < step.LogitCount; i++)
        {
            Tensor row = hidden.Slice(((int*)step.LogitRows.Address)[i], 1);
            Buffer.MemoryCopy((void*)row.Address, (void*)gathered.Slice(i, 1).Address, row.ByteCount, row.ByteCount);
        }

        _linear.Run(gathered, head, logits);
    }

    /// <inheritdoc/>
    public override void Sample(Tensor logits, ReadOnlySpan<SamplingRow> rows, Span<int> tokenIds)
    {
        OperandCheck.Sample(logits, rows.Length, tokenIds.Length);
        _sample.Run(logits, rows, tokenIds);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _pool.Dispose();
        foreach (Scratch scratch in (
            Scratch[])[.. _workerScratch, .. _attentionScratch, _decodeScratch, _gatherScratch, _massScratch, _rowStateScratch])
            scratch.Dispose();
        foreach (AlignedMemory memory in _memory)
            memory.Dispose();
        _memory.Clear();
    }

    private static string InstructionSet => true switch
    {
        _ when Vector<float>.Count == 16 => "AVX-512",
        _ when Avx512F.VL.IsSupported => "AVX-512 at 256 bits",
        _ when Fma.IsSupported => "AVX2",
        _ when AdvSimd.IsSupported => "NEON",
        _ => "without fused multiply-add: slow",
    };

    private Scratch[] NewScratch() => [.. Enumerable.Range(0, _pool.ThreadCount).Select(_ => new Scratch())];

    private Tensor ConcatenateBiases(ReadOnlySpan<Tensor> biases, int outFeatures)
    {
        if (biases.IsEmpty)
            return Tensor.None;
        Tensor concatenated = Allocate(DType.Float32, 1, outFeatures);
        float* to = (float*)concatenated.Address;
        foreach (Tensor bias in biases)
        {
            ElementConversion.Widen((byte*)bias.Address, bias.Type, to, bias.Columns);
            to += bias.Columns;
        }

        return concatenated;
    }
}
