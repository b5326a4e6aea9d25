using System.Globalization;
using System.Text;

namespace HShare.Cli.Drawing;

/// <summary>Which end of a text its position names.</summary>
internal enum Anchor
{
    /// <summary>The text begins there.</summary>
    Start,

    /// <summary>The text is centred there.</summary>
    Middle,

    /// <summary>The text ends there.</summary>
    End,
}

/// <summary>
/// Writes a scalable vector graphic: a white card, and shapes on it in the order of the calls. Lengths are pixels from the upper left
/// corner, rounded to hundredths; equal calls make equal bytes in every culture.
/// </summary>
internal sealed class SvgCanvas
{
    /// <summary>Size of ordinary text, pixels.</summary>
    public const double FontSize = 13;

    private const string FontFamily = "Segoe UI, Helvetica, Arial, sans-serif";

    private readonly StringBuilder _text = new();
    private int _depth = 1;

    /// <summary>An empty card.</summary>
    /// <param name="width">Its width.</param>
    /// <param name="height">Its height.</param>
    /// <param name="title">What it shows, for those who cannot see it.</param>
    public SvgCanvas(double width, double height, string title)
    {
        Width = width;
        Height = height;
        _text.Append("<svg xmlns=\"http://www.w3.org/2000/svg\"");
        _text.Append(CultureInfo.InvariantCulture, $" width=\"{Number(width)}\" height=\"{Number(height)}\"");
        _text.Append(CultureInfo.InvariantCulture, $" viewBox=\"0 0 {Number(width)} {Number(height)}\" role=\"img\"");
        _text.Append(CultureInfo.InvariantCulture, $" font-family=\"{FontFamily}\" font-size=\"{Number(FontSize)}\">\n");
        _text.Append(CultureInfo.InvariantCulture, $"  <title>{Escape(title)}</title>\n");
        Rect(0, 0, width, height, Palette.Card, radius: 8);
    }

    /// <summary>Width of the card.</summary>
    public double Width { get; }

    /// <summary>Height of the card.</summary>
    public double Height { get; }

    /// <summary>A rectangle.</summary>
    /// <param name="x">Its left edge.</param>
    /// <param name="y">Its upper edge.</param>
    /// <param name="width">Its width.</param>
    /// <param name="height">Its height.</param>
    /// <param name="fill">Its colour, or "none".</param>
    /// <param name="stroke">Colour of its border; none where null.</param>
    /// <param name="radius">Radius of its corners.</param>
    /// <param name="dash">Lengths of dashes and gaps of its border; a whole line where null.</param>
    /// <param name="tooltip">What a pointer over it shows; nothing where null.</param>
    public void Rect(
        double x, double y, double width, double height, string fill,
        string? stroke = null, double radius = 0, string? dash = null, string? tooltip = null)
    {
        string corners = radius > 0 ? $" rx=\"{Number(radius)}\"" : "";
        string shape = $"rect x=\"{Number(x)}\" y=\"{Number(y)}\" width=\"{Number(width)}\" height=\"{Number(height)}\"{corners}";
        Shape(shape + Paint(fill, stroke, 1, dash), tooltip);
    }

    /// <summary>A straight line.</summary>
    /// <param name="x1">Where it begins.</param>
    /// <param name="y1">Where it begins.</param>
    /// <param name="x2">Where it ends.</param>
    /// <param name="y2">Where it ends.</param>
    /// <param name="stroke">Its colour.</param>
    /// <param name="width">Its thickness.</param>
    /// <param name="dash">Lengths of dashes and gaps; a whole line where null.</param>
    public void Line(double x1, double y1, double x2, double y2, string stroke, double width = 1, string? dash = null) =>
        Shape($"line x1=\"{Number(x1)}\" y1=\"{Number(y1)}\" x2=\"{Number(x2)}\" y2=\"{Number(y2)}\"" + Paint(null, stroke, width, dash));

    /// <summary>A line through points.</summary>
    /// <param name="points">The points, in order.</param>
    /// <param name="stroke">Its colour.</param>
    /// <param name="width">Its thickness.</param>
    /// <param name="dash">Lengths of dashes and gaps; a whole line where null.</param>
    public void Polyline(IEnumerable<(double X, double Y)> points, string stroke, double width = 1.5, string? dash = null) =>
        Shape($"polyline points=\"{Points(points)}\" stroke-linejoin=\"round\"" + Paint("none", stroke, width, dash));

    /// <summary>A filled shape with straight edges.</summary>
    /// <param name="points">Its corners, in order.</param>
    /// <param name="fill">Its colour.</param>
    public void Polygon(IEnumerable<(double X, double Y)> points, string fill) =>
        Shape($"polygon points=\"{Points(points)}\"" + Paint(fill, null, 1, null));

    /// <summary>A filled circle.</summary>
    /// <param name="x">Its centre.</param>
    /// <param name="y">Its centre.</param>
    /// <param name="radius">Its radius.</param>
    /// <param name="fill">Its colour.</param>
    /// <param name="stroke">Colour of its border; none where null.</param>
    /// <param name="tooltip">What a pointer over it shows; nothing where null.</param>
    public void Circle(double x, double y, double radius, string fill, string? stroke = null, string? tooltip = null) =>
        Shape($"circle cx=\"{Number(x)}\" cy=\"{Number(y)}\" r=\"{Number(radius)}\"" + Paint(fill, stroke, 1, null), tooltip);

    /// <summary>A line of text.</summary>
    /// <param name="x">The place that <paramref name="anchor"/> says.</param>
    /// <param name="y">The base line.</param>
    /// <param name="text">The text, as it is.</param>
    /// <param name="anchor">Which end of the text is at <paramref name="x"/>.</param>
    /// <param name="size">Size of the font.</param>
    /// <param name="fill">Its colour; that of ordinary text where null.</param>
    /// <param name="bold">Whether it is strong.</param>
    /// <param name="turned">Whether it runs upwards.</param>
    public void Text(
        double x, double y, string text, Anchor anchor = Anchor.Start,
        double size = FontSize, string? fill = null, bool bold = false, bool turned = false)
    {
        string style = anchor switch { Anchor.Middle => " text-anchor=\"middle\"", Anchor.End => " text-anchor=\"end\"", _ => "" };
        if (size != FontSize)
            style += $" font-size=\"{Number(size)}\"";
        if (bold)
            style += " font-weight=\"600\"";
        if (turned)
            style += $" transform=\"rotate(-90 {Number(x)} {Number(y)})\"";
        style += $" fill=\"{Escape(fill ?? Palette.Ink)}\"";
        Indent().Append(CultureInfo.InvariantCulture, $"<text x=\"{Number(x)}\" y=\"{Number(y)}\"{style}>{Escape(text)}</text>\n");
    }

    /// <summary>Puts what is drawn until it is disposed of into a named group.</summary>
    /// <param name="name">The group's class.</param>
    public Group InGroup(string name)
    {
        Indent().Append(CultureInfo.InvariantCulture, $"<g class=\"{Escape(name)}\">\n");
        _depth++;
        return new Group(this);
    }

    /// <summary>The whole file.</summary>
    public override string ToString() => $"{_text}</svg>\n";

    private StringBuilder Indent() => _text.Append(' ', 2 * _depth);

    private void Shape(string shape, string? tooltip = null)
    {
        Indent().Append('<').Append(shape);
        if (tooltip is null)
            _text.Append("/>\n");
        else
            _text.Append(CultureInfo.InvariantCulture, $"><title>{Escape(tooltip)}</title></{shape[..shape.IndexOf(' ')]}>\n");
    }

    private static string Paint(string? fill, string? stroke, double width, string? dash)
    {
        string paint = fill is null ? "" : $" fill=\"{Escape(fill)}\"";
        if (stroke is not null)
            paint += $" stroke=\"{Escape(stroke)}\"";
        if (stroke is not null && width != 1)
            paint += $" stroke-width=\"{Number(width)}\"";
        return dash is null ? paint : $"{paint} stroke-dasharray=\"{Escape(dash)}\"";
    }

    private static string Points(IEnumerable<(double X, double Y)> points) =>
        string.Join(' ', points.Select(point => $"{Number(point.X)},{Number(point.Y)}"));

    private static string Number(double value)
    {
        if (!double.IsFinite(value))
            throw new ArgumentException($"A drawing cannot hold the length {value.ToString(CultureInfo.InvariantCulture)}.", nameof(value));
        return (Math.Round(value, 2) + 0.0).ToString("0.##", CultureInfo.InvariantCulture); // + 0.0: no "-0"
    }

    /// <summary>Text as XML holds it, in elements and in attributes; what XML cannot hold becomes the replacement character.</summary>
    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes()) // a lone half of a surrogate pair comes as the replacement character
        {
            _ = rune.Value switch
            {
                '&' => escaped.Append("&amp;"),
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '"' => escaped.Append("&quot;"),
                '\t' or '\n' or '\r' => escaped.Append(' '),
                < ' ' or 0xFFFE or 0xFFFF => escaped.Append('\uFFFD'),
                _ => escaped.Append(rune.ToString()),
            };
        }

        return escaped.ToString();
    }

    /// <summary>A group that is being drawn.</summary>
    internal readonly struct Group(SvgCanvas canvas) : IDisposable
    {
        /// <summary>Ends the group.</summary>
        public void Dispose()
        {
            canvas._depth--;
            canvas.Indent().Append("</g>\n");
        }
    }
}
