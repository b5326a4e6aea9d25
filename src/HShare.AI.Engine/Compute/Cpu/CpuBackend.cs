using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>The CPU backend: portable SIMD, several threads, and the plain statement of what every operation means.</summary>
public sealed class CpuBackend : Backend
{
    /// <summary>Starts the worker threads.</summary>
    /// <param name="threads">Threads to use, the caller's included; null = one for each core.</param>
    public CpuBackend(int? threads = null) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override string Description => throw new NotImplementedException();

    /// <inheritdoc/>
    public override Tensor Allocate(DType type, int rows, int columns) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Write<T>(Tensor destination, ReadOnlySpan<T> source) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Read<T>(Tensor source, Span<T> destination) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override LinearWeight LoadLinear(ReadOnlySpan<Tensor> parts, ReadOnlySpan<Tensor> biases, WeightFormat format) =>
        throw new NotImplementedException();

    /// <inheritdoc/>
    public override Tensor LoadMatrix(Tensor host) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override Tensor LoadVector(Tensor host) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Embed(Tensor tokenIds, Tensor embedding, Tensor hidden) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void AddRmsNorm(Tensor residual, Tensor delta, Tensor weight, float epsilon, Tensor normed) =>
        throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Linear(Tensor input, LinearWeight weight, Tensor output) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void RotateAndStore(
        Tensor qkv, StepTensors step, RotaryTable rotary, HeadNorms? norms, AttentionShape shape, KvLayer cache) =>
        throw new NotImplementedException();

    /// <inheritdoc/>
    public override void AttendPrefill(Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache, Tensor attended) =>
        throw new NotImplementedException();

    /// <inheritdoc/>
    public override void AttendDecode(Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache, Tensor attended) =>
        throw new NotImplementedException();

    /// <inheritdoc/>
    public override void SwiGlu(Tensor gateUp, Tensor activated) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Logits(Tensor hidden, StepTensors step, LinearWeight head, Tensor logits) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Sample(Tensor logits, ReadOnlySpan<SamplingRow> rows, Span<int> tokenIds) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Dispose() => throw new NotImplementedException();
}
