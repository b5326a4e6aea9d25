using System.Globalization;

namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>Python's <c>float</c>.</summary>
internal sealed class Float(double number) : Value
{
    public double Number { get; } = number;

    public override string TypeName => "float";

    public override bool IsTrue => Number != 0;

    /// <summary>A number as Python writes it: the shortest digits, with a point, or an exponent below 1e-4 and from 1e16 on.</summary>
    public static string Format(double number)
    {
        if (!double.IsFinite(number))
            return double.IsNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        string shortest = number.ToString("R", CultureInfo.InvariantCulture);
        double size = Math.Abs(number);
        if (size is 0 or (>= 1e-4 and < 1e16))
            return shortest.Contains('.') ? shortest : shortest + ".0";
        int mark = shortest.IndexOf('E');
        if (mark < 0)
            return WithExponent16(shortest);
        int exponent = int.Parse(shortest.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return $"{shortest[..mark]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    /// <summary>.NET writes an exponent from 1e17 on only, Python from 1e16 on.</summary>
    private static string WithExponent16(string digits)
    {
        int first = digits[0] == '-' ? 2 : 1;
        string fraction = digits[first..].TrimEnd('0');
        return digits[..first] + (fraction.Length > 0 ? "." + fraction : "") + "e+16";
    }

    public override void Write(TextBuilder output) => output.Append(Format(Number));

    public override bool Equals(object? obj) => obj is Value other && Values.Number.TryFloat(other, out double number) && Number == number;

    public override int GetHashCode() => Number.GetHashCode();
}
