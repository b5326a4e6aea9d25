namespace HShare.Cli.Drawing;

/// <summary>The field of a chart, with what stands around it.</summary>
/// <param name="Left">Its left edge, pixels.</param>
/// <param name="Top">Its upper edge, pixels.</param>
/// <param name="Width">Its width, pixels.</param>
/// <param name="Height">Its height, pixels.</param>
internal readonly record struct ChartFrame(double Left, double Top, double Width, double Height)
{
    /// <summary>Size of numbers at axes and in legends, pixels.</summary>
    public const double SmallFont = 12;

    /// <summary>Its right edge, pixels.</summary>
    public double Right => Left + Width;

    /// <summary>Its lower edge, pixels.</summary>
    public double Bottom => Top + Height;

    /// <summary>Writes the heading of a card.</summary>
    public static void DrawTitle(SvgCanvas canvas, string title) => canvas.Text(20, 28, title, size: 16, bold: true);

    /// <summary>Draws grid, frame, numbers and the names of both axes.</summary>
    public void Draw(SvgCanvas canvas, Axis x, string xName, Axis y, string yName)
    {
        using SvgCanvas.Group group = canvas.InGroup("axes");
        foreach (double tick in x.Ticks)
        {
            canvas.Line(x.At(tick), Top, x.At(tick), Bottom, Palette.Grid);
            canvas.Text(x.At(tick), Bottom + 18, x.Form.Write(tick), Anchor.Middle, SmallFont, Palette.Faint);
        }

        foreach (double tick in y.Ticks)
        {
            canvas.Line(Left, y.At(tick), Right, y.At(tick), Palette.Grid);
            canvas.Text(Left - 8, y.At(tick) + 4, y.Form.Write(tick), Anchor.End, SmallFont, Palette.Faint);
        }

        canvas.Rect(Left, Top, Width, Height, "none", Palette.Frame);
        canvas.Text(Left + (Width / 2), Bottom + 40, xName, Anchor.Middle);
        canvas.Text(24, Top + (Height / 2), yName, Anchor.Middle, turned: true);
    }
}
