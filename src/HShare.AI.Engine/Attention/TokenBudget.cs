namespace HShare.AI.Engine.Attention;

/// <summary>
/// How many cached tokens one query reads: the first ones (sinks), the most recent ones (the window) and, between them, the critical
/// tokens that a <see cref="Retriever"/> finds (HShare, ICLR 2025, section 3).
/// </summary>
/// <param name="Sinks">Tokens at the start of the sequence that are always read.</param>
/// <param name="Window">Most recent tokens that are always read, the query's own included; at least 1.</param>
/// <param name="Total">Tokens read in all, sinks and window included; 0 where <paramref name="Share"/> says it.</param>
/// <param name="Share">Tokens read in all as a share of the context, above 0 and at most 1; 0 where <paramref name="Total"/> says
/// it.</param>
public readonly record struct TokenBudget(int Sinks, int Window, int Total, double Share = 0)
{
    /// <summary>Tokens read in all of a context: never less than sinks and window hold.</summary>
    /// <param name="context">Tokens of the context, the query's own included.</param>
    public int TotalOf(int context)
    {
        int total = Share > 0 ? (int)Math.Ceiling(Share * context) : Total;
        return Math.Max(total, Sinks + Window);
    }

    /// <summary>Critical tokens read of a context: what is left of the budget beside sinks and window.</summary>
    /// <param name="context">Tokens of the context, the query's own included.</param>
    public int CriticalOf(int context) => TotalOf(context) - Sinks - Window;

    /// <summary>Whether so short a context is read whole.</summary>
    /// <param name="context">Tokens of the context, the query's own included.</param>
    public bool Covers(int context) => context <= TotalOf(context);

    /// <inheritdoc/>
    public override string ToString() => Share > 0 ? FormattableString.Invariant($"{Share:0.####} of the context") : $"{Total} tokens";
}
