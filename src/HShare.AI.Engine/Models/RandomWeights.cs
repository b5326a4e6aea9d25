using System.Runtime.InteropServices;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Models;

/// <summary>
/// Matrices are views at changing offsets into one pool of random bfloat16 numbers, no larger than the largest of them: a model of
/// many gigabytes needs little host memory and no time to fill it. Norms are ones.
/// </summary>
internal sealed unsafe class RandomWeights : IWeightSource, IDisposable
{
    private const int OffsetRange = 1 << 20;   // elements between the first and the last place where a matrix may begin
    private const float StandardDeviation = 0.02f; // keeps activations near 1 at the widths above

    private readonly ushort* _pool;
    private readonly ushort* _ones;

    public RandomWeights(CheckpointLayout layout, int seed)
    {
        int poolSize = (int)layout.Tensors.Max(t => t.ElementCount) + OffsetRange;
        int vectorSize = layout.Tensors.Where(t => t.IsVector).Max(t => t.Columns);
        _pool = (ushort*)NativeMemory.Alloc((nuint)poolSize, sizeof(ushort));
        _ones = (ushort*)NativeMemory.Alloc((nuint)vectorSize, sizeof(ushort));
        FillRandom(new Span<ushort>(_pool, poolSize), (ulong)seed);
        new Span<ushort>(_ones, vectorSize).Fill(ToBFloat16(1));
    }

    public Tensor Get(TensorSpec spec) => spec.IsVector
        ? new Tensor((nint)_ones, DType.BFloat16, 1, spec.Columns)
        : new Tensor((nint)(_pool + OffsetOf(spec.Name)), DType.BFloat16, spec.Rows, spec.Columns);

    public void Dispose()
    {
        NativeMemory.Free(_pool);
        NativeMemory.Free(_ones);
    }

    private static int OffsetOf(string name)
    {
        uint hash = 2166136261; // FNV-1a: the same offset in every run
        foreach (char c in name)
            hash = (hash ^ c) * 16777619;
        return (int)(hash % OffsetRange);
    }

    // Four uniform numbers of one xorshift64* draw; a uniform spread of ±√3 σ has the deviation σ.
    private static void FillRandom(Span<ushort> numbers, ulong state)
    {
        const float Scale = StandardDeviation * 1.7320508f / 32768f;
        ulong bits = 0;
        for (int i = 0; i < numbers.Length; i++)
        {
            if (i % 4 == 0)
            {
                state ^= state >> 12;
                state ^= state << 25;
                state ^= state >> 27;
                bits = state * 2685821657736338717;
            }

            numbers[i] = ToBFloat16((short)bits * Scale);
            bits >>= 16;
        }
    }

    private static ushort ToBFloat16(float value) => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
}
