using System.Globalization;

namespace HShare.Cli.Drawing;

/// <summary>What the numbers of an axis are, and so how they are written.</summary>
internal enum NumberForm
{
    /// <summary>Plain numbers: 1,500.</summary>
    Plain,

    /// <summary>Shares, written as percent: 0.125 is 12.5 %.</summary>
    Percent,

    /// <summary>Bytes, written in binary units: 1536 is 1.5 KiB.</summary>
    Bytes,

    /// <summary>Ratios: 2.5x.</summary>
    Ratio,
}

/// <summary>How numbers are written in drawings.</summary>
internal static class NumberForms
{
    private static readonly string[] ByteUnits = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>A number with its unit, the same in every culture.</summary>
    public static string Write(this NumberForm form, double value) => form switch
    {
        NumberForm.Plain => value.ToString("#,0.####", CultureInfo.InvariantCulture),
        NumberForm.Percent => (value * 100).ToString("0.##", CultureInfo.InvariantCulture) + " %",
        NumberForm.Bytes => Bytes(value),
        NumberForm.Ratio => value.ToString("0.##", CultureInfo.InvariantCulture) + "x",
        _ => throw new ArgumentOutOfRangeException(nameof(form), form, "Unknown form of number."),
    };

    private static string Bytes(double value)
    {
        int unit = 0;
        for (; Math.Abs(value) >= 1024 && unit < ByteUnits.Length - 1; unit++)
            value /= 1024;
        return value.ToString("0.##", CultureInfo.InvariantCulture) + " " + ByteUnits[unit];
    }
}
