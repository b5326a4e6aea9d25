namespace HShare.Cli.Drawing;

/// <summary>Values over a common x, a line for each series, named at the right: recovered attention mass by layer, for example.</summary>
internal sealed record LineChart
{
    private const double FrameWidth = 620;
    private const double FrameHeight = 320;

    /// <summary>Room between the frame and the outermost points, so that none is drawn on the frame.</summary>
    private const double Inset = 10;

    private const double LegendRow = 20;

    /// <summary>Heading of the card.</summary>
    public required string Title { get; init; }

    /// <summary>What x is, its unit included.</summary>
    public required string XName { get; init; }

    /// <summary>What y is, its unit included.</summary>
    public required string YName { get; init; }

    /// <summary>The lines.</summary>
    public required IReadOnlyList<Series> Series { get; init; }

    /// <summary>How values of x are written.</summary>
    public NumberForm XForm { get; init; }

    /// <summary>How values of y are written.</summary>
    public NumberForm YForm { get; init; }

    /// <summary>Draws it.</summary>
    /// <returns>An SVG file.</returns>
    /// <exception cref="ArgumentException">There are no points, or a value is no number.</exception>
    public string ToSvg()
    {
        (double X, double Y)[] points = [.. Series.SelectMany(series => series.Points)];
        if (points.Length == 0)
            throw new ArgumentException($"The chart '{Title}' has no points to draw.", nameof(Series));

        var frame = new ChartFrame(92, 48, FrameWidth, Math.Max(FrameHeight, Series.Count * LegendRow));
        double legend = 44 + TextWidth.OfWidest(Series.Select(series => series.Name), ChartFrame.SmallFont);
        var canvas = new SvgCanvas(Math.Max(frame.Right + legend + 24, TextWidth.Of(Title, 16) + 40), frame.Bottom + 60, Title);
        var x = Axis.Linear(points.Select(point => point.X), XForm, frame.Left + Inset, frame.Right - Inset, roundEnds: false);
        var y = Axis.Linear(points.Select(point => point.Y), YForm, frame.Bottom - Inset, frame.Top + Inset);

        ChartFrame.DrawTitle(canvas, Title);
        frame.Draw(canvas, x, XName, y, YName);
        for (int index = 0; index < Series.Count; index++)
            DrawSeries(canvas, frame, x, y, index);
        return canvas.ToString();
    }

    private void DrawSeries(SvgCanvas canvas, ChartFrame frame, Axis x, Axis y, int index)
    {
        (string name, IReadOnlyList<(double X, double Y)> points) = Series[index];
        string color = Palette.StrongOf(index);
        string? dash = index < Palette.Count ? null : "6 3"; // the second time round the colours
        using SvgCanvas.Group group = canvas.InGroup("series");
        canvas.Polyline(points.Select(point => (x.At(point.X), y.At(point.Y))), color, 2, dash);
        foreach ((double X, double Y) point in points)
            canvas.Circle(x.At(point.X), y.At(point.Y), 3, color, tooltip: $"{name}: {x.Form.Write(point.X)}, {y.Form.Write(point.Y)}");

        double row = frame.Top + 10 + (index * LegendRow);
        canvas.Line(frame.Right + 14, row, frame.Right + 38, row, color, 2, dash);
        canvas.Text(frame.Right + 44, row + 4, name, size: ChartFrame.SmallFont);
    }
}
