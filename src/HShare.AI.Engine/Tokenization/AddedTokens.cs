using System.Buffers;
using System.Globalization;
using System.Text;

namespace HShare.AI.Engine.Tokenization;

/// <summary>Cuts a text at the added tokens in it: at each place the longest one that counts there.</summary>
internal sealed class AddedTokens
{
    private readonly (string Content, AddedToken Token)[] _longestFirst;
    private readonly SearchValues<string> _contents;
    private readonly SearchValues<string> _plainContents;

    /// <summary>Prepares the search.</summary>
    /// <param name="tokens">The tokens to look for.</param>
    /// <param name="form">The form in which a token's content appears in the texts that will be cut.</param>
    public AddedTokens(IEnumerable<AddedToken> tokens, Func<string, string> form)
    {
        _longestFirst = [.. tokens.Select(token => (Content: form(token.Content), token)).Where(entry => entry.Content.Length > 0)
            .OrderByDescending(entry => entry.Content.Length)];
        _contents = Searchable(_longestFirst);
        _plainContents = Searchable(_longestFirst.Where(entry => !entry.Token.Special));
    }

    /// <summary>A stretch of a text: an added token, or (with no id) the text between two of them.</summary>
    internal readonly record struct Piece(int? Id, int Start, int Length);

    /// <summary>Whether there is nothing to look for.</summary>
    public bool IsEmpty => _longestFirst.Length == 0;

    /// <summary>
    /// Cuts a text into added tokens and what lies between them. A special token outside <paramref name="scope"/> is as good as unknown.
    /// </summary>
    public List<Piece> Split(string text, SpecialScope scope)
    {
        SearchValues<string> contents = scope == SpecialScope.Nowhere ? _plainContents : _contents;
        List<Piece> pieces = [];
        int done = 0;
        for (int at = 0; at < text.Length;)
        {
            int next = text.AsSpan(at).IndexOfAny(contents);
            if (next < 0)
                break;
            at += next;
            if (Longest(text, at, scope) is not var (content, token))
            {
                at++;
                continue;
            }

            int start = token.StripLeft ? Math.Max(done, text.AsSpan(0, at).TrimEnd().Length) : at;
            int end = at + content.Length;
            if (token.StripRight)
                end = text.Length - text.AsSpan(end).TrimStart().Length;
            if (done < start)
                pieces.Add(new(null, done, start - done));
            pieces.Add(new(token.Id, start, end - start));
            at = done = end;
        }

        if (done < text.Length)
            pieces.Add(new(null, done, text.Length - done));
        return pieces;
    }

    private (string Content, AddedToken Token)? Longest(string text, int at, SpecialScope scope)
    {
        ReadOnlySpan<char> rest = text.AsSpan(at);
        foreach ((string content, AddedToken token) in _longestFirst)
        {
            if (rest.StartsWith(content, StringComparison.Ordinal)
                && (!token.Special || scope.Contains(at, content.Length))
                && (!token.SingleWord || StandsAlone(text, at, at + content.Length)))
                return (content, token);
        }

        return null;
    }

    private static bool StandsAlone(string text, int start, int end)
    {
        Rune.DecodeLastFromUtf16(text.AsSpan(0, start), out Rune before, out _);
        Rune.DecodeFromUtf16(text.AsSpan(end), out Rune behind, out _);
        return (start == 0 || !IsWordCharacter(before)) && (end == text.Length || !IsWordCharacter(behind));
    }

    private static bool IsWordCharacter(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
        or UnicodeCategory.ConnectorPunctuation or UnicodeCategory.LetterNumber;

    private static SearchValues<string> Searchable(IEnumerable<(string Content, AddedToken Token)> entries) =>
        SearchValues.Create([.. entries.Select(entry => entry.Content).Distinct()], StringComparison.Ordinal);
}
