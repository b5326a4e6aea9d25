namespace HShare.Cli.Drawing;

/// <summary>A group of a <see cref="BarChart"/>.</summary>
/// <param name="Name">Its name, at the left.</param>
/// <param name="Values">Its bars, one for each of <see cref="BarChart.Series"/>; NaN where there is none.</param>
internal sealed record BarGroup(string Name, IReadOnlyList<double> Values);

/// <summary>Horizontal bars in groups, each with its value: how many times faster, for example.</summary>
internal sealed record BarChart
{
    private const double FrameWidth = 520;
    private const double BarHeight = 18;
    private const double GroupGap = 14;

    /// <summary>Heading of the card.</summary>
    public required string Title { get; init; }

    /// <summary>What the values are, their unit included.</summary>
    public required string XName { get; init; }

    /// <summary>Names of a group's bars.</summary>
    public required IReadOnlyList<string> Series { get; init; }

    /// <summary>The groups, from above.</summary>
    public required IReadOnlyList<BarGroup> Groups { get; init; }

    /// <summary>How the values are written.</summary>
    public NumberForm Form { get; init; } = NumberForm.Ratio;

    /// <summary>A value to mark with a dashed line, such as 1 for ratios; none where null.</summary>
    public double? Reference { get; init; }

    /// <summary>Draws it.</summary>
    /// <returns>An SVG file.</returns>
    /// <exception cref="ArgumentException">No bars; a group with more or fewer bars than there are series; a negative bar.</exception>
    public string ToSvg()
    {
        double[] values = [.. Groups.SelectMany(group => group.Values).Where(value => !double.IsNaN(value))];
        Check(values);
        double groupHeight = (BarHeight * Series.Count) + GroupGap;
        double left = Math.Max(60, 28 + TextWidth.OfWidest(Groups.Select(group => group.Name)));
        var frame = new ChartFrame(left, Series.Count > 1 ? 74 : 48, FrameWidth, groupHeight * Groups.Count);
        double legendWidth = Series.Sum(LegendWidth);
        double width = Math.Max(frame.Right + 30, Math.Max(TextWidth.Of(Title, 16) + 40, left + legendWidth));
        var canvas = new SvgCanvas(width, frame.Bottom + 58, Title);
        double room = 12 + TextWidth.OfWidest(values.Select(value => Form.Write(value)), ChartFrame.SmallFont);
        var axis = Axis.Linear([0, .. values, .. Reference is { } mark ? (double[])[mark] : []], Form, frame.Left, frame.Right - room);

        ChartFrame.DrawTitle(canvas, Title);
        if (Series.Count > 1)
            DrawLegend(canvas, left);
        DrawAxis(canvas, frame, axis);
        for (int group = 0; group < Groups.Count; group++)
            DrawGroup(canvas, frame, axis, Groups[group], frame.Top + (group * groupHeight));
        return canvas.ToString();
    }

    private static double LegendWidth(string series) => TextWidth.Of(series, ChartFrame.SmallFont) + 34;

    private void Check(double[] values)
    {
        if (values.Length == 0)
            throw new ArgumentException($"The chart '{Title}' has no bars to draw.", nameof(Groups));
        if (Groups.FirstOrDefault(group => group.Values.Count != Series.Count) is { } odd)
        {
            throw new ArgumentException(
                $"The group '{odd.Name}' of the chart '{Title}' has {odd.Values.Count} bars for {Series.Count} series.", nameof(Groups));
        }

        if (values.Any(value => value < 0))
            throw new ArgumentException($"The chart '{Title}' has a negative value; its bars begin at 0.", nameof(Groups));
    }

    private void DrawLegend(SvgCanvas canvas, double left)
    {
        using SvgCanvas.Group legend = canvas.InGroup("legend");
        for (int index = 0; index < Series.Count; index++)
        {
            canvas.Rect(left, 46, 12, 12, Palette.StrongOf(index), radius: 2);
            canvas.Text(left + 18, 56, Series[index], size: ChartFrame.SmallFont);
            left += LegendWidth(Series[index]);
        }
    }

    private void DrawAxis(SvgCanvas canvas, ChartFrame frame, Axis axis)
    {
        using SvgCanvas.Group group = canvas.InGroup("axes");
        foreach (double tick in axis.Ticks)
        {
            canvas.Line(axis.At(tick), frame.Top, axis.At(tick), frame.Bottom, Palette.Grid);
            canvas.Text(axis.At(tick), frame.Bottom + 18, Form.Write(tick), Anchor.Middle, ChartFrame.SmallFont, Palette.Faint);
        }

        canvas.Line(frame.Left, frame.Top, frame.Left, frame.Bottom, Palette.Frame);
        if (Reference is { } mark)
            canvas.Line(axis.At(mark), frame.Top, axis.At(mark), frame.Bottom, Palette.Faint, 1.5, "5 3");
        canvas.Text(frame.Left + (frame.Width / 2), frame.Bottom + 40, XName, Anchor.Middle);
    }

    private void DrawGroup(SvgCanvas canvas, ChartFrame frame, Axis axis, BarGroup bars, double top)
    {
        using SvgCanvas.Group group = canvas.InGroup("bars");
        double middle = top + (GroupGap / 2) + (BarHeight * Series.Count / 2);
        canvas.Text(frame.Left - 8, middle + 4, bars.Name, Anchor.End);
        for (int index = 0; index < Series.Count; index++)
        {
            double value = bars.Values[index], y = top + (GroupGap / 2) + (index * BarHeight);
            if (double.IsNaN(value))
                continue;

            double end = axis.At(value);
            canvas.Rect(
                frame.Left, y + 1, end - frame.Left, BarHeight - 2, Palette.StrongOf(index),
                tooltip: $"{bars.Name}, {Series[index]}: {Form.Write(value)}");
            canvas.Text(end + 6, y + 13, Form.Write(value), size: ChartFrame.SmallFont);
        }
    }
}
