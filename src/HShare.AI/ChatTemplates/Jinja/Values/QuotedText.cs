using System.Globalization;

namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>Strings in quotes, as Python's <c>repr()</c> and <c>json.dumps</c> write them.</summary>
internal static class QuotedText
{
    public static void WritePython(Text text, TextBuilder output)
    {
        string quote = text.Content.Contains('\'') && !text.Content.Contains('"') ? "\"" : "'";
        output.Append(quote);
        WriteEscaped(text, output, character => character switch
        {
            '\\' => @"\\",
            '\n' => @"\n",
            '\r' => @"\r",
            '\t' => @"\t",
            _ when character == quote[0] => "\\" + quote,
            < ' ' or >= '\x7f' and <= '\xa0' or '\xad' => $@"\x{(int)character:x2}",
            > '\xff' when !IsPrintable(character) => $@"\u{(int)character:x4}",
            _ => null,
        });
        output.Append(quote);
    }

    public static void WriteJson(Text text, TextBuilder output, bool asciiOnly)
    {
        output.Append("\"");
        WriteEscaped(text, output, character => character switch
        {
            '"' => "\\\"",
            '\\' => @"\\",
            '\n' => @"\n",
            '\r' => @"\r",
            '\t' => @"\t",
            '\b' => @"\b",
            '\f' => @"\f",
            < ' ' => $@"\u{(int)character:x4}",
            > '\x7e' when asciiOnly => $@"\u{(int)character:x4}",
            _ => null,
        });
        output.Append("\"");
    }

    /// <summary>Appends runs of plain characters at once, and what <paramref name="escape"/> gives in place of the others.</summary>
    private static void WriteEscaped(Text text, TextBuilder output, Func<char, string?> escape)
    {
        int run = 0;
        int range = 0;
        for (int at = 0; at < text.Content.Length; at++)
        {
            if (escape(text.Content[at]) is not { } escaped)
                continue;
            output.Append(text.Slice(run, at - run));
            while (range < text.InputRanges.Length && text.InputRanges[range].End <= at)
                range++;
            output.Append(escaped, fromInput: range < text.InputRanges.Length && text.InputRanges[range].Start <= at);
            run = at + 1;
        }

        output.Append(text.Slice(run));
    }

    private static bool IsPrintable(char character) => char.GetUnicodeCategory(character) is not (UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
