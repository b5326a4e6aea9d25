using System.Globalization;
using System.Text;

namespace HShare.AI.ChatTemplates.Jinja.Syntax;

/// <summary>String literals with Python's escapes; an unknown escape keeps its backslash.</summary>
internal static class StringLiteral
{
    /// <summary>The offset of the closing quote of the literal that starts at <paramref name="start"/>, or -1.</summary>
    public static int FindEnd(string text, int start)
    {
        for (int at = start + 1; at < text.Length; at++)
        {
            if (text[at] == '\\')
                at++;
            else if (text[at] == text[start])
                return at;
        }

        return -1;
    }

    public static string Unescape(ReadOnlySpan<char> body)
    {
        if (!body.Contains('\\'))
            return body.ToString();
        StringBuilder unescaped = new(body.Length);
        while (body.Length > 0)
        {
            if (body[0] != '\\' || body.Length == 1)
            {
                unescaped.Append(body[0]);
                body = body[1..];
                continue;
            }

            if (Simple(body[1]) is { } simple)
            {
                unescaped.Append(simple);
                body = body[2..];
                continue;
            }

            int length = AppendCoded(body[1..], unescaped);
            if (length == 0)
                unescaped.Append('\\');
            body = body[(1 + length)..];
        }

        return unescaped.ToString();
    }

    private static string? Simple(char escape) => escape switch
    {
        'n' => "\n",
        't' => "\t",
        'r' => "\r",
        '\\' => "\\",
        '\'' => "'",
        '"' => "\"",
        'a' => "\a",
        'b' => "\b",
        'f' => "\f",
        'v' => "\v",
        '\n' => "",
        _ => null,
    };

    /// <summary>Appends the character of an octal, <c>x</c>, <c>u</c> or <c>U</c> escape and returns the escape's length, or 0.</summary>
    private static int AppendCoded(ReadOnlySpan<char> escape, StringBuilder unescaped)
    {
        if (escape[0] is >= '0' and <= '7')
        {
            int digits = 0, value = 0;
            while (digits < 3 && digits < escape.Length && escape[digits] is >= '0' and <= '7')
                value = (value * 8) + (escape[digits++] - '0');
            unescaped.Append((char)value);
            return digits;
        }

        int length = escape[0] switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (length == 0 || escape.Length <= length
            || !uint.TryParse(escape[1..(length + 1)], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code))
            return 0;
        if (Rune.IsValid(code))
            unescaped.Append(new Rune(code).ToString());
        else
            unescaped.Append((char)code);
        return length + 1;
    }
}
