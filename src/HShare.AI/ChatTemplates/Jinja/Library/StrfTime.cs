using System.Globalization;
using System.Text;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>C's <c>strftime</c> with English names.</summary>
internal static class StrfTime
{
    public static string Format(DateTimeOffset time, string format)
    {
        StringBuilder output = new();
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%' || at + 1 == format.Length)
            {
                output.Append(format[at]);
                continue;
            }

            at++;
            // %-d is %d without its leading zero.
            bool unpadded = format[at] == '-' && at + 1 < format.Length;
            string field = Field(time, format[unpadded ? ++at : at]);
            output.Append(unpadded && field.TrimStart('0', ' ') is { } digits ? digits.Length > 0 ? digits : "0" : field);
        }

        return output.ToString();
    }

    private static string Field(DateTimeOffset time, char directive)
    {
        string? custom = directive switch
        {
            'Y' => "yyyy",
            'y' => "yy",
            'm' => "MM",
            'd' => "dd",
            'B' => "MMMM",
            'b' or 'h' => "MMM",
            'A' => "dddd",
            'a' => "ddd",
            'H' => "HH",
            'I' => "hh",
            'M' => "mm",
            'S' => "ss",
            'p' => "tt",
            'f' => "ffffff",
            'F' => "yyyy-MM-dd",
            'T' or 'X' => "HH:mm:ss",
            'R' => "HH:mm",
            'D' or 'x' => "MM/dd/yy",
            _ => null,
        };
        // A single letter would be read as a standard format; none of these is one.
        if (custom is not null)
            return time.ToString(custom, CultureInfo.InvariantCulture);
        return directive switch
        {
            '%' => "%",
            'n' => "\n",
            't' => "\t",
            'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'u' => (time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'c' => Format(time, "%a %b %e %H:%M:%S %Y"),
            's' => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            // The time that strftime_now formats is naive in Python: it has no zone.
            'z' or 'Z' => "",
            _ => throw new EvaluationException($"strftime_now does not know the directive '%{directive}'"),
        };
    }
}
