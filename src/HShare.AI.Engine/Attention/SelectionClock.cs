namespace HShare.AI.Engine.Attention;

/// <summary>
/// When one sequence's leaders choose anew. Counted for each sequence from its own prompt's end, so that an answer does not depend on its
/// neighbours in the batch; the choice itself stays between steps in the sequence's slot.
/// </summary>
/// <param name="policy">How it attends.</param>
internal sealed class SelectionClock(AttentionPolicy policy)
{
    private int _refreshedAt; // context of the last refresh; 0 = no choice is there

    /// <summary>What to do for a decode row, which is noted as done.</summary>
    /// <param name="context">Tokens of the context, the row's own included.</param>
    public AttentionStep Decode(int context)
    {
        if (policy.Budget is not { } budget || budget.Covers(context))
            return new AttentionStep(context, false, false, 0, 0, 0);

        bool refreshes = _refreshedAt == 0 || context - _refreshedAt >= policy.Plan.Interval;
        if (refreshes)
            _refreshedAt = context;
        return new AttentionStep(
            context, true, refreshes, _refreshedAt - budget.Window, budget.CriticalOf(_refreshedAt), budget.Sinks);
    }

    /// <summary>
    /// What to do at the last row of the prompt, which is noted as done: a first choice, where it serves for steps to come. The row itself
    /// has read
    /// everything.
    /// </summary>
    /// <param name="context">Tokens of the prompt.</param>
    public AttentionStep? EndPrompt(int context) =>
        policy.Plan.Interval > 1 && policy.Retriever != Retriever.None && Decode(context) is { Reads: true } step ? step : null;

    /// <summary>Forgets the choice: the sequence has lost its slot.</summary>
    public void Reset() => _refreshedAt = 0;
}
