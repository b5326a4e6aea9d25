using System.Runtime.InteropServices;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Sampling;

namespace HShare.Cli.Bench;

/// <summary>A backend that computes nothing, so that what is left is the engine's own work. Every token that it draws is the same.</summary>
internal sealed unsafe class NullBackend : Backend
{
    private const int Drawn = 1;

    private readonly List<nint> _memory = [];

    /// <inheritdoc/>
    public override string Description => "nothing";

    /// <inheritdoc/>
    public override DType ActivationType => DType.Float32;

    /// <inheritdoc/>
    public override IReadOnlyList<DType> CacheTypes { get; } = [DType.BFloat16];

    /// <inheritdoc/>
    public override long MemoryForCache => long.MaxValue / 4;

    /// <summary>Real memory for integers, which steps are made of; an address and nothing more for what would be computed with.</summary>
    public override Tensor Allocate(DType type, int rows, int columns)
    {
        long bytes = type == DType.Int32 ? (long)rows * columns * sizeof(int) : 0;
        nint address = (nint)NativeMemory.AllocZeroed((nuint)Math.Max(sizeof(int), bytes));
        _memory.Add(address);
        return new Tensor(address, type, rows, columns);
    }

    /// <inheritdoc/>
    public override void Write<T>(Tensor destination, ReadOnlySpan<T> source)
    {
        if (destination.Type == DType.Int32)
            source.CopyTo(new Span<T>((void*)destination.Address, source.Length));
    }

    /// <inheritdoc/>
    public override void Read<T>(Tensor source, Span<T> destination) => destination.Clear();

    /// <inheritdoc/>
    public override LinearWeight LoadLinear(ReadOnlySpan<Tensor> parts, ReadOnlySpan<Tensor> biases, WeightFormat format)
    {
        int rows = 0;
        foreach (Tensor part in parts)
            rows += part.Rows;
        return new LinearWeight(Allocate(DType.BFloat16, rows, parts[0].Columns), Tensor.None, Tensor.None, rows, parts[0].Columns);
    }

    /// <inheritdoc/>
    public override Tensor LoadMatrix(Tensor host) => Allocate(host.Type, host.Rows, host.Columns);

    /// <inheritdoc/>
    public override Tensor LoadVector(Tensor host) => Allocate(DType.Float32, 1, host.Rows * host.Columns);

    /// <inheritdoc/>
    public override void Execute(StepTensors step, Action operations)
    {
    }

    /// <inheritdoc/>
    public override void Embed(Tensor tokenIds, Tensor embedding, Tensor hidden)
    {
    }

    /// <inheritdoc/>
    public override void AddRmsNorm(Tensor residual, Tensor delta, Tensor weight, float epsilon, Tensor normed)
    {
    }

    /// <inheritdoc/>
    public override void Linear(Tensor input, LinearWeight weight, Tensor output)
    {
    }

    /// <inheritdoc/>
    public override void RotateAndStore(
        Tensor qkv, StepTensors step, RotaryTable rotary, HeadNorms? norms, AttentionShape shape, KvLayer cache)
    {
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
    }

    /// <inheritdoc/>
    public override void AttendDecode(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Tensor attended, Tensor mass = default)
    {
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
    }

    /// <inheritdoc/>
    public override void Retrieve(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Retrieval retrieval)
    {
    }

    /// <inheritdoc/>
    public override void SwiGlu(Tensor gateUp, Tensor activated)
    {
    }

    /// <inheritdoc/>
    public override void Logits(Tensor hidden, StepTensors step, LinearWeight head, Tensor logits)
    {
    }

    /// <inheritdoc/>
    public override void Sample(Tensor logits, ReadOnlySpan<SamplingRow> rows, Span<int> tokenIds) =>
        tokenIds[..rows.Length].Fill(Drawn);

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (nint address in _memory)
            NativeMemory.Free((void*)address);
        _memory.Clear();
    }
}
