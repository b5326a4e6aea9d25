using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>Cuts strings into parts as Python does. A limit is the most cuts to make; a negative one is none.</summary>
internal static class Splitting
{
    public static Sequence By(Text text, string separator, int limit)
    {
        RefuseEmpty(separator);
        List<Value> parts = [];
        int start = 0;
        while (limit < 0 || parts.Count < limit)
        {
            int cut = text.Content.IndexOf(separator, start, StringComparison.Ordinal);
            if (cut < 0)
                break;
            parts.Add(text.Slice(start, cut - start));
            start = cut + separator.Length;
        }

        parts.Add(text.Slice(start));
        return new Sequence(parts);
    }

    public static Sequence FromEnd(Text text, string separator, int limit)
    {
        RefuseEmpty(separator);
        List<Value> parts = [];
        int end = text.Content.Length;
        while (limit < 0 || parts.Count < limit)
        {
            int cut = text.Content.AsSpan(0, end).LastIndexOf(separator);
            if (cut < 0)
                break;
            parts.Add(text.Slice(cut + separator.Length, end - cut - separator.Length));
            end = cut;
        }

        parts.Add(text.Slice(0, end));
        parts.Reverse();
        return new Sequence(parts);
    }

    /// <summary>Words with any whitespace between them; the rest behind the last cut keeps its inner and trailing whitespace.</summary>
    public static Sequence ByWhitespace(Text text, int limit)
    {
        List<Value> parts = [];
        string content = text.Content;
        for (int start = Skip(content, 0, space: true); start < content.Length;)
        {
            int end = limit >= 0 && parts.Count >= limit ? content.Length : Skip(content, start, space: false);
            parts.Add(text.Slice(start, end - start));
            start = Skip(content, end, space: true);
        }

        return new Sequence(parts);
    }

    /// <summary>As <see cref="ByWhitespace"/>, with the cuts counted from the end.</summary>
    public static Sequence ByWhitespaceFromEnd(Text text, int limit)
    {
        List<Value> parts = [];
        string content = text.Content;
        for (int end = SkipBack(content, content.Length, space: true); end > 0;)
        {
            int start = parts.Count >= limit ? 0 : SkipBack(content, end, space: false);
            parts.Add(text.Slice(start, end - start));
            end = SkipBack(content, start, space: true);
        }

        parts.Reverse();
        return new Sequence(parts);
    }

    public static Sequence Lines(Text text, bool keepEnds)
    {
        List<Value> lines = [];
        string content = text.Content;
        for (int start = 0; start < content.Length;)
        {
            int end = start;
            while (end < content.Length && !Whitespace.IsLineEnd(content[end]))
                end++;
            int next = end == content.Length ? end : content.AsSpan(end).StartsWith("\r\n") ? end + 2 : end + 1;
            lines.Add(text.Slice(start, (keepEnds ? next : end) - start));
            start = next;
        }

        return new Sequence(lines);
    }

    /// <summary>What is before the separator, the separator, and what is behind it.</summary>
    public static Sequence Partition(Text text, Text separator, bool last)
    {
        RefuseEmpty(separator.Content);
        int cut = last
            ? text.Content.LastIndexOf(separator.Content, StringComparison.Ordinal)
            : text.Content.IndexOf(separator.Content, StringComparison.Ordinal);
        Value[] parts = cut >= 0
            ? [text.Slice(0, cut), text.Slice(cut, separator.Content.Length), text.Slice(cut + separator.Content.Length)]
            : last ? [Text.Empty, Text.Empty, text] : [text, Text.Empty, Text.Empty];
        return new Sequence(parts, SequenceKind.Tuple);
    }

    private static int Skip(string content, int at, bool space)
    {
        while (at < content.Length && Whitespace.Is(content[at]) == space)
            at++;
        return at;
    }

    private static int SkipBack(string content, int at, bool space)
    {
        while (at > 0 && Whitespace.Is(content[at - 1]) == space)
            at--;
        return at;
    }

    private static void RefuseEmpty(string separator)
    {
        if (separator.Length == 0)
            throw new EvaluationException("a string cannot be cut at an empty separator");
    }
}
