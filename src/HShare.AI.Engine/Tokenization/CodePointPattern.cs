using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace HShare.AI.Engine.Tokenization;

/// <summary>
/// A pattern of a <c>tokenizer.json</c>, a literal or a regular expression. Such an expression counts in code points; .NET's counts in
/// UTF-16 units, to which <c>\p{L}</c> is blind beyond U+FFFF. So, where a text has such characters, the expression runs over a copy in
/// which each is one stand-in of the same category.
/// </summary>
internal sealed class CodePointPattern
{
    // By category: a character of the basic plane which no tokenizer's pattern names by itself or in a range.
    private static readonly char[] StandIns = ChooseStandIns();

    private readonly string? _literal;
    private readonly Regex? _regex;

    private CodePointPattern(string? literal, Regex? regex)
    {
        _literal = literal;
        _regex = regex;
    }

    /// <summary>Reads <c>{"String": …}</c> or <c>{"Regex": …}</c>.</summary>
    public static CodePointPattern Read(JsonPart part)
    {
        if (part.Optional("String") is not null)
            return part.Text("String") is { Length: > 0 } literal ? new(literal, null) : throw part.Damaged("is an empty pattern");
        string pattern = part.Text("Regex");
        if (WordPatterns.Find(pattern) is { } known)
            return new(null, known);
        if (MeansSomethingElseHere(pattern))
            throw part.Unsupported($"the regular expression {pattern}");
        try
        {
            return new(null, new(pattern, RegexOptions.Compiled | RegexOptions.CultureInvariant));
        }
        catch (ArgumentException e)
        {
            throw part.Unsupported($"the regular expression {pattern}", e);
        }
    }

    /// <summary>A pattern around an expression of our own.</summary>
    public static CodePointPattern Of(Regex regex) => new(null, regex);

    /// <summary>A pattern that is a text, not empty.</summary>
    public static CodePointPattern Literal(string text) => new(text, null);

    /// <summary>The places, in order, that the pattern matches; none is empty.</summary>
    public void Find(ReadOnlySpan<char> text, List<(int Start, int Length)> matches)
    {
        if (_regex is null)
            FindLiteral(text, matches);
        else if (!text.ContainsAnyInRange('\uD800', '\uDFFF'))
            FindRegex(text, matches);
        else
            FindWithStandIns(text, matches);
    }

    /// <summary>The text with every match replaced.</summary>
    public string Replace(string text, string content)
    {
        if (_literal is not null)
            return text.Replace(_literal, content, StringComparison.Ordinal);
        List<(int Start, int Length)> matches = [];
        Find(text, matches);
        StringBuilder result = new(text.Length);
        int done = 0;
        foreach ((int start, int length) in matches)
        {
            result.Append(text, done, start - done).Append(content);
            done = start + length;
        }

        return result.Append(text, done, text.Length - done).ToString();
    }

    private void FindLiteral(ReadOnlySpan<char> text, List<(int Start, int Length)> matches)
    {
        int at = 0;
        for (int next; (next = text[at..].IndexOf(_literal, StringComparison.Ordinal)) >= 0; at += next + _literal!.Length)
            matches.Add((at + next, _literal!.Length));
    }

    private void FindRegex(ReadOnlySpan<char> text, List<(int Start, int Length)> matches)
    {
        foreach (ValueMatch match in _regex!.EnumerateMatches(text))
        {
            if (match.Length > 0)
                matches.Add((match.Index, match.Length));
        }
    }

    private void FindWithStandIns(ReadOnlySpan<char> text, List<(int Start, int Length)> matches)
    {
        char[] copy = ArrayPool<char>.Shared.Rent(text.Length);
        int[] places = ArrayPool<int>.Shared.Rent(text.Length + 1);
        int count = 0;
        int place = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            places[count] = place;
            copy[count++] = rune.IsBmp ? (char)rune.Value : StandIns[(int)Rune.GetUnicodeCategory(rune)];
            place += rune.Utf16SequenceLength;
        }

        places[count] = place;
        int first = matches.Count;
        FindRegex(copy.AsSpan(0, count), matches);
        for (int i = first; i < matches.Count; i++)
        {
            (int start, int length) = matches[i];
            matches[i] = (places[start], places[start + length] - places[start]);
        }

        ArrayPool<char>.Shared.Return(copy);
        ArrayPool<int>.Shared.Return(places);
    }

    // Classes within classes, their intersections, and characters beyond U+FFFF: .NET reads all of them, but as something else.
    private static bool MeansSomethingElseHere(string pattern)
    {
        bool inClass = false;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (char.IsSurrogate(c) || (inClass && (c == '[' || (c == '&' && i + 1 < pattern.Length && pattern[i + 1] == '&'))))
                return true;
            if (c == '\\')
                i++;
            else if (c is '[' or ']')
                inClass = c == '[';
        }

        return false;
    }

    private static char[] ChooseStandIns()
    {
        char[] standIns = new char[(int)UnicodeCategory.OtherNotAssigned + 1];
        for (char c = '\uFFFD'; c >= '\u0100'; c--)
        {
            // Downwards, so that the choice is the lowest: nothing that case folding or the CJK ranges of known patterns touch.
            if (!char.IsSurrogate(c) && char.ToUpperInvariant(c) == c && char.ToLowerInvariant(c) == c)
                standIns[(int)char.GetUnicodeCategory(c)] = c;
        }

        return standIns;
    }
}
