namespace HShare.AI.Engine.Tokenization;

/// <summary>Splits a text at what a pattern matches or, inverted, at what lies between.</summary>
internal sealed class SplitPreTokenizer(CodePointPattern pattern, SplitBehavior behavior, bool invert) : PreTokenizer
{
    /// <summary>Reads a part's <c>behavior</c>.</summary>
    public static SplitBehavior ReadBehavior(JsonPart part) => part.Text("behavior") switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        string other => throw part.Member("behavior").Unsupported($"the behavior {other}"),
    };

    private readonly record struct Stretch(int Start, int Length, bool Matched);

    /// <inheritdoc/>
    public override void Split(ReadOnlyMemory<char> text, bool atStart, List<ReadOnlyMemory<char>> words)
    {
        List<(int Start, int Length)> matches = new(text.Length / 4 + 1);
        pattern.Find(text.Span, matches);
        int done = 0;
        Stretch pending = default;
        foreach ((int start, int length) in matches)
        {
            if (done < start)
                Take(new(done, start - done, invert), ref pending, text, words);
            Take(new(start, length, !invert), ref pending, text, words);
            done = start + length;
        }

        if (done < text.Length)
            Take(new(done, text.Length - done, invert), ref pending, text, words);
        Emit(pending, text, words);
    }

    // Joins the next stretch to the pending one, or hands the pending one on and keeps the next.
    private void Take(Stretch next, ref Stretch pending, ReadOnlyMemory<char> text, List<ReadOnlyMemory<char>> words)
    {
        bool joins = pending.Length > 0 && behavior switch
        {
            SplitBehavior.MergedWithPrevious => next.Matched && !pending.Matched,
            SplitBehavior.MergedWithNext => pending.Matched && !next.Matched,
            SplitBehavior.Contiguous => next.Matched == pending.Matched,
            _ => false,
        };
        if (joins)
        {
            // A joined word counts as what came last, so that of two matches in a row only one joins.
            pending = new(pending.Start, pending.Length + next.Length, next.Matched);
            return;
        }

        Emit(pending, text, words);
        pending = next;
    }

    private void Emit(Stretch stretch, ReadOnlyMemory<char> text, List<ReadOnlyMemory<char>> words)
    {
        if (stretch.Length > 0 && !(behavior == SplitBehavior.Removed && stretch.Matched))
            words.Add(text.Slice(stretch.Start, stretch.Length));
    }
}
