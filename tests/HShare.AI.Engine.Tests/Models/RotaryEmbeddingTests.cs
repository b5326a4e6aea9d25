using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Tests.Models;

public sealed class RotaryEmbeddingTests
{
    [Fact]
    public void Frequencies_fall_geometrically() =>
        AssertClose([1, 0.1, 0.01, 0.001], RotaryEmbedding.InverseFrequencies(new RotaryConfig(10000, null), 8));

    [Fact]
    public void Linear_scaling_divides_all_frequencies() =>
        AssertClose([0.25, 0.0025], RotaryEmbedding.InverseFrequencies(new RotaryConfig(10000, new LinearRotaryScaling(4)), 4));

    [Fact]
    public void Llama3_scaling_keeps_high_divides_low_and_blends_between()
    {
        // By hand, wavelength w = 2π/f against a context of 64: kept under w = 16, divided by 8 over w = 64, between them
        // (1 - s) f / 8 + s f with s = (64 / w - 1) / 3. The second, w = 32.4, is blended; those behind it have w = 167 and more.
        RotaryConfig rotary = new(500000, new Llama3RotaryScaling(8, 1, 4, 64));
        AssertClose(
            [1, 0.0794030091792082, 0.004700753866357992, 0.0009115830921521387, 0.00017677669529663688, 3.428102195952591e-05,
                6.647869871181235e-06, 1.2891731721515574e-06],
            RotaryEmbedding.InverseFrequencies(rotary, 16));
    }

    [Fact]
    public void Llama3_scaling_of_the_real_model_changes_the_lower_half()
    {
        float[] frequencies = RotaryEmbedding.InverseFrequencies(new RotaryConfig(500000, new Llama3RotaryScaling(8, 1, 4, 8192)), 128);
        AssertClose(
            [0.003211445994752591, 0.002166570763503359, 0.0013718935677611381, 0.0001785078127679964, 9.556212353964683e-05,
                3.068925988914511e-07],
            [frequencies[28], frequencies[29], frequencies[30], frequencies[34], frequencies[35], frequencies[63]]);
    }

    [Fact]
    public void The_table_holds_cosine_and_sine_of_position_times_frequency()
    {
        using HostBackend backend = new();
        RotaryTable table = RotaryEmbedding.CreateTable(backend, new RotaryConfig(10000, null), headDim: 4, positions: 4);

        Assert.Equal((4, 2), (table.Cosines.Rows, table.Cosines.Columns));
        AssertClose([1, 1, 0.5403023, 0.99995, -0.4161468, 0.9998, -0.9899925, 0.99955003], HostBackend.Floats(table.Cosines));
        AssertClose([0, 0, 0.84147098, 0.00999983, 0.90929743, 0.01999867, 0.14112001, 0.0299955], HostBackend.Floats(table.Sines));
    }

    [Fact]
    public void Angles_of_far_positions_are_products_in_single_precision()
    {
        // 100,003 · 0.1f rounded to float32 is 10,000.2998046875 (steps are 2^-10 here); the product of the reals is 10,000.3.
        // Their cosines differ by 1e-4.
        using HostBackend backend = new();
        RotaryTable table = RotaryEmbedding.CreateTable(backend, new RotaryConfig(100, null), headDim: 4, positions: 100_004);
        Assert.Equal(Math.Cos(10000.2998046875), HostBackend.Floats(table.Cosines)[2 * 100_003 + 1], 1e-6);
    }

    private static void AssertClose(double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-6 * Math.Max(Math.Abs(expected[i]), 1e-3) * 2);
    }
}
