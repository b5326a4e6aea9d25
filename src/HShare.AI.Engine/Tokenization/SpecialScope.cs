namespace HShare.AI.Engine.Tokenization;

/// <summary>The stretches of a text in which special tokens are meant.</summary>
internal sealed class SpecialScope
{
    /// <summary>Every special token in the text is meant.</summary>
    public static readonly SpecialScope Everywhere = new([new(0, int.MaxValue)]);

    /// <summary>No special token in the text is meant.</summary>
    public static readonly SpecialScope Nowhere = new([]);

    // Ascending; neighbours that touch are joined, so that a token may reach over the border of two segments which both mean it.
    private readonly List<Stretch> _stretches;

    private SpecialScope(List<Stretch> stretches) => _stretches = stretches;

    private readonly record struct Stretch(int Start, int End);

    /// <summary>The scope of a text put together from segments.</summary>
    public static SpecialScope Of(IReadOnlyList<TextSegment> segments)
    {
        List<Stretch> stretches = [];
        int start = 0;
        foreach (TextSegment segment in segments)
        {
            int end = start + segment.Text.Length;
            if (segment.SpecialTokens)
                Add(stretches, start, end);
            start = end;
        }

        return new(stretches);
    }

    /// <summary>Whether special tokens are meant in all of these characters.</summary>
    public bool Contains(int start, int length)
    {
        foreach (Stretch stretch in _stretches)
        {
            if (stretch.Start <= start && start + length <= stretch.End)
                return true;
        }

        return false;
    }

    /// <summary>The scope of a part of the text.</summary>
    /// <param name="start">Where the part starts.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="move">Says where a place of the part is in the part's new form.</param>
    public SpecialScope Within(int start, int length, Func<int, int> move)
    {
        if (this == Everywhere || this == Nowhere)
            return this;
        List<Stretch> stretches = [];
        foreach (Stretch stretch in _stretches)
        {
            int from = Math.Max(stretch.Start, start);
            int to = Math.Min(stretch.End, start + length);
            if (from < to)
                Add(stretches, move(from - start), move(to - start));
        }

        return new(stretches);
    }

    private static void Add(List<Stretch> stretches, int start, int end)
    {
        if (stretches.Count > 0 && stretches[^1].End >= start)
            stretches[^1] = stretches[^1] with { End = end };
        else
            stretches.Add(new(start, end));
    }
}
