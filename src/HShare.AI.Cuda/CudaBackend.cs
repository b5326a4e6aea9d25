using System.Runtime.InteropServices;
using HShare.AI.Cuda.Compilation;
using HShare.AI.Cuda.Driver;
using HShare.AI.Cuda.Operations;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Cuda;

/// <summary>
/// The NVIDIA backend: every operation a kernel compiled for the GPU at hand, decode steps replayed as CUDA graphs. Matrices are
/// multiplied in bfloat16 or float16 (<see cref="CudaOptions.ComputeType"/>) with float32 sums; everything between them is float32.
/// </summary>
/// <remarks>
/// One GPU, one stream, one thread at a time, as every <see cref="Backend"/>. Calls return before the GPU has done the work.
/// </remarks>
public sealed unsafe class CudaBackend : Backend
{
    /// <summary>Memory that is left to activations, working memory and the driver where nobody says how large the cache is.</summary>
    private const long Reserve = 1L << 30;

    private readonly CudaRuntime _cuda;
    private readonly StepGraphs _graphs;
    private readonly WeightPacking _packing;
    private readonly EmbedOperation _embed;
    private readonly AddRmsNormOperation _addRmsNorm;
    private readonly LinearOperation _linear;
    private readonly RotateAndStoreOperation _rotateAndStore;
    private readonly PrefillAttentionOperation _attendPrefill;
    private readonly DecodeAttentionOperation _attendDecode;
    private readonly RetrieveOperation _retrieve;
    private readonly SwiGluOperation _swiGlu;
    private readonly LogitsOperation _logits;
    private readonly SampleOperation _sample;
    private bool _disposed;

    /// <summary>Opens a GPU.</summary>
    /// <param name="options">Which one, and where its libraries are; null = the first, looked for in the usual places.</param>
    /// <exception cref="CudaException">There is no usable GPU or driver, or NVRTC or cuBLASLt is missing; the message says what to do.</exception>
    public CudaBackend(CudaOptions? options = null)
    {
        _cuda = new CudaRuntime(options ?? new CudaOptions());
        _graphs = new StepGraphs(_cuda);
        _packing = new WeightPacking(_cuda);
        _embed = new EmbedOperation(_cuda);
        _addRmsNorm = new AddRmsNormOperation(_cuda);
        _linear = new LinearOperation(_cuda);
        _rotateAndStore = new RotateAndStoreOperation(_cuda);
        _attendPrefill = new PrefillAttentionOperation(_cuda);
        _attendDecode = new DecodeAttentionOperation(_cuda);
        _retrieve = new RetrieveOperation(_cuda);
        _swiGlu = new SwiGluOperation(_cuda);
        _logits = new LogitsOperation(_cuda, _linear);
        _sample = new SampleOperation(_cuda);
        CacheTypes = Device.ConvertsFloat8 ? [_cuda.Element, DType.Float8] : [_cuda.Element];
    }

    /// <inheritdoc/>
    public override string Description =>
        $"cuda ({Device.Name}, {Device.MemoryBytes >> 30} GiB, {_cuda.Element.ToString().ToLowerInvariant()})";

    /// <summary>The GPU.</summary>
    public DeviceProperties Device => _cuda.Properties;

    /// <inheritdoc/>
    public override DType ActivationType => _cuda.Element;

    /// <inheritdoc/>
    public override IReadOnlyList<DType> CacheTypes { get; }

    /// <summary>Nine tenths of the GPU's free memory, less a gibibyte for activations and working memory.</summary>
    public override long MemoryForCache => Math.Max(0, _cuda.FreeMemory / 10 * 9 - Reserve);

    /// <inheritdoc/>
    public override bool PreparesAtFirstUse => true;

    /// <inheritdoc/>
    public override void RequireAttention(AttentionShape shape)
    {
        const string Remedy = "Use the CPU backend for this model.";
        if (shape.HeadDim % 16 != 0 || shape.HeadDim > 128)
            throw new NotSupportedException($"Heads of {shape.HeadDim} elements: the GPU's kernels take multiples of 16 up to 128. {Remedy}");
        if (shape.GroupSize > 16)
            throw new NotSupportedException($"{shape.GroupSize} heads share a KV head: on the GPU at most 16 can. {Remedy}");
        if (shape.KvHeads > PerHead.Capacity)
            throw new NotSupportedException($"{shape.KvHeads} KV heads: the GPU's kernels take at most {PerHead.Capacity}. {Remedy}");
    }

    /// <summary>What operations work with.</summary>
    internal CudaRuntime Runtime => _cuda;

    /// <summary>The compiled kernels.</summary>
    internal KernelLibrary Kernels => _cuda.Kernels;

    /// <summary>Decode steps that were recorded.</summary>
    internal StepGraphs Graphs => _graphs;

    /// <summary>Waits until the GPU has done everything.</summary>
    /// <exception cref="CudaException">A kernel failed.</exception>
    public void Synchronize() => _cuda.Synchronize();

    /// <summary>How long the GPU takes for what an action enqueues.</summary>
    public TimeSpan Time(Action enqueue) => _cuda.Time(enqueue);

    /// <summary>Records what an action enqueues.</summary>
    internal CudaGraph Capture(Action enqueue) => _cuda.Capture(enqueue);

    /// <inheritdoc/>
    public override Tensor Allocate(DType type, int rows, int columns)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        UInt128 bytes = (UInt128)rows * (UInt128)columns * (UInt128)type.ByteSize();
        if (bytes > long.MaxValue / 2)
            throw new InsufficientMemoryException($"A tensor of {bytes} bytes was asked for; the GPU has {Device.MemoryBytes}.");
        return new Tensor(_cuda.Allocate(Math.Max(1, (long)bytes)), type, rows, columns);
    }

    /// <inheritdoc/>
    public override void Write<T>(Tensor destination, ReadOnlySpan<T> source)
    {
        OperandCheck.Copy<T>("Write", destination, source.Length);
        _cuda.CopyToDevice(destination.Address, MemoryMarshal.AsBytes(source));
    }

    /// <inheritdoc/>
    public override void Read<T>(Tensor source, Span<T> destination)
    {
        OperandCheck.Copy<T>("Read", source, destination.Length);
        _cuda.CopyToHost(MemoryMarshal.AsBytes(destination), source.Address);
    }

    /// <inheritdoc/>
    public override LinearWeight LoadLinear(ReadOnlySpan<Tensor> parts, ReadOnlySpan<Tensor> biases, WeightFormat format)
    {
        OperandCheck.LinearParts(parts, biases);
        return _packing.LoadLinear(parts, biases, format);
    }

    /// <inheritdoc/>
    public override Tensor LoadMatrix(Tensor host)
    {
        OperandCheck.FloatingPoint("LoadMatrix", "host", host);
        return _packing.LoadMatrix(host);
    }

    /// <inheritdoc/>
    public override Tensor LoadVector(Tensor host)
    {
        OperandCheck.FloatingPoint("LoadVector", "host", host);
        return _packing.LoadVector(host);
    }

    /// <inheritdoc/>
    public override void Execute(StepTensors step, Action operations) => _graphs.Execute(step, operations);

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
        Check("RotateAndStore", qkv, step, shape, cache);
        OperandCheck.Rotation(rotary, norms, shape);
        _rotateAndStore.Run(qkv, step, rotary, norms, shape, cache);
    }

    /// <inheritdoc/>
    public override void AttendPrefill(
        Tensor qkv,
        StepTensors step,
        AttentionShape shape,
        KvLayer cache,
        Tensor attended,
        SequenceRange massSequences = default,
        Tensor mass = default)
    {
        Check("AttendPrefill", qkv, step, shape, cache);
        OperandCheck.Matrix("AttendPrefill", "attended", attended, ActivationType, qkv.Rows, shape.Heads * shape.HeadDim);
        _attendPrefill.Run(qkv, step, shape, cache, massSequences, mass, attended);
    }

    /// <inheritdoc/>
    public override void AttendDecode(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Tensor attended, Tensor mass = default)
    {
        Check("AttendDecode", qkv, step, shape, cache);
        OperandCheck.Matrix("AttendDecode", "attended", attended, ActivationType, qkv.Rows, shape.Heads * shape.HeadDim);
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
        Check("AttendSelected", qkv, step, shape, cache);
        OperandCheck.Matrix("AttendSelected", "attended", attended, ActivationType, qkv.Rows, shape.Heads * shape.HeadDim);
        OperandCheck.Selection("AttendSelected", shape, selected);
        _attendDecode.Run(qkv, step, sequences, shape, cache, selected, mass, attended);
    }

    /// <inheritdoc/>
    public override void Retrieve(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Retrieval retrieval)
    {
        Check("Retrieve", qkv, step, shape, cache);
        OperandCheck.Selection("Retrieve", shape, retrieval.Destination);
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
    public override void LinearSwiGlu(Tensor input, LinearWeight gateUp, Tensor working, Tensor activated)
    {
        OperandCheck.Matrix("LinearSwiGlu", "input", input, ActivationType, input.Rows, gateUp.InFeatures);
        OperandCheck.Matrix("LinearSwiGlu", "working", working, DType.Float32, input.Rows, gateUp.OutFeatures);
        OperandCheck.Matrix("LinearSwiGlu", "activated", activated, ActivationType, input.Rows, gateUp.OutFeatures / 2);
        _linear.RunSwiGlu(input, gateUp, working, activated);
    }

    /// <inheritdoc/>
    public override void Logits(Tensor hidden, StepTensors step, LinearWeight head, Tensor logits)
    {
        OperandCheck.Logits(hidden, step, head, logits, ActivationType);
        _logits.Run(hidden, step, head, logits);
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
        _graphs.Dispose();
        _cuda.Dispose();
    }

    private void Check(string operation, Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache)
    {
        OperandCheck.Attention(operation, qkv, step, shape, cache);
        RequireAttention(shape);
        if (!CacheTypes.Contains(cache.Values.Type))
        {
            throw new NotSupportedException(
                $"{operation}: a KV cache of {cache.Values.Type}; this backend computes in {_cuda.Element} and keeps one of "
                + $"{string.Join(", ", CacheTypes)}.");
        }
    }
}
