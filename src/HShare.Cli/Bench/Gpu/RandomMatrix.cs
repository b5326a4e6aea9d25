using System.Runtime.InteropServices;
using HShare.AI.Engine.Compute;

namespace HShare.Cli.Bench.Gpu;

/// <summary>A host matrix of random bfloat16 numbers between -1/2 and 1/2, at a place that does not move.</summary>
internal sealed class RandomMatrix : IDisposable
{
    private GCHandle _pin;

    /// <summary>The same numbers for the same sizes.</summary>
    public RandomMatrix(int rows, int columns)
    {
        Random random = new(rows + columns);
        Values = new ushort[rows * columns];
        foreach (ref ushort value in Values.AsSpan())
            value = (ushort)(BitConverter.SingleToUInt32Bits(random.NextSingle() - 0.5f) >> 16);
        _pin = GCHandle.Alloc(Values, GCHandleType.Pinned);
        Tensor = new Tensor(_pin.AddrOfPinnedObject(), DType.BFloat16, rows, columns);
    }

    /// <summary>The numbers.</summary>
    public ushort[] Values { get; }

    /// <summary>The numbers as a matrix.</summary>
    public Tensor Tensor { get; }

    /// <summary>A new tensor of random activations: what linear layers take in.</summary>
    public static Tensor Activations(Backend backend, int rows, int columns)
    {
        using RandomMatrix values = new(rows, columns);
        Tensor input = backend.Allocate(backend.ActivationType, rows, columns);
        if (backend.ActivationType == DType.Float32)
            backend.Write<float>(input, Array.ConvertAll(values.Values, value => BitConverter.UInt32BitsToSingle((uint)value << 16)));
        else
            backend.Write<ushort>(input, values.Values); // as float16 these bits are other numbers, which does not matter
        return input;
    }

    /// <inheritdoc/>
    public void Dispose() => _pin.Free();
}
