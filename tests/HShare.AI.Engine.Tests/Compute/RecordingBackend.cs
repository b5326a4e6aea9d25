using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Tests.Compute;

/// <summary>The CPU backend with an ear at attention: who chose and who read what, in the order of the calls.</summary>
internal sealed class RecordingBackend : Backend
{
    private readonly CpuBackend _backend = new(1);

    /// <summary>Called before leaders choose.</summary>
    public Action<StepTensors, SequenceRange, KvLayer, Retrieval>? Choosing { get; set; }

    /// <summary>Called before chosen tokens are read.</summary>
    public Action<StepTensors, SequenceRange, KvLayer, SelectedTokens>? Reading { get; set; }

    public override string Description => _backend.Description;

    public override DType ActivationType => _backend.ActivationType;

    public override IReadOnlyList<DType> CacheTypes => _backend.CacheTypes;

    public override long MemoryForCache => _backend.MemoryForCache;

    public override Tensor Allocate(DType type, int rows, int columns) => _backend.Allocate(type, rows, columns);

    public override void Write<T>(Tensor destination, ReadOnlySpan<T> source) => _backend.Write(destination, source);

    public override void Read<T>(Tensor source, Span<T> destination) => _backend.Read(source, destination);

    public override LinearWeight LoadLinear(ReadOnlySpan<Tensor> parts, ReadOnlySpan<Tensor> biases, WeightFormat format) =>
        _backend.LoadLinear(parts, biases, format);

    public override Tensor LoadMatrix(Tensor host) => _backend.LoadMatrix(host);

    public override Tensor LoadVector(Tensor host) => _backend.LoadVector(host);

    public override void Embed(Tensor tokenIds, Tensor embedding, Tensor hidden) => _backend.Embed(tokenIds, embedding, hidden);

    public override void AddRmsNorm(Tensor residual, Tensor delta, Tensor weight, float epsilon, Tensor normed) =>
        _backend.AddRmsNorm(residual, delta, weight, epsilon, normed);

    public override void Linear(Tensor input, LinearWeight weight, Tensor output) => _backend.Linear(input, weight, output);

    public override void RotateAndStore(
        Tensor qkv, StepTensors step, RotaryTable rotary, HeadNorms? norms, AttentionShape shape, KvLayer cache) =>
        _backend.RotateAndStore(qkv, step, rotary, norms, shape, cache);

    public override void AttendPrefill(
        Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache, Tensor attended, SequenceRange massSequences, Tensor mass) =>
        _backend.AttendPrefill(qkv, step, shape, cache, attended, massSequences, mass);

    public override void AttendDecode(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Tensor attended, Tensor mass) =>
        _backend.AttendDecode(qkv, step, sequences, shape, cache, attended, mass);

    public override void AttendSelected(
        Tensor qkv,
        StepTensors step,
        SequenceRange sequences,
        AttentionShape shape,
        KvLayer cache,
        SelectedTokens selected,
        Tensor attended,
        Tensor mass)
    {
        Reading?.Invoke(step, sequences, cache, selected);
        _backend.AttendSelected(qkv, step, sequences, shape, cache, selected, attended, mass);
    }

    public override void Retrieve(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Retrieval retrieval)
    {
        Choosing?.Invoke(step, sequences, cache, retrieval);
        _backend.Retrieve(qkv, step, sequences, shape, cache, retrieval);
    }

    public override void SwiGlu(Tensor gateUp, Tensor activated) => _backend.SwiGlu(gateUp, activated);

    public override void Logits(Tensor hidden, StepTensors step, LinearWeight head, Tensor logits) =>
        _backend.Logits(hidden, step, head, logits);

    public override void Sample(Tensor logits, ReadOnlySpan<SamplingRow> rows, Span<int> tokenIds) =>
        _backend.Sample(logits, rows, tokenIds);

    public override void Dispose() => _backend.Dispose();
}
