using System.Xml.Linq;
using HShare.Cli.Drawing;

namespace HShare.Cli.Tests.Drawing;

public sealed class ChartTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Points_lie_inside_the_field_and_labels_apart(bool log)
    {
        ScatterChart chart = Scatter() with { LogX = log };

        var file = new SvgFile(chart.ToSvg());

        XElement field = file.In("axes", "rect").Single();
        double left = SvgFile.Number(field, "x"), top = SvgFile.Number(field, "y");
        XElement[] points = [.. file.In("points", "circle")];
        Assert.Equal(chart.Points.Count, points.Length);
        Assert.All(points, point =>
        {
            Assert.InRange(SvgFile.Number(point, "cx"), left + 5, left + SvgFile.Number(field, "width") - 5);
            Assert.InRange(SvgFile.Number(point, "cy"), top + 5, top + SvgFile.Number(field, "height") - 5);
        });
        Assert.Equal(chart.Points.Select(point => point.Label), file.In("points", "text").Select(text => text.Value));
        Assert.Contains("<dense> & whole: 96 MiB, 100 %", points.Select(SvgFile.Tooltip));
        file.AssertTextsAreApart();
    }

    [Fact]
    public void Better_and_dearer_points_lie_higher_and_further_right()
    {
        XElement[] points = [.. new SvgFile(Scatter().ToSvg()).In("points", "circle")];

        Assert.True(SvgFile.Number(points[0], "cx") > SvgFile.Number(points[1], "cx"));
        Assert.True(SvgFile.Number(points[0], "cy") < SvgFile.Number(points[1], "cy"));
    }

    [Fact]
    public void Lines_have_a_point_for_each_value_and_a_name_in_the_legend()
    {
        LineChart chart = Lines();

        var file = new SvgFile(chart.ToSvg());

        Assert.Equal(2, file.In("series", "polyline").Count());
        Assert.Equal(24, file.In("series", "circle").Count());
        Assert.Equal(["a & b", "fast"], file.In("series", "text").Select(text => text.Value));
        file.AssertTextsAreApart();
    }

    [Fact]
    public void Bars_are_as_long_as_their_values_and_say_them()
    {
        BarChart chart = Bars();

        var file = new SvgFile(chart.ToSvg());

        double[] lengths = [.. file.In("bars", "rect").Select(bar => SvgFile.Number(bar, "width"))];
        Assert.Equal(3, lengths.Length); // one has no value
        Assert.Equal(2, lengths[1] / lengths[0], 1e-3);
        Assert.Equal(["8K", "2x", "4x", "32K", "3x"], file.In("bars", "text").Select(text => text.Value));
        file.AssertTextsAreApart();
    }

    [Fact]
    public void Equal_charts_make_equal_files()
    {
        Assert.Equal(Scatter().ToSvg(), Scatter().ToSvg());
        Assert.Equal(Lines().ToSvg(), Lines().ToSvg());
        Assert.Equal(Bars().ToSvg(), Bars().ToSvg());
    }

    [Fact]
    public void Charts_without_values_or_with_wrong_ones_are_refused_by_name()
    {
        AssertRefused("Accuracy", (Scatter() with { Points = [] }).ToSvg);
        AssertRefused("0 B", (Scatter() with { LogX = true, Points = [new("free", 0, 1)] }).ToSvg);
        AssertRefused("Mass", (Lines() with { Series = [] }).ToSvg);
        AssertRefused("Speed", (Bars() with { Groups = [] }).ToSvg);
        AssertRefused("'16K'", (Bars() with { Groups = [new("16K", [1])] }).ToSvg);
        AssertRefused("negative", (Bars() with { Groups = [new("16K", [1, -1])] }).ToSvg);

        static void AssertRefused(string named, Func<string> draw) =>
            Assert.Contains(named, Assert.Throws<ArgumentException>(draw).Message);
    }

    private static ScatterChart Scatter() => new()
    {
        Title = "Accuracy over bytes",
        XName = "KV bytes read in a step",
        YName = "right answers",
        Points =
        [
            new("<dense> & whole", 96 << 20, 1, "dense"), new("fast", 6 << 20, 0.82, "presets"), new("balanced", 10 << 20, 0.95, "presets"),
            new("page bounds", 10.1 * (1 << 20), 0.951, "other"), new("label channels", 10.2 * (1 << 20), 0.949, "other"),
            new("careful", 20 << 20, 0.99, "presets"), new("twin one", 50 << 20, 0.9), new("twin two", 50 << 20, 0.9),
        ],
    };

    private static LineChart Lines() => new()
    {
        Title = "Mass by layer",
        XName = "layer",
        YName = "recovered mass",
        YForm = NumberForm.Percent,
        Series =
        [
            new("a & b", [.. Enumerable.Range(0, 12).Select(layer => ((double)layer, 0.98))]),
            new("fast", [.. Enumerable.Range(0, 12).Select(layer => ((double)layer, 0.9 - (layer * 0.01)))]),
        ],
    };

    private static BarChart Bars() => new()
    {
        Title = "Speed against dense",
        XName = "times faster",
        Series = ["cpu", "gpu"],
        Groups = [new("8K", [2, 4]), new("32K", [3, double.NaN])],
        Reference = 1,
    };
}
