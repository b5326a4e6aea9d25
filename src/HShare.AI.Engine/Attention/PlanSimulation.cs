namespace HShare.AI.Engine.Attention;

/// <summary>
/// Replays sharing plans on a trace of full attention, without running a model: which tokens would each head have read, and how much of
/// what it attended to lies on them. What it cannot show is that a head that missed something makes later layers attend elsewhere.
/// </summary>
/// <remarks>
/// As in decoding, leaders ask at the trace's first step and at every interval-th after it; between, their lists stay, and the window
/// begins where it began at the refresh, so that it grows by up to interval - 1 tokens. While the budget covers the context at a refresh,
/// everything is read.
/// </remarks>
public sealed class PlanSimulation
{
    private readonly AttentionTrace _trace;
    private readonly TokenBudget _budget;
    private readonly double _labelShare;
    private readonly TraceChoices _choices;
    private readonly UnitReading[,] _exact; // [steps, units]: by the unit's own exact choice at that very step

    /// <summary>Prepares a trace for any number of plans.</summary>
    /// <param name="trace">What full attention did.</param>
    /// <param name="budget">How many tokens are read.</param>
    /// <param name="labelShare">Channels of the label-channel retriever over those of a key; only its bytes depend on it.</param>
    /// <exception cref="ArgumentException">The trace has no steps, or the share is not above 0 and at most 1.</exception>
    public PlanSimulation(AttentionTrace trace, TokenBudget budget, double labelShare)
    {
        ArgumentNullException.ThrowIfNull(trace);
        if (trace.Steps.Count == 0)
            throw new ArgumentException("A trace without steps cannot be replayed.", nameof(trace));
        if (labelShare is not (> 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(labelShare), labelShare, "The share of label channels has to lie above 0 and at most at 1.");
        }

        _trace = trace;
        _budget = budget;
        _labelShare = labelShare;
        _choices = new TraceChoices(trace, budget);
        int units = trace.Layers * trace.KvHeads;
        _exact = new UnitReading[trace.Steps.Count, units];
        for (int step = 0; step < trace.Steps.Count; step++)
        {
            for (int unit = 0; unit < units; unit++)
                _exact[step, unit] = ReadExactly(step, unit);
        }
    }

    /// <summary>Decode steps of the trace.</summary>
    public int Steps => _trace.Steps.Count;

    /// <summary>Replays a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="retriever">How its leaders choose.</param>
    /// <exception cref="SharingPlanException">The plan breaks a rule.</exception>
    /// <exception cref="ArgumentException">
    /// The plan is for another shape than the trace's, the trace has no label scores, or the retriever goes by attention since the start of
    /// the text, which a trace does not hold.
    /// </exception>
    public PlanSimulationResult Run(SharingPlan plan, Retriever retriever)
    {
        ArgumentNullException.ThrowIfNull(plan);
        plan.Validate();
        if (plan.Layers != _trace.Layers || plan.KvHeads != _trace.KvHeads)
        {
            throw new ArgumentException($"The plan is for {plan.Layers} layers of {plan.KvHeads} KV heads, "
                + $"but the trace has {_trace.Layers} of {_trace.KvHeads}.", nameof(plan));
        }

        RequireScores(retriever);
        PlanTally tally = new(plan);
        int[][] lists = new int[plan.Rules.Count][];
        int windowStart = 0;
        bool readsAll = false;
        for (int step = 0; step < _trace.Steps.Count; step++)
        {
            int context = _trace.Steps[step].Context;
            if (step % plan.Interval == 0)
            {
                readsAll = _budget.Covers(context);
                windowStart = context - _budget.Window;
                if (!readsAll)
                    Refresh(plan, retriever, step, lists);
            }

            for (int unit = 0; unit < lists.Length; unit++)
            {
                HeadRule rule = plan.Rules[unit];
                bool dense = readsAll || unit < plan.DenseLayers * plan.KvHeads;
                int leader = rule.Layer * plan.KvHeads + rule.Head;
                UnitReading read = dense ? ReadAll(step, unit) : ReadList(step, unit, lists[leader], windowStart);
                bool asks = !dense && rule.Sharing == HeadSharing.Retrieve;
                double bytes = (asks ? AskingRows(retriever, context) / plan.Interval : 0) + ReadRows(rule.Sharing, read, context);
                tally.Add(unit, read, _exact[step, unit], bytes / (2.0 * context));
            }
        }

        return tally.Result(_trace.Steps.Count);
    }

    private void Refresh(SharingPlan plan, Retriever retriever, int step, int[][] lists)
    {
        for (int unit = plan.DenseLayers * plan.KvHeads; unit < lists.Length; unit++)
        {
            if (plan.Rules[unit].Sharing == HeadSharing.Retrieve)
                lists[unit] = _choices.Read(retriever, step, unit, plan.Dilation);
        }
    }

    /// <summary>What a unit reads by a list, beside the sinks and a window that begins where the last refresh put it.</summary>
    private UnitReading ReadList(int step, int unit, int[] list, int windowStart)
    {
        AttentionTraceStep at = _trace.Steps[step];
        ReadOnlySpan<float> mass = at.Mass[unit];
        double distant = 0;
        foreach (int position in list)
            distant += mass[position];

        // What left the window since the refresh is still read: it counts as found.
        int presentWindow = at.Context - _budget.Window;
        distant += Sum(mass[windowStart..presentWindow]);
        double proximal = Sum(mass[..Math.Min(_budget.Sinks, at.Context)]) + Sum(mass[presentWindow..at.Context]);
        double found = FoundShare(_choices.Best(step, unit), list, windowStart);
        return new UnitReading(proximal, distant, found, ProximalTokens: _budget.Sinks + at.Context - windowStart, list.Length);
    }

    /// <summary>What a unit reads by its own exact choice at this step; everything where the budget covers it.</summary>
    private UnitReading ReadExactly(int step, int unit)
    {
        int context = _trace.Steps[step].Context;
        return _budget.Covers(context) ? ReadAll(step, unit) : ReadList(step, unit, _choices.Best(step, unit), context - _budget.Window);
    }

    private UnitReading ReadAll(int step, int unit)
    {
        AttentionTraceStep at = _trace.Steps[step];
        ReadOnlySpan<float> mass = at.Mass[unit].AsSpan(0, at.Context);
        int sinks = Math.Min(_budget.Sinks, at.Context), windowStart = Math.Max(at.Context - _budget.Window, sinks);
        double proximal = Sum(mass[..sinks]) + Sum(mass[windowStart..]);
        return new UnitReading(proximal, Sum(mass[sinks..windowStart]), 1, sinks + at.Context - windowStart, windowStart - sinks);
    }

    /// <summary>Key rows' worth of bytes that choosing reads.</summary>
    private double AskingRows(Retriever retriever, int context) => retriever switch
    {
        Retriever.Exact => context,
        Retriever.LabelChannels => context * _labelShare,
        Retriever.PageBounds => context * 2.0 / TraceChoices.PageTokens,
        _ => 0,
    };

    /// <summary>
    /// Key or value rows that attention reads. Who takes scores reads values only of distant tokens; shared keys are read by each who
    /// shares them.
    /// </summary>
    private static double ReadRows(HeadSharing sharing, UnitReading read, int context) =>
        sharing == HeadSharing.ShareScores
            ? 2.0 * read.ProximalTokens + read.DistantTokens
            : 2.0 * Math.Min(read.ProximalTokens + read.DistantTokens, context);

    private void RequireScores(Retriever retriever)
    {
        if (retriever == Retriever.Accumulated)
        {
            throw new ArgumentException(
                "Accumulated attention cannot be replayed: a trace does not hold the attention of its prompt.", nameof(retriever));
        }

        if (retriever == Retriever.LabelChannels && _trace.Steps.Any(step => step.Labels.Count == 0))
        {
            throw new ArgumentException(
                "The trace has no label scores. Record it with label channels, or take another retriever.", nameof(retriever));
        }
    }

    private static double FoundShare(int[] best, int[] list, int windowStart)
    {
        if (best.Length == 0)
            return 1;

        int found = 0;
        for (int i = 0, j = 0; i < best.Length; i++)
        {
            while (j < list.Length && list[j] < best[i])
                j++;
            if (best[i] >= windowStart || (j < list.Length && list[j] == best[i]))
                found++;
        }

        return (double)found / best.Length;
    }

    private static double Sum(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
            sum += value;
        return sum;
    }
}
