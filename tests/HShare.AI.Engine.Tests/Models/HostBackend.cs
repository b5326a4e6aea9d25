using System.Runtime.InteropServices;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Tests.Models;

/// <summary>A backend that only keeps what it is given to load, so that a test can look at it; it computes nothing.</summary>
internal sealed unsafe class HostBackend : Backend
{
    private readonly List<nint> _allocations = [];

    public long AllocatedBytes { get; private set; }

    public bool IsDisposed { get; private set; }

    public WeightFormat? Format { get; private set; }

    public override string Description => "host";

    public override DType ActivationType => DType.Float32;

    public override IReadOnlyList<DType> CacheTypes { get; } = [DType.Float32, DType.Float16, DType.BFloat16];

    public override long MemoryForCache => 1L << 30;

    public static float[] Floats(Tensor tensor)
    {
        if (tensor.Type == DType.Float32)
            return new ReadOnlySpan<float>((void*)tensor.Address, tensor.Rows * tensor.Columns).ToArray();
        ushort[] bits = new ReadOnlySpan<ushort>((void*)tensor.Address, tensor.Rows * tensor.Columns).ToArray();
        return [.. bits.Select(b => BitConverter.Int32BitsToSingle(b << 16))];
    }

    public override Tensor Allocate(DType type, int rows, int columns)
    {
        nint address = (nint)NativeMemory.AllocZeroed((nuint)Math.Max(1, (long)rows * columns * type.ByteSize()));
        _allocations.Add(address);
        AllocatedBytes += (long)rows * columns * type.ByteSize();
        return new Tensor(address, type, rows, columns);
    }

    public override void Write<T>(Tensor destination, ReadOnlySpan<T> source) =>
        source.CopyTo(new Span<T>((void*)destination.Address, source.Length));

    public override void Read<T>(Tensor source, Span<T> destination) =>
        new ReadOnlySpan<T>((void*)source.Address, destination.Length).CopyTo(destination);

    public override LinearWeight LoadLinear(ReadOnlySpan<Tensor> parts, ReadOnlySpan<Tensor> biases, WeightFormat format)
    {
        Format = format;
        Tensor data = Concatenate(parts);
        return new LinearWeight(data, Tensor.None, biases.IsEmpty ? Tensor.None : Concatenate(biases), data.Rows, data.Columns);
    }

    public override Tensor LoadMatrix(Tensor host) => Concatenate([host]);

    public override Tensor LoadVector(Tensor host) => Concatenate([host]);

    public override void Embed(Tensor tokenIds, Tensor embedding, Tensor hidden) => throw new NotSupportedException();

    public override void AddRmsNorm(Tensor residual, Tensor delta, Tensor weight, float epsilon, Tensor normed) =>
        throw new NotSupportedException();

    public override void Linear(Tensor input, LinearWeight weight, Tensor output) => throw new NotSupportedException();

    public override void RotateAndStore(
        Tensor qkv, StepTensors step, RotaryTable rotary, HeadNorms? norms, AttentionShape shape, KvLayer cache) =>
        throw new NotSupportedException();

    public override void AttendPrefill(
        Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache, Tensor attended, SequenceRange massSequences, Tensor mass) =>
        throw new NotSupportedException();

    public override void AttendDecode(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Tensor attended, Tensor mass) =>
        throw new NotSupportedException();

    public override void AttendSelected(
        Tensor qkv,
        StepTensors step,
        SequenceRange sequences,
        AttentionShape shape,
        KvLayer cache,
        SelectedTokens selected,
        Tensor attended,
        Tensor mass) => throw new NotSupportedException();

    public override void Retrieve(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Retrieval retrieval) =>
        throw new NotSupportedException();

    public override void SwiGlu(Tensor gateUp, Tensor activated) => throw new NotSupportedException();

    public override void Logits(Tensor hidden, StepTensors step, LinearWeight head, Tensor logits) => throw new NotSupportedException();

    public override void Sample(Tensor logits, ReadOnlySpan<SamplingRow> rows, Span<int> tokenIds) => throw new NotSupportedException();

    public override void Dispose()
    {
        IsDisposed = true;
        _allocations.ForEach(address => NativeMemory.Free((void*)address));
        _allocations.Clear();
    }

    private Tensor Concatenate(ReadOnlySpan<Tensor> parts)
    {
        int rows = 0, columns = 0;
        foreach (Tensor part in parts)
        {
            rows += part.Rows;
            columns += part.Columns;
        }

        bool isVector = rows == parts.Length; // vectors are put behind each other in one row, matrices below each other
        Tensor all = isVector ? Allocate(parts[0].Type, 1, columns) : Allocate(parts[0].Type, rows, parts[0].Columns);
        long offset = 0;
        foreach (Tensor part in parts)
        {
            NativeMemory.Copy((void*)part.Address, (byte*)all.Address + offset, (nuint)part.ByteCount);
            offset += part.ByteCount;
        }

        return all;
    }
}
