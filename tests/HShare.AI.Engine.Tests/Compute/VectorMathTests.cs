using System.Numerics;
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
}
