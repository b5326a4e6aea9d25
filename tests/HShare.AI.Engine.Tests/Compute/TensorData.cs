using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Tests.Compute;

/// <summary>Random values in tensors, and tensors as double precision.</summary>
internal static class TensorData
{
    public static float[] RandomFloats(this Random random, int count, float scale = 1)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (float)(random.NextDouble() * 2 - 1) * scale;
        return values;
    }

    /// <summary>A tensor of any floating-point type with these values, rounded to it.</summary>
    public static Tensor Upload(this Backend backend, DType type, int rows, int columns, float[] values)
    {
        Tensor tensor = backend.Allocate(type, rows, columns);
        switch (type)
        {
            case DType.Float32: backend.Write<float>(tensor, values); break;
            case DType.Float16: backend.Write<Half>(tensor, Array.ConvertAll(values, v => (Half)v)); break;
            case DType.BFloat16: backend.Write<ushort>(tensor, Array.ConvertAll(values, ToBFloat16)); break;
            default: throw new ArgumentOutOfRangeException(nameof(type));
        }

        return tensor;
    }

    public static Tensor UploadRandom(this Backend backend, DType type, int rows, int columns, Random random, float scale = 1) =>
        backend.Upload(type, rows, columns, random.RandomFloats(rows * columns, scale));

    public static Tensor Upload(this Backend backend, params int[] values)
    {
        Tensor tensor = backend.Allocate(DType.Int32, 1, values.Length);
        backend.Write<int>(tensor, values);
        return tensor;
    }

    public static float[] Download(this Backend backend, Tensor tensor)
    {
        int count = tensor.Rows * tensor.Columns;
        switch (tensor.Type)
        {
            case DType.Float32:
                var floats = new float[count];
                backend.Read<float>(tensor, floats);
                return floats;
            case DType.Float16:
                var halves = new Half[count];
                backend.Read<Half>(tensor, halves);
                return Array.ConvertAll(halves, v => (float)v);
            case DType.BFloat16:
                var bits = new ushort[count];
                backend.Read<ushort>(tensor, bits);
                return Array.ConvertAll(bits, v => BitConverter.UInt32BitsToSingle((uint)v << 16));
            default:
                throw new ArgumentOutOfRangeException(nameof(tensor));
        }
    }

    public static double[] DownloadDoubles(this Backend backend, Tensor tensor) =>
        Array.ConvertAll(backend.Download(tensor), v => (double)v);

    /// <summary>Asserts |actual - expected| &lt;= tolerance * max(1, |expected|) for every element.</summary>
    public static void AssertClose(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            double limit = tolerance * Math.Max(1, Math.Abs(expected[i]));
            Assert.True(Math.Abs(expected[i] - actual[i]) <= limit, $"[{i}]: expected {expected[i]:R}, got {actual[i]:R}");
        }
    }

    /// <summary>Asserts equality bit for bit.</summary>
    public static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]))
                Assert.Fail($"[{i}]: expected {expected[i]:R}, got {actual[i]:R}");
        }
    }

    // Rounding to nearest even through decimal comparison of the two neighbours, written independently of the engine's bit trick.
    private static ushort ToBFloat16(float value)
    {
        ushort low = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
        ushort high = (ushort)(low + 1);
        double down = Math.Abs((double)value - BitConverter.UInt32BitsToSingle((uint)low << 16));
        double up = Math.Abs(BitConverter.UInt32BitsToSingle((uint)high << 16) - (double)value);
        return down < up || (down == up && low % 2 == 0) ? low : high;
    }
}
