using HShare.Cli.Drawing;

namespace HShare.Cli.Tests.Drawing;

public sealed class AxisTests
{
    [Fact]
    public void An_even_axis_ends_with_round_values()
    {
        var axis = Axis.Linear([0.13, 0.97], NumberForm.Percent, 100, 200);

        Assert.Equal(["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"], Marks(axis));
        Assert.Equal(150, axis.At(0.5), 1e-9);
    }

    [Fact]
    public void An_axis_that_ends_with_its_values_marks_none_beyond()
    {
        var axis = Axis.Linear([0, 11], NumberForm.Plain, 0, 110, roundEnds: false);

        Assert.Equal([0, 2, 4, 6, 8, 10], axis.Ticks);
        Assert.Equal(110, axis.At(11), 1e-9);
    }

    [Fact]
    public void Whole_numbers_are_marked_with_whole_numbers() =>
        Assert.Equal([1, 2, 3], Axis.Linear([1, 3], NumberForm.Plain, 0, 1).Ticks);

    [Fact]
    public void Bytes_are_marked_at_powers_of_two()
    {
        var axis = Axis.Logarithmic([3 << 20, 100 << 20], NumberForm.Bytes, 0, 100);

        Assert.Equal(["4 MiB", "8 MiB", "16 MiB", "32 MiB", "64 MiB"], Marks(axis));
        Assert.Equal(axis.At(8 << 20) - axis.At(4 << 20), axis.At(64 << 20) - axis.At(32 << 20), 1e-9);
    }

    [Theory]
    [InlineData(0.05, 1, "5 %, 10 %, 20 %, 50 %, 100 %")]
    [InlineData(0.6, 0.9, "60 %, 65 %, 70 %, 75 %, 80 %, 85 %, 90 %")]
    public void A_logarithmic_axis_is_marked_at_round_values(double least, double most, string expected)
    {
        var axis = Axis.Logarithmic([least, most], NumberForm.Percent, 0, 100);

        Assert.Equal(expected, string.Join(", ", Marks(axis)));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 5)]
    [InlineData(1e-12, 1.1e-12)]
    [InlineData(-3e12, 7e12)]
    public void Any_range_has_a_few_marks_and_holds_its_values(double least, double most)
    {
        var axis = Axis.Linear([least, most], NumberForm.Plain, 0, 100);

        Assert.InRange(axis.Ticks.Count, 2, 10);
        Assert.InRange(axis.At(least), 0, 100);
        Assert.InRange(axis.At(most), 0, 100);
    }

    [Fact]
    public void Values_that_cannot_be_placed_are_named()
    {
        Assert.Contains("0 B", Assert.Throws<ArgumentException>(() => Axis.Logarithmic([0, 5], NumberForm.Bytes, 0, 1)).Message);
        Assert.Contains("NaN", Assert.Throws<ArgumentException>(() => Axis.Linear([double.NaN], NumberForm.Plain, 0, 1)).Message);
        Assert.Throws<ArgumentException>(() => Axis.Linear([], NumberForm.Plain, 0, 1));
    }

    private static IEnumerable<string> Marks(Axis axis) => axis.Ticks.Select(tick => axis.Form.Write(tick));
}
