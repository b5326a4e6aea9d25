namespace HShare.Cli.Drawing;

/// <summary>A point of a <see cref="ScatterChart"/>.</summary>
/// <param name="Label">Its name, written beside it.</param>
/// <param name="X">Where it is.</param>
/// <param name="Y">Where it is.</param>
/// <param name="Group">What it belongs to: points of a group have one colour, groups a legend. Empty: the group without a name.</param>
internal sealed record ScatterPoint(string Label, double X, double Y, string Group = "");

/// <summary>Named points, such as the accuracy of each setting over the KV bytes that it reads.</summary>
internal sealed record ScatterChart
{
    private const double FrameWidth = 760;
    private const double FrameHeight = 400;

    /// <summary>Room between the frame and the outermost points, so that none is drawn on the frame.</summary>
    private const double Inset = 16;

    private const double Radius = 5;

    /// <summary>Heading of the card.</summary>
    public required string Title { get; init; }

    /// <summary>What x is, its unit included.</summary>
    public required string XName { get; init; }

    /// <summary>What y is, its unit included.</summary>
    public required string YName { get; init; }

    /// <summary>The points.</summary>
    public required IReadOnlyList<ScatterPoint> Points { get; init; }

    /// <summary>How values of x are written.</summary>
    public NumberForm XForm { get; init; } = NumberForm.Bytes;

    /// <summary>How values of y are written.</summary>
    public NumberForm YForm { get; init; } = NumberForm.Percent;

    /// <summary>Whether even distances of x are even ratios.</summary>
    public bool LogX { get; init; }

    /// <summary>Draws it.</summary>
    /// <returns>An SVG file.</returns>
    /// <exception cref="ArgumentException">No points; a value that is no number; an x not above 0 on a logarithmic axis.</exception>
    public string ToSvg()
    {
        if (Points.Count == 0)
            throw new ArgumentException($"The chart '{Title}' has no points to draw.", nameof(Points));

        string[] groups = [.. Points.Select(point => point.Group).Distinct()];
        bool named = groups.Any(group => group != "");
        var frame = new ChartFrame(92, named ? 74 : 48, FrameWidth, FrameHeight);
        double legendWidth = groups.Sum(LegendWidth);
        double width = Math.Max(frame.Right + 28, Math.Max(TextWidth.Of(Title, 16) + 40, frame.Left + legendWidth));
        var canvas = new SvgCanvas(width, frame.Bottom + 60, Title);
        double left = frame.Left + Inset, right = frame.Right - Inset;
        IEnumerable<double> xs = Points.Select(point => point.X);
        Axis x = LogX ? Axis.Logarithmic(xs, XForm, left, right) : Axis.Linear(xs, XForm, left, right);
        var y = Axis.Linear(Points.Select(point => point.Y), YForm, frame.Bottom - Inset, frame.Top + Inset);

        ChartFrame.DrawTitle(canvas, Title);
        if (named)
            DrawLegend(canvas, groups, frame.Left);
        frame.Draw(canvas, x, LogX ? $"{XName} (logarithmic)" : XName, y, YName);
        DrawPoints(canvas, frame, x, y, groups);
        return canvas.ToString();
    }

    private static double LegendWidth(string group) => TextWidth.Of(group, ChartFrame.SmallFont) + 34;

    private static void DrawLegend(SvgCanvas canvas, string[] groups, double left)
    {
        using SvgCanvas.Group legend = canvas.InGroup("legend");
        for (int index = 0; index < groups.Length; index++)
        {
            canvas.Rect(left, 46, 10, 10, Palette.StrongOf(index), radius: 5);
            canvas.Text(left + 16, 55, groups[index] == "" ? "others" : groups[index], size: ChartFrame.SmallFont);
            left += LegendWidth(groups[index]);
        }
    }

    private void DrawPoints(SvgCanvas canvas, ChartFrame frame, Axis x, Axis y, string[] groups)
    {
        (double X, double Y)[] places = [.. Points.Select(point => (x.At(point.X), y.At(point.Y)))];
        LabelPlace[] labels = LabelPlace.Choose(places, [.. Points.Select(point => point.Label)], frame, Radius);
        using SvgCanvas.Group group = canvas.InGroup("points");
        foreach (LabelPlace label in labels.Where(label => label.IsApart))
            canvas.Line(label.PointX, label.PointY, label.NearX, label.NearY, Palette.Frame);
        for (int index = 0; index < Points.Count; index++)
        {
            ScatterPoint point = Points[index];
            canvas.Circle(
                places[index].X, places[index].Y, Radius, Palette.StrongOf(Array.IndexOf(groups, point.Group)), Palette.Card,
                $"{point.Label}: {x.Form.Write(point.X)}, {y.Form.Write(point.Y)}");
        }

        foreach (LabelPlace label in labels)
            canvas.Text(label.Left, label.Bottom - 4, label.Text, size: ChartFrame.SmallFont);
    }
}
