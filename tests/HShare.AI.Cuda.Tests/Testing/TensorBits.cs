using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Tests.Testing;

/// <summary>Tensors of any floating-point type from and to float32, on any backend.</summary>
internal static class TensorBits
{
    /// <summary>Random values from -scale to scale.</summary>
    public static float[] Floats(this Random random, int count, float scale = 1)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (random.NextSingle() * 2 - 1) * scale;
        return values;
    }

    /// <summary>The values as a type rounds them.</summary>
    public static float[] Rounded(this float[] values, DType type) => Decode(Encode(values, type), type);

    /// <summary>A new tensor with these values, rounded to its type.</summary>
    public static Tensor Upload(this Backend backend, DType type, int rows, int columns, float[] values)
    {
        Tensor tensor = backend.Allocate(type, rows, columns);
        backend.Write<byte>(tensor, Encode(values, type));
        return tensor;
    }

    /// <summary>A new tensor of integers [1, n].</summary>
    public static Tensor Upload(this Backend backend, params int[] values)
    {
        Tensor tensor = backend.Allocate(DType.Int32, 1, values.Length);
        backend.Write<int>(tensor, values);
        return tensor;
    }

    /// <summary>A new tensor full of NaN.</summary>
    public static Tensor Poisoned(this Backend backend, DType type, int rows, int columns)
    {
        Tensor tensor = backend.Allocate(type, rows, columns);
        backend.Poison(tensor);
        return tensor;
    }

    /// <summary>Fills a tensor with NaN, of whichever type.</summary>
    public static void Poison(this Backend backend, Tensor tensor)
    {
        byte[] poison = new byte[tensor.ByteCount];
        Array.Fill(poison, (byte)0xff);
        backend.Write<byte>(tensor, poison);
    }

    /// <summary>What a tensor holds.</summary>
    public static float[] Download(this Backend backend, Tensor tensor)
    {
        byte[] bytes = new byte[tensor.ByteCount];
        backend.Read<byte>(tensor, bytes);
        return Decode(bytes, tensor.Type);
    }

    /// <summary>‖actual − expected‖ / ‖expected‖; where both are NaN there is no difference, where one is it is NaN.</summary>
    public static double RelativeError(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        double difference = 0, norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (float.IsNaN(expected[i]) && float.IsNaN(actual[i]))
                continue;
            difference += Math.Pow((double)actual[i] - expected[i], 2);
            norm += Math.Pow(expected[i], 2);
        }

        return difference == 0 ? 0 : Math.Sqrt(difference / norm);
    }

    /// <summary>Asserts that the relative error is no more than a limit.</summary>
    public static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double limit)
    {
        double error = RelativeError(expected, actual);
        Assert.True(error <= limit, $"The relative error is {error:g3}, more than {limit:g3}.");
    }

    /// <summary>Elements of any floating-point type as float32.</summary>
    public static float[] Decode(byte[] bytes, DType type)
    {
        float[] values = new float[bytes.Length / type.ByteSize()];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = type switch
            {
                DType.Float32 => BitConverter.ToSingle(bytes, 4 * i),
                DType.Float16 => (float)BitConverter.ToHalf(bytes, 2 * i),
                DType.BFloat16 => BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(bytes, 2 * i) << 16),
                DType.Float8 => Float8(bytes[i]),
                _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a floating-point type."),
            };
        }

        return values;
    }

    /// <summary>The value of an e4m3 byte.</summary>
    public static float Float8(byte bits)
    {
        int exponent = bits >> 3 & 15, mantissa = bits & 7;
        float magnitude = (exponent, mantissa) switch
        {
            (15, 7) => float.NaN,
            (0, _) => mantissa / 512f,
            _ => (1 + mantissa / 8f) * MathF.Pow(2, exponent - 7),
        };
        return bits >= 0x80 ? -magnitude : magnitude;
    }

    /// <summary>float32 values as elements of any floating-point type, to nearest, ties to even.</summary>
    public static byte[] Encode(float[] values, DType type) => type switch
    {
        DType.Float32 => [.. values.SelectMany(BitConverter.GetBytes)],
        DType.Float16 => [.. values.SelectMany(value => BitConverter.GetBytes((Half)value))],
        DType.BFloat16 => [.. values.SelectMany(value => BitConverter.GetBytes(ToBFloat16(value)))],
        DType.Float8 => [.. values.Select(ToFloat8)],
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a floating-point type."),
    };

    private static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7fff : (ushort)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }

    // To nearest, ties to even, 448 at most.
    private static byte ToFloat8(float value)
    {
        if (float.IsNaN(value))
            return 0x7f;
        float magnitude = MathF.Min(MathF.Abs(value), 448);
        int exponent = magnitude < 1 / 64f ? -6 : (int)(BitConverter.SingleToUInt32Bits(magnitude) >> 23) - 127;
        int steps = (int)MathF.Round(magnitude / MathF.Pow(2, exponent - 3)); // of the last mantissa bit; 8 to 16, or less if subnormal
        int code = (exponent + 6) * 8 + steps;
        return (byte)((value < 0 ? 0x80 : 0) | Math.Min(code, 0x7e));
    }
}
