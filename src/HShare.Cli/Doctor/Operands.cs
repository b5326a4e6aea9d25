using System.Runtime.InteropServices;
using HShare.AI.Engine.Compute;

namespace HShare.Cli.Doctor;

/// <summary>
/// Random operands on a backend, the same on every backend: numbers that bfloat16 holds exactly, so that only the arithmetic differs.
/// </summary>
internal sealed class Operands(Backend backend)
{
    /// <summary>The backend.</summary>
    public Backend Backend => backend;

    /// <summary>Random numbers between -1 and 1 that bfloat16 holds.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">Other numbers for another seed.</param>
    public static float[] Numbers(int count, int seed)
    {
        Random random = new(seed);
        float[] values = new float[count];
        foreach (ref float value in values.AsSpan())
            value = Round(2 * random.NextSingle() - 1);
        return values;
    }

    /// <summary>A float32 matrix of random numbers.</summary>
    public Tensor Floats(int rows, int columns, int seed) => Write(DType.Float32, rows, columns, Numbers(rows * columns, seed));

    /// <summary>A matrix of random numbers of the type that linear layers take in.</summary>
    public Tensor Activations(int rows, int columns, int seed) =>
        Write(backend.ActivationType, rows, columns, Numbers(rows * columns, seed));

    /// <summary>An empty matrix of the type that linear layers take in.</summary>
    public Tensor Activations(int rows, int columns) => backend.Allocate(backend.ActivationType, rows, columns);

    /// <summary>An empty float32 matrix.</summary>
    public Tensor Floats(int rows, int columns) => backend.Allocate(DType.Float32, rows, columns);

    /// <summary>A vector of numbers.</summary>
    public Tensor Integers(params int[] values)
    {
        Tensor tensor = backend.Allocate(DType.Int32, 1, values.Length);
        backend.Write<int>(tensor, values);
        return tensor;
    }

    /// <summary>The numbers of a floating-point matrix.</summary>
    public float[] Read(Tensor tensor)
    {
        float[] values = new float[tensor.Rows * tensor.Columns];
        if (tensor.Type == DType.Float32)
        {
            backend.Read<float>(tensor, values);
            return values;
        }

        ushort[] bits = new ushort[values.Length];
        backend.Read<ushort>(tensor, bits);
        for (int i = 0; i < bits.Length; i++)
        {
            values[i] = tensor.Type == DType.BFloat16
                ? BitConverter.UInt32BitsToSingle((uint)bits[i] << 16)
                : (float)BitConverter.UInt16BitsToHalf(bits[i]);
        }

        return values;
    }

    private Tensor Write(DType type, int rows, int columns, float[] values)
    {
        Tensor tensor = backend.Allocate(type, rows, columns);
        if (type == DType.Float32)
            backend.Write<float>(tensor, values);
        else if (type == DType.BFloat16)
            backend.Write<ushort>(tensor, Array.ConvertAll(values, value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)));
        else
            backend.Write<ushort>(tensor, MemoryMarshal.Cast<Half, ushort>(Array.ConvertAll(values, value => (Half)value)));
        return tensor;
    }

    private static float Round(float value) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000);
}
