using System.Numerics;
using System.Runtime.Intrinsics;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Engine.Tests.Compute;

public sealed class VectorMathTests
{
    [Fact]
    public void Exp_is_accurate_over_its_range()
    {
        for (double x = -87; x < 88; x += 0.00371)
        {
            float argument = (float)x;
            double expected = Math.Exp(argument);
            double error = VectorMath.Exp(Vector.Create(argument))[0] / expected - 1;
            Assert.True(Math.Abs(error) < 3e-7, $"e^{argument:R}: relative error {error:E2}");
        }
    }

    [Fact]
    public void Exp2_of_negative_is_accurate_over_its_range()
    {
        for (double x = -126; x <= 0; x += 0.00271)
        {
            float argument = (float)x;
            double error = VectorMath.Exp2OfNegative(Vector.Create(argument))[0] / Math.Pow(2, argument) - 1;
            Assert.True(Math.Abs(error) < 2e-7, $"2^{argument:R}: relative error {error:E2}");
        }
    }

    [Fact]
    public void Exponentials_are_exact_where_the_softmax_relies_on_it()
    {
        Assert.Equal(1, VectorMath.Exp(Vector<float>.Zero)[0]);
        Assert.Equal(1, VectorMath.Exp2OfNegative(Vector<float>.Zero)[0]);
        Assert.Equal(0, VectorMath.Exp2OfNegative(Vector.Create(-127f))[0]);
        Assert.Equal(0, VectorMath.Exp2OfNegative(Vector.Create(-1e30f))[0]);
        Assert.Equal(0, VectorMath.Exp2OfNegative(Vector.Create(float.NegativeInfinity))[0]);
        Assert.Equal(0, VectorMath.Exp(Vector.Create(float.NegativeInfinity))[0]);
        Assert.True(float.IsFinite(VectorMath.Exp(Vector.Create(1000f))[0]));
        Assert.True(float.IsNaN(VectorMath.Exp(Vector.Create(float.NaN))[0]));
        Assert.True(float.IsNaN(VectorMath.Exp2OfNegative(Vector.Create(float.NaN))[0]));
    }

    [Fact]
    public void Max_looks_at_every_lane()
    {
        float[] lanes = new float[Vector<float>.Count];
        for (int i = 0; i < lanes.Length; i++)
        {
            Array.Fill(lanes, -5);
            lanes[i] = -2;
            Assert.Equal(-2, VectorMath.Max(new Vector<float>(lanes)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(67)]
    public unsafe void Products_two_by_two_do_not_depend_on_their_neighbours(int count)
    {
        var random = new Random(count);
        float[] values = [.. Enumerable.Range(0, 4 * count).Select(_ => random.NextSingle() - 0.5f)];
        fixed (float* a = values)
        {
            float* b = a + count, c = b + count, d = c + count;
            Vector128<float> dots = VectorMath.Dots<Float32Element>(a, b, (byte*)c, (byte*)d, count);

            Assert.Equal(Dot(values, 0, 2, count), dots[0], 1e-5);
            Assert.Equal(Dot(values, 0, 3, count), dots[1], 1e-5);
            Assert.Equal(Dot(values, 1, 2, count), dots[2], 1e-5);
            Assert.Equal(Dot(values, 1, 3, count), dots[3], 1e-5);
            Assert.Equal(Vector128.Create(dots[3]), VectorMath.Dots<Float32Element>(b, b, (byte*)d, (byte*)d, count));
        }
    }

    [Fact]
    public unsafe void Bounds_widen_in_every_lane_and_behind_the_last_vector()
    {
        float[] largest = new float[21], least = new float[21], values = [.. Enumerable.Range(-10, 21).Select(i => (float)i)];
        fixed (float* x = values, high = largest, low = least)
            VectorMath.Bound(x, high, low, values.Length);

        Assert.Equal(values.Select(value => Math.Max(0, value)), largest);
        Assert.Equal(values.Select(value => Math.Min(0, value)), least);
    }

    private static double Dot(float[] rows, int i, int j, int count) =>
        Enumerable.Range(0, count).Sum(k => (double)rows[i * count + k] * rows[j * count + k]);
}
