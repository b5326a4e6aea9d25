namespace HShare.Cli.Drawing;

/// <summary>Where the label of a point stands, in pixels.</summary>
/// <param name="Text">The label.</param>
/// <param name="PointX">The point.</param>
/// <param name="PointY">The point.</param>
/// <param name="Left">Left edge of the label.</param>
/// <param name="Top">Upper edge of the label.</param>
/// <param name="Width">Its width.</param>
/// <param name="IsApart">Whether it stands so far off that a line should join it to its point.</param>
internal sealed record LabelPlace(string Text, double PointX, double PointY, double Left, double Top, double Width, bool IsApart)
{
    private const double Height = 15;

    /// <summary>Between two labels side by side.</summary>
    private const double Gap = 5;

    /// <summary>Distances from the point to try, in radii of the point.</summary>
    private static readonly double[] Distances = [1.6, 4, 7, 11];

    /// <summary>Directions to try: right, left, above, below, then the corners.</summary>
    private static readonly (int X, int Y)[] Directions = [(1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)];

    /// <summary>Lower edge of the label.</summary>
    public double Bottom => Top + Height;

    /// <summary>The place of the label that is nearest to its point.</summary>
    public double NearX => Math.Clamp(PointX, Left, Left + Width);

    /// <summary>The place of the label that is nearest to its point.</summary>
    public double NearY => Math.Clamp(PointY, Top, Bottom);

    /// <summary>
    /// Finds a place for every label: the first, from near to far, that stays in the frame, covers no point and no label before it,
    /// crosses no line and stands nearest to its own point; where there is none, the one with the least of these faults.
    /// </summary>
    /// <param name="points">The points, pixels.</param>
    /// <param name="texts">Their labels.</param>
    /// <param name="frame">Where labels may be.</param>
    /// <param name="radius">Radius of a point.</param>
    /// <returns>The places, in the order of the points.</returns>
    public static LabelPlace[] Choose(
        IReadOnlyList<(double X, double Y)> points, IReadOnlyList<string> texts, ChartFrame frame, double radius)
    {
        var places = new LabelPlace[points.Count];
        List<LabelPlace> taken = [];
        foreach (int index in Enumerable.Range(0, points.Count).OrderBy(index => points[index].Y).ThenBy(index => points[index].X))
        {
            LabelPlace best = Candidates(points[index], texts[index], radius)
                .Where(place => place.IsIn(frame))
                .DefaultIfEmpty(Candidates(points[index], texts[index], radius).First())
                .MinBy(place => taken.Sum(other => place.Covers(other) + place.Crosses(other))
                    + points.Sum(point => place.Covers(point, radius) + place.Crosses(point, radius) + place.Misleads(point)))!;
            taken.Add(best);
            places[index] = best;
        }

        return places;
    }

    private static IEnumerable<LabelPlace> Candidates((double X, double Y) point, string text, double radius)
    {
        double width = TextWidth.Of(text, ChartFrame.SmallFont);
        foreach (double distance in Distances)
        {
            foreach ((int x, int y) in Directions)
            {
                double left = point.X + (x * distance * radius) + ((x - 1) * width / 2);
                double top = point.Y + (y * distance * radius) + ((y - 1) * Height / 2);
                yield return new LabelPlace(text, point.X, point.Y, left, top, width, distance > Distances[0]);
            }
        }
    }

    private bool IsIn(ChartFrame frame) =>
        Left >= frame.Left + 2 && Left + Width <= frame.Right - 2 && Top >= frame.Top + 2 && Bottom <= frame.Bottom - 2;

    /// <summary>Area shared with another label, a gap between the two included.</summary>
    private double Covers(LabelPlace other) => Shared(other.Left - Gap, other.Left + other.Width + Gap, other.Top, other.Bottom);

    /// <summary>Cost of a line to one of two labels that runs across the other label.</summary>
    private double Crosses(LabelPlace other) =>
        LineAcross(other.Left, other.Left + other.Width, other.Top, other.Bottom) + other.LineAcross(Left, Left + Width, Top, Bottom);

    /// <summary>Cost of a line to the label that runs across a point other than its own.</summary>
    private double Crosses((double X, double Y) point, double radius) =>
        point == (PointX, PointY) ? 0 : LineAcross(point.X - radius, point.X + radius, point.Y - radius, point.Y + radius);

    /// <summary>Cost of standing nearer to another point, with no line to tell.</summary>
    private double Misleads((double X, double Y) point)
    {
        const double Cost = 10;
        return !IsApart && Distance(point.X, point.Y) < Distance(PointX, PointY) ? Cost : 0;
    }

    private double Distance(double x, double y) => Math.Max(
        Math.Max(Left - x, x - (Left + Width)), Math.Max(Top - y, y - Bottom));

    private double LineAcross(double left, double right, double top, double bottom)
    {
        const int Steps = 16;
        const double Cost = 20; // of each sixteenth of a line, in square pixels covered
        if (!IsApart)
            return 0;

        return Cost * Enumerable.Range(0, Steps + 1).Count(step =>
        {
            double x = PointX + ((NearX - PointX) * step / Steps), y = PointY + ((NearY - PointY) * step / Steps);
            return x >= left && x <= right && y >= top && y <= bottom;
        });
    }

    /// <summary>Area shared with the square around a point.</summary>
    private double Covers((double X, double Y) point, double radius) =>
        Shared(point.X - radius, point.X + radius, point.Y - radius, point.Y + radius);

    private double Shared(double left, double right, double top, double bottom) =>
        Math.Max(0, Math.Min(right, Left + Width) - Math.Max(left, Left)) * Math.Max(0, Math.Min(bottom, Bottom) - Math.Max(top, Top));
}
