using System.Buffers;
using HShare.AI.ChatTemplates.Jinja.Values;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.ChatTemplates;

/// <summary>Cuts a rendered conversation so that special tokens which the template did not write itself are plain text.</summary>
internal static class SpecialTokenSegments
{
    public static IReadOnlyList<TextSegment> Split(Text rendered, IReadOnlyCollection<string> specialTokens)
    {
        bool[] plain = FindForged(rendered, [.. specialTokens.Where(token => token.Length > 0).OrderByDescending(token => token.Length)]);
        List<TextSegment> segments = [];
        for (int start = 0, end; start < plain.Length; start = end)
        {
            int run = plain.AsSpan(start).IndexOf(!plain[start]);
            end = run < 0 ? plain.Length : start + run;
            segments.Add(new TextSegment(rendered.Content[start..end], SpecialTokens: !plain[start]));
        }

        return segments;
    }

    /// <summary>
    /// Marks the characters of all occurrences that hold a character of the conversation, except where a token of the template's own
    /// overlaps them: that one stays whole.
    /// </summary>
    /// <param name="rendered">The conversation.</param>
    /// <param name="tokens">The special tokens, the longest first.</param>
    private static bool[] FindForged(Text rendered, string[] tokens)
    {
        ReadOnlySpan<char> content = rendered.Content;
        bool[] forged = new bool[content.Length];
        List<TextRange> meant = [];
        SearchValues<string> search = SearchValues.Create(tokens, StringComparison.Ordinal);
        for (int at = 0, next; (next = content[at..].IndexOfAny(search)) >= 0; at++)
        {
            at += next;
            foreach (string token in tokens)
            {
                if (!content[at..].StartsWith(token))
                    continue;
                if (TextRange.AnyOverlaps(rendered.InputRanges, at, at + token.Length))
                    forged.AsSpan(at, token.Length).Fill(true);
                else if (meant.Count == 0 || meant[^1].End <= at)
                    meant.Add(new TextRange(at, at + token.Length));
            }
        }

        foreach (TextRange token in meant)
            forged.AsSpan(token.Start, token.End - token.Start).Clear();
        return forged;
    }
}
