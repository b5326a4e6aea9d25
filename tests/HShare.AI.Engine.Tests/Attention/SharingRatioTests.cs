using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Attention;

public sealed class SharingRatioTests
{
    [Theory]
    [InlineData("1", 1, 1)]
    [InlineData("1/2", 1, 2)]
    [InlineData("6/8", 3, 4)]
    [InlineData("4/4", 1, 1)]
    public void A_ratio_is_read_in_lowest_terms(string text, int numerator, int denominator)
    {
        SharingRatio ratio = SharingRatio.Parse(text);
        Assert.Equal((numerator, denominator), (ratio.Numerator, ratio.Denominator));
        Assert.Equal(new SharingRatio(numerator, denominator), ratio);
        Assert.Equal(ratio, SharingRatio.Parse(ratio.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("0/3")]
    [InlineData("3/2")]
    [InlineData("2")]
    [InlineData("1/0")]
    [InlineData("-1/2")]
    [InlineData("0.5")]
    [InlineData("1/2/3")]
    [InlineData(" 1/2")]
    [InlineData("99999999999/99999999999")]
    public void What_is_no_ratio_is_quoted_in_the_error(string text) =>
        Assert.Contains($"'{text}'", Assert.Throws<ArgumentException>(() => SharingRatio.Parse(text)).Message);

    [Theory]
    [InlineData("7/8", 32, 28)]
    [InlineData("7/8", 12, 11)]
    [InlineData("3/4", 2, 2)]
    [InlineData("1/3", 12, 4)]
    [InlineData("1/3", 1, 1)]
    public void Never_more_is_shared_than_the_ratio_says(string ratio, int count, int selecting) =>
        Assert.Equal(selecting, SharingRatio.Parse(ratio).Of(count));

    [Fact]
    public void Three_ratios_are_layers_heads_and_steps()
    {
        SharingRatios ratios = SharingRatios.Parse("7/8-3/4-1/2");
        Assert.Equal((new SharingRatio(7, 8), new SharingRatio(3, 4), 2), (ratios.Layers, ratios.Heads, ratios.Interval));
        Assert.Equal("7/8-3/4-1/2", ratios.ToString());
    }

    [Theory]
    [InlineData("1-1-3/4", "3/4")]
    [InlineData("1-1", "'1-1'")]
    [InlineData("1-x-1", "'x'")]
    public void The_part_at_fault_is_named(string text, string named) =>
        Assert.Contains(named, Assert.Throws<ArgumentException>(() => SharingRatios.Parse(text)).Message);
}
