namespace HShare.AI.Engine.Scheduling;

/// <summary>What one forward pass computes: decode rows first, then prefill chunks. Refilled for each step.</summary>
internal sealed class ScheduledStep
{
    private readonly ScheduledRows[] _sequences;

    /// <summary>An empty step.</summary>
    /// <param name="maxSequences">Most sequences of a step.</param>
    public ScheduledStep(int maxSequences) => _sequences = new ScheduledRows[maxSequences];

    /// <summary>The sequences in row order.</summary>
    public ReadOnlySpan<ScheduledRows> Sequences => _sequences.AsSpan(0, Count);

    /// <summary>Sequences in the step.</summary>
    public int Count { get; private set; }

    /// <summary>How many of them, from the first on, decode one row each.</summary>
    public int DecodeCount { get; private set; }

    /// <summary>Rows of all of them.</summary>
    public int RowCount { get; private set; }

    /// <summary>Empties the step.</summary>
    public void Clear()
    {
        _sequences.AsSpan(0, Count).Clear();
        Count = DecodeCount = RowCount = 0;
    }

    /// <summary>Adds the one row of a decoding sequence; all of them come before the first chunk.</summary>
    public void AddDecode(Sequence sequence)
    {
        AddPrefill(sequence, 1);
        DecodeCount++;
    }

    /// <summary>Adds a chunk of a sequence's next tokens.</summary>
    public void AddPrefill(Sequence sequence, int rows)
    {
        sequence.Generation.Begin();
        _sequences[Count++] = new ScheduledRows(sequence, rows);
        RowCount += rows;
    }

    /// <summary>Makes the chunk at an index longer.</summary>
    public void Extend(int index, int rows)
    {
        _sequences[index] = _sequences[index] with { Rows = _sequences[index].Rows + rows };
        RowCount += rows;
    }

    /// <summary>
    /// Brings together the sequences that attend alike: decode sequences by policy, and the prompts whose attention is summed up. The order
    /// is otherwise kept.
    /// </summary>
    public void GroupByAttention()
    {
        Group(_sequences.AsSpan(0, DecodeCount), AttendAlike);
        Group(_sequences.AsSpan(DecodeCount, Count - DecodeCount), static (a, b) => a.Accumulates == b.Accumulates);
    }

    /// <summary>Whether the next tokens of two sequences attend in one way.</summary>
    public static bool AttendAlike(Sequence a, Sequence b) =>
        a.Policy == b.Policy && a.ReadsByChoice == b.ReadsByChoice && a.TracksReads == b.TracksReads;

    private static void Group(Span<ScheduledRows> rows, Func<Sequence, Sequence, bool> alike)
    {
        for (int i = 1; i < rows.Length; i++)
        {
            ScheduledRows moved = rows[i];
            int place = i;
            while (place > 0 && !alike(rows[place - 1].Sequence, moved.Sequence))
                place--;
            if (place == 0 || place == i)
                continue; // the first of its kind, or at its place

            rows[place..i].CopyTo(rows[(place + 1)..]);
            rows[place] = moved;
        }
    }
}

/// <summary>One sequence's part of a step.</summary>
/// <param name="Sequence">The sequence.</param>
/// <param name="Rows">How many of its tokens, from <see cref="Sequence.Computed"/> on, are computed.</param>
internal readonly record struct ScheduledRows(Sequence Sequence, int Rows)
{
    /// <summary>Whether this computes its last token, whose logits give the next one.</summary>
    public bool WantsLogits => Rows == Sequence.Remaining;

    /// <summary>Whether this computes the last token of what is read as a prompt.</summary>
    public bool EndsPrompt => Rows == Sequence.PromptRemaining;
}
