namespace HShare.AI.Engine.Attention;

/// <summary>
/// What retrievers choose at the steps of a trace. A ranking does not depend on a plan, so each is made once, when first asked for, and
/// serves every plan that is tried.
/// </summary>
internal sealed class TraceChoices
{
    /// <summary>Tokens of a page of the page-bound retriever.</summary>
    public const int PageTokens = 16;

    private readonly AttentionTrace _trace;
    private readonly TokenBudget _budget;
    private readonly Dictionary<(Retriever Retriever, int Step, int Unit), int[]> _rankings = [];
    private readonly Dictionary<(int Step, int Unit), int[]> _best = [];

    /// <summary>Nothing ranked yet.</summary>
    public TraceChoices(AttentionTrace trace, TokenBudget budget)
    {
        _trace = trace;
        _budget = budget;
    }

    /// <summary>The unit's true critical tokens at a step, those with the most mass, ascending.</summary>
    public int[] Best(int step, int unit)
    {
        if (_best.TryGetValue((step, unit), out int[]? best))
            return best;
        best = [.. Ranking(Retriever.Exact, step, unit)];
        Array.Sort(best);
        return _best[(step, unit)] = best;
    }

    /// <summary>
    /// The distant tokens that a unit reads from a refresh on: its best tokens (or pages), as many as fit the budget with what is read
    /// behind each, and what is read behind them. Ascending, none twice, none of them a sink or in the window.
    /// </summary>
    /// <param name="retriever">Who chooses.</param>
    /// <param name="step">The step of the refresh.</param>
    /// <param name="unit">The unit that asks.</param>
    /// <param name="dilation">Tokens read behind each chosen token or page.</param>
    public int[] Read(Retriever retriever, int step, int unit, int dilation)
    {
        int context = _trace.Steps[step].Context, windowStart = context - _budget.Window;
        int width = retriever == Retriever.PageBounds ? PageTokens : 1;
        int[] anchors = Ranking(retriever, step, unit);
        anchors = anchors[..Math.Min(anchors.Length, _budget.CriticalOf(context) / (width + dilation))];
        Array.Sort(anchors);

        List<int> read = new(anchors.Length * (width + dilation));
        int next = _budget.Sinks;
        foreach (int anchor in anchors)
        {
            int end = Math.Min((anchor + 1) * width + dilation, windowStart);
            for (next = Math.Max(next, anchor * width); next < end; next++)
                read.Add(next);
        }

        return [.. read];
    }

    /// <summary>The tokens, or pages, between sinks and window, as many as the budget has critical tokens for, best first.</summary>
    private int[] Ranking(Retriever retriever, int step, int unit)
    {
        if (retriever == Retriever.None)
            return [];
        if (_rankings.TryGetValue((retriever, step, unit), out int[]? ranking))
            return ranking;

        AttentionTraceStep at = _trace.Steps[step];
        int first = _budget.Sinks, end = at.Context - _budget.Window, count = _budget.CriticalOf(at.Context);
        int firstPage = first / PageTokens, endPage = (end + PageTokens - 1) / PageTokens;
        return _rankings[(retriever, step, unit)] = retriever switch
        {
            Retriever.Exact => TopTokens.Ranked(at.Mass[unit], first, end, count),
            Retriever.LabelChannels => TopTokens.Ranked(at.Labels[unit], first, end, count),
            Retriever.PageBounds => TopTokens.Ranked(
                at.Pages[unit], firstPage, Math.Min(endPage, at.Pages[unit].Length), count / PageTokens),
            _ => throw new ArgumentOutOfRangeException(nameof(retriever), retriever, "This retriever cannot be simulated on a trace."),
        };
    }
}
