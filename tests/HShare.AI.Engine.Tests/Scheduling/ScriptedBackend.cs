using System.Runtime.InteropServices;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>
/// A backend whose "transformer" is a hash. Every layer stores (value, position) of each row in the cache slots it is told, and a row's
/// result is a hash over all that a walk along its block table finds. So any error in slots, tables, lengths, sharing, preemption or
/// chunking changes the tokens. <see cref="ScriptedModel"/> computes the same from a plain list of tokens.
/// </summary>
internal sealed class ScriptedBackend : Backend
{
    private readonly List<byte[]> _memory = []; // pinned
    private int? _ownerThread;

    /// <summary>Called on the owner thread before each step with the number of its rows.</summary>
    public Action<int>? BeforeStep { get; set; }

    /// <summary>The position whose logits come out as NaN, in every sequence that gets there.</summary>
    public int? SpoiledPosition { get; set; }

    public int Steps { get; private set; }

    public bool IsDisposed { get; private set; }

    public override string Description => "scripted";

    public override DType ActivationType => DType.Float32;

    public override IReadOnlyList<DType> CacheTypes { get; } = [DType.Float32, DType.Float16, DType.BFloat16];

    public override long MemoryForCache => 1L << 30;

    public override Tensor Allocate(DType type, int rows, int columns)
    {
        byte[] bytes = GC.AllocateArray<byte>(checked(rows * columns * type.ByteSize()), pinned: true);
        _memory.Add(bytes);
        return new Tensor(Marshal.UnsafeAddrOfPinnedArrayElement(bytes, 0), type, rows, columns);
    }

    public override void Write<T>(Tensor destination, ReadOnlySpan<T> source) => source.CopyTo(Span<T>(destination));

    public override void Read<T>(Tensor source, Span<T> destination) => Span<T>(source)[..destination.Length].CopyTo(destination);

    public override LinearWeight LoadLinear(ReadOnlySpan<Tensor> parts, ReadOnlySpan<Tensor> biases, WeightFormat format) =>
        throw new NotSupportedException();

    public override Tensor LoadMatrix(Tensor host) => throw new NotSupportedException();

    public override Tensor LoadVector(Tensor host) => throw new NotSupportedException();

    public override void Embed(Tensor tokenIds, Tensor embedding, Tensor hidden)
    {
        int thread = Environment.CurrentManagedThreadId;
        Require((_ownerThread ??= thread) == thread, "one thread calls the backend");
        Require(!IsDisposed, "a disposed backend is not called");
        Steps++;
        BeforeStep?.Invoke(hidden.Rows);
        for (int row = 0; row < hidden.Rows; row++)
            Span<float>(hidden)[row * hidden.Columns] = Span<int>(tokenIds)[row];
    }

    // The last sublayer's result goes on alone: a sum would not stay exact.
    public override void AddRmsNorm(Tensor residual, Tensor delta, Tensor weight, float epsilon, Tensor normed) =>
        CopyFirstColumn(delta.IsNone ? residual : delta, normed);

    public override void Linear(Tensor input, LinearWeight weight, Tensor output) => CopyFirstColumn(input, output);

    public override void SwiGlu(Tensor gateUp, Tensor activated) => CopyFirstColumn(gateUp, activated);

    public override void RotateAndStore(
        Tensor qkv, StepTensors step, RotaryTable rotary, HeadNorms? norms, AttentionShape shape, KvLayer cache)
    {
        Span<float> keys = Span<float>(cache.Keys), values = Span<float>(cache.Values);
        for (int row = 0; row < step.RowCount; row++)
        {
            int at = Span<int>(step.Slots)[row] * shape.HeadDim;
            keys[at] = values[at] = Span<float>(qkv)[row * qkv.Columns];
            keys[at + 1] = values[at + 1] = Span<int>(step.Positions)[row];
        }
    }

    public override void AttendPrefill(
        Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache, Tensor attended, SequenceRange massSequences, Tensor mass)
    {
        for (int sequence = step.DecodeCount; sequence < step.SequenceCount; sequence++)
            Attend(step, sequence, shape, cache, attended);
    }

    public override void AttendDecode(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Tensor attended, Tensor mass)
    {
        for (int sequence = sequences.First; sequence < sequences.End; sequence++)
        {
            Require(Span<int>(step.RowStarts)[sequence + 1] - Span<int>(step.RowStarts)[sequence] == 1, "a decoding sequence has one row");
            Attend(step, sequence, shape, cache, attended);
        }
    }

    public override void AttendSelected(
        Tensor qkv,
        StepTensors step,
        SequenceRange sequences,
        AttentionShape shape,
        KvLayer cache,
        SelectedTokens selected,
        Tensor attended,
        Tensor mass) => throw new NotSupportedException("The script reads everything.");

    public override void Retrieve(
        Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Retrieval retrieval) =>
        throw new NotSupportedException("The script reads everything.");

    public override void Logits(Tensor hidden, StepTensors step, LinearWeight head, Tensor logits)
    {
        for (int i = 0; i < step.LogitCount; i++)
        {
            int row = Span<int>(step.LogitRows)[i];
            ScriptedModel.Logits((int)Span<float>(hidden)[row * hidden.Columns], Span<float>(logits.Slice(i, 1)));
            if (Span<int>(step.Positions)[row] == SpoiledPosition)
                Span<float>(logits.Slice(i, 1)).Fill(float.NaN);
        }
    }

    public override void Sample(Tensor logits, ReadOnlySpan<SamplingRow> rows, Span<int> tokenIds)
    {
        for (int i = 0; i < rows.Length; i++)
            tokenIds[i] = Sampler.Sample(Span<float>(logits.Slice(i, 1)), rows[i]);
    }

    public override void Dispose() => IsDisposed = true;

    private static void Attend(StepTensors step, int sequence, AttentionShape shape, KvLayer cache, Tensor attended)
    {
        int firstRow = Span<int>(step.RowStarts)[sequence], endRow = Span<int>(step.RowStarts)[sequence + 1];
        int length = Span<int>(step.ContextLengths)[sequence], firstPosition = length - (endRow - firstRow);
        ReadOnlySpan<int> table = Span<int>(step.BlockTables.Slice(sequence, 1));
        ReadOnlySpan<float> keys = Span<float>(cache.Keys), values = Span<float>(cache.Values);
        int hash = ScriptedModel.Empty;
        for (int i = 0; i < length; i++)
        {
            int at = (table[i / cache.BlockSize] * cache.BlockSize + i % cache.BlockSize) * shape.HeadDim;
            hash = ScriptedModel.Mix(hash, (int)keys[at], (int)keys[at + 1]);
            hash = keys[at] == values[at] && keys[at + 1] == values[at + 1] ? hash : ~hash;
            if (i >= firstPosition)
                Span<float>(attended)[(firstRow + i - firstPosition) * attended.Columns] = hash;
        }
    }

    private static void Require(bool condition, string rule) // Assert.Equal allocates, and some tests count
    {
        if (!condition)
            throw new InvalidOperationException($"Broken: {rule}.");
    }

    private static void CopyFirstColumn(Tensor from, Tensor to)
    {
        for (int row = 0; row < to.Rows; row++)
            Span<float>(to)[row * to.Columns] = Span<float>(from)[row * from.Columns];
    }

    private static unsafe Span<T> Span<T>(Tensor tensor)
        where T : unmanaged => new((void*)tensor.Address, checked((int)(tensor.ByteCount / sizeof(T))));
}
