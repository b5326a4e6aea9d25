using HShare.Cli.Drawing;

namespace HShare.Cli.Tests.Drawing;

public sealed class HeatStripTests
{
    [Fact]
    public void A_lone_token_of_a_long_context_is_seen_at_its_place()
    {
        var file = new SvgFile(Strip(context: 80_000, new ReadToken(40_000, 0.5)).ToSvg());

        var token = file.In("row", "rect").Single();
        var field = file.In("axes", "rect").Single();
        Assert.Equal(SvgFile.Number(field, "x") + (SvgFile.Number(field, "width") / 2), SvgFile.Number(token, "x"), 1.0);
        Assert.InRange(SvgFile.Number(token, "width"), 2, 3);
    }

    [Fact]
    public void The_last_token_stays_inside_the_field()
    {
        var file = new SvgFile(Strip(context: 8192, new ReadToken(8191, 0.5)).ToSvg());

        var token = file.In("row", "rect").Single();
        var field = file.In("axes", "rect").Single();
        Assert.Equal(
            SvgFile.Number(field, "x") + SvgFile.Number(field, "width"), SvgFile.Number(token, "x") + SvgFile.Number(token, "width"), 1e-6);
    }

    [Fact]
    public void Weights_are_told_apart_by_colour_and_the_greatest_wins_a_pixel()
    {
        HeatStrip strip = Strip(context: 8000, new(1000, 0.4), new(1001, 0.00001), new(4000, 0), new(6000, 0.05));

        var file = new SvgFile(strip.ToSvg());

        int top = Palette.HeatLevels - 1;
        string[] fills = [.. file.In("row", "rect").Select(rect => rect.Attribute("fill")!.Value)];

        // 0.05 is an eighth of 0.4, and a level down is a fourth.
        Assert.Equal([Palette.HeatAt(top), Palette.HeatAt(0), Palette.HeatAt(top - 1)], fills);
    }

    [Fact]
    public void Sinks_and_window_are_marked_and_every_row_is_there()
    {
        HeatStrip strip = Strip(context: 8192) with
        {
            Sinks = 16,
            Window = 1024,
            Rows = [.. Enumerable.Range(0, 80).Select(layer => new HeatRow($"{layer}", [new(0, 0.1)]))],
        };

        var file = new SvgFile(strip.ToSvg());

        Assert.Equal(["sinks: first 16", "window: last 1,024"], file.In("always", "text").Select(text => text.Value));
        Assert.Equal([4, 100], file.In("always", "rect").Select(rect => SvgFile.Number(rect, "width")));
        Assert.Equal(80, file.In("row", "rect").Count());
        file.AssertTextsAreApart();
        Assert.Equal(strip.ToSvg(), (strip with { }).ToSvg());
    }

    [Theory]
    [InlineData(100, 0.1, "token 100 of a context of 100")]
    [InlineData(-1, 0.1, "token -1")]
    [InlineData(5, -0.1, "weight -0.1")]
    [InlineData(5, double.NaN, "weight NaN")]
    public void Tokens_that_cannot_be_drawn_are_named(int position, double weight, string named)
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => Strip(context: 100, new ReadToken(position, weight)).ToSvg());

        Assert.Contains(named, error.Message);
    }

    [Fact]
    public void Nothing_read_is_drawn_as_nothing()
    {
        var file = new SvgFile(Strip(context: 100).ToSvg());

        Assert.Empty(file.In("row", "rect"));
        Assert.Throws<ArgumentException>(() => (Strip(context: 100) with { Rows = [] }).ToSvg());
    }

    private static HeatStrip Strip(int context, params ReadToken[] read) =>
        new() { Title = "Read", RowName = "layer", Context = context, Rows = [new("0", read)] };
}
