using System.Numerics;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Engine.Tests.Compute;

public sealed unsafe class HalfConversionTests
{
    [Fact]
    public void Every_float16_widens_exactly()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            float expected = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
            float actual = HalfConversion.FromFloat16(Vector.Create((uint)bits))[0];
            Assert.True(float.IsNaN(expected) ? float.IsNaN(actual) : Same(expected, actual), $"{bits:X4}: {expected:R}, {actual:R}");
        }
    }

    [Fact]
    public void Every_bfloat16_widens_exactly()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            float expected = BitConverter.UInt32BitsToSingle((uint)bits << 16);
            Assert.True(Same(expected, HalfConversion.FromBFloat16(Vector.Create((uint)bits))[0]));
            Assert.True(Same(expected, HalfConversion.FromBFloat16((ushort)bits)));
        }
    }

    [Fact]
    public void Narrowing_to_float16_rounds_as_Half_does()
    {
        foreach (float value in Samples(tieStep: 0x1000))
        {
            ushort expected = BitConverter.HalfToUInt16Bits((Half)value);
            uint actual = HalfConversion.ToFloat16(Vector.Create(value))[0];
            bool bothNaN = float.IsNaN(value) && Half.IsNaN(BitConverter.UInt16BitsToHalf((ushort)actual));
            Assert.True(bothNaN || actual == expected, $"{value:R}: expected {expected:X4}, got {actual:X4}");
        }
    }

    [Fact]
    public void Narrowing_to_bfloat16_rounds_to_nearest_even()
    {
        foreach (float value in Samples(tieStep: 0x8000))
        {
            ushort actual = HalfConversion.ToBFloat16(value);
            float back = HalfConversion.FromBFloat16(actual);
            if (float.IsNaN(value))
            {
                Assert.True(float.IsNaN(back));
                continue;
            }

            double error = Math.Abs((double)back - value);
            float up = HalfConversion.FromBFloat16((ushort)(actual + 1)), down = HalfConversion.FromBFloat16((ushort)(actual - 1));
            bool isNearest = float.IsInfinity(back)
                ? Math.Abs((double)value) > 3.394e38 // half a step above the largest finite
                : !(Math.Abs((double)up - value) < error) && !(Math.Abs((double)down - value) < error);
            bool isTie = Math.Abs((double)up - value) == error || Math.Abs((double)down - value) == error;
            Assert.True(isNearest && (!isTie || error == 0 || actual % 2 == 0), $"{value:R} became {back:R}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(37)]
    public void Rows_convert_to_their_last_element_and_not_beyond(int count)
    {
        float[] values = new Random(count).RandomFloats(count);
        foreach (DType type in new[] { DType.Float32, DType.Float16, DType.BFloat16 })
        {
            byte[] narrow = new byte[4 * count + 1];
            float[] wide = new float[count + 1];
            narrow[count * type.ByteSize()] = 77;
            wide[count] = 77;
            fixed (float* from = values, to = wide)
            fixed (byte* between = narrow)
            {
                ElementConversion.Narrow(from, between, type, count);
                ElementConversion.Widen(between, type, to, count);
            }

            Assert.Equal(77, narrow[count * type.ByteSize()]);
            Assert.Equal(77, wide[count]);
            double tolerance = type switch { DType.Float32 => 0, DType.Float16 => 5e-4, _ => 4e-3 };
            TensorData.AssertClose(Array.ConvertAll(values, v => (double)v), wide.AsSpan(0, count), tolerance);
        }
    }

    private static bool Same(float a, float b) => BitConverter.SingleToUInt32Bits(a) == BitConverter.SingleToUInt32Bits(b);

    // Bit patterns over the whole range, and around the ties: values exactly between two representable ones.
    private static IEnumerable<float> Samples(uint tieStep)
    {
        for (ulong bits = 0; bits <= uint.MaxValue; bits += 65521 / 2)
            yield return BitConverter.UInt32BitsToSingle((uint)bits);
        for (ulong bits = 0; bits <= uint.MaxValue; bits += 97 * tieStep)
        {
            for (int offset = -1; offset <= 1; offset++)
                yield return BitConverter.UInt32BitsToSingle((uint)((long)bits + offset));
        }
    }
}
