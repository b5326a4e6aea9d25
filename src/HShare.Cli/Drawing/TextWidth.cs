namespace HShare.Cli.Drawing;

/// <summary>How wide a text will be: an estimate, for fonts differ between machines, on the wide side of the usual ones.</summary>
internal static class TextWidth
{
    /// <summary>Width of a text in pixels.</summary>
    /// <param name="text">The text.</param>
    /// <param name="size">Size of the font, pixels.</param>
    public static double Of(string text, double size = SvgCanvas.FontSize) => size * text.EnumerateRunes().Sum(rune => Ems(rune.Value));

    /// <summary>Width of the widest text in pixels; 0 where there is none.</summary>
    public static double OfWidest(IEnumerable<string> texts, double size = SvgCanvas.FontSize) =>
        texts.Select(text => Of(text, size)).DefaultIfEmpty().Max();

    private static double Ems(int rune) => rune switch
    {
        'i' or 'j' or 'l' or 'I' or '.' or ',' or ':' or ';' or '\'' or '|' or '!' => 0.3,
        ' ' or 'f' or 't' or 'r' or '(' or ')' or '[' or ']' or '/' or '-' => 0.38,
        'm' or 'w' or 'M' or 'W' or '%' or '@' => 0.92,
        >= 'A' and <= 'Z' => 0.72,
        < 0x1100 => 0.6,
        _ => 1.1, // ideographs and symbols
    };
}
