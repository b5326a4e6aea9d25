namespace HShare.AI.Engine.Attention;

/// <summary>How far a <see cref="PlanSearch"/> is.</summary>
/// <param name="Tried">Candidates tried.</param>
/// <param name="Candidates">Candidates in all.</param>
/// <param name="Cheapest">The cheapest of those tried that keep enough; null while there is none.</param>
public readonly record struct PlanSearchProgress(int Tried, int Candidates, PlanCandidate? Cheapest);

/// <summary>What a <see cref="PlanSearch"/> found.</summary>
/// <param name="Cheapest">The candidate that keeps enough and reads least; null where none keeps enough.</param>
/// <param name="Candidates">All that were tried, the one that reads least first.</param>
public sealed record PlanSearchResult(PlanCandidate? Cheapest, IReadOnlyList<PlanCandidate> Candidates);

/// <summary>
/// Looks for the plan and retriever that read least and yet keep enough: plans are made from a calibration and judged on traces of other
/// texts.
/// </summary>
/// <remarks>
/// What a candidate keeps is its recovered attention mass over that of the exact choice, made by every head for itself at every step, with
/// the same budget: a ratio of means over all held-out steps, layers and heads, sinks and window included. So 1 is what this budget can do,
/// however much of full attention that is, and the floor says what sharing and estimating may lose of it.
/// </remarks>
public sealed class PlanSearch
{
    private static readonly SharingRatio[] LayerRatios = [SharingRatio.One, new(3, 4), new(1, 2), new(1, 3)];
    private static readonly SharingRatio[] HeadRatios = [SharingRatio.One, new(3, 4), new(1, 2), new(1, 4)];
    private static readonly SharingRatio[] StepRatios = [SharingRatio.One, new(1, 2), new(1, 4), new(1, 8)];

    private readonly AttentionCalibration _calibration;
    private readonly IReadOnlyList<PlanSimulation> _heldOut;
    private readonly IReadOnlyList<Retriever> _retrievers;

    private PlanSearch(AttentionCalibration calibration, IReadOnlyList<PlanSimulation> heldOut, IReadOnlyList<Retriever> retrievers)
    {
        _calibration = calibration;
        _heldOut = heldOut;
        _retrievers = retrievers;
    }

    /// <summary>
    /// Tries plans of both methods with all, 3/4, 1/2 and 1/3 of the layers and all, 3/4, 1/2 and 1/4 of the heads selecting, refreshed at
    /// every step or every second, fourth or eighth one, with and without dilation.
    /// </summary>
    /// <param name="calibration">What the plans are made from.</param>
    /// <param name="heldOut">What they are judged on: traces of texts that are not in the calibration.</param>
    /// <param name="budget">How many tokens are read.</param>
    /// <param name="floor">Least that a plan must keep, above 0 and at most 1.</param>
    /// <param name="retrievers">Which retrievers leaders may use.</param>
    /// <param name="labelShare">Channels of the label-channel retriever over those of a key.</param>
    /// <param name="progress">Told after each candidate.</param>
    /// <param name="cancellationToken">Ends the search early.</param>
    /// <exception cref="SharingPlanException">
    /// The budget covers some trace's context, so that there is nothing to judge plans by.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// There are no traces or retrievers, a retriever cannot be replayed on the traces, their shape is not the calibration's, or the floor
    /// is out of range.
    /// </exception>
    public static PlanSearchResult Run(
        AttentionCalibration calibration,
        IReadOnlyList<AttentionTrace> heldOut,
        TokenBudget budget,
        double floor,
        IReadOnlyList<Retriever> retrievers,
        double labelShare,
        IProgress<PlanSearchProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(calibration);
        ArgumentNullException.ThrowIfNull(heldOut);
        ArgumentNullException.ThrowIfNull(retrievers);
        if (floor is not (> 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(floor), floor, "The mass to keep has to lie above 0 and at most at 1.");
        if (heldOut.Count == 0 || retrievers.Count == 0)
        {
            throw new ArgumentException(
                "A search needs at least one held-out trace and one retriever.", heldOut.Count == 0 ? nameof(heldOut) : nameof(retrievers));
        }

        if (heldOut.Any(trace => trace.Steps.Any(step => budget.Covers(step.Context))))
        {
            throw new SharingPlanException($"The budget of {budget} covers the context of a held-out text, so it cannot tell plans apart. "
                + "Take longer texts or a smaller budget.");
        }

        PlanSearch search = new(calibration, [.. heldOut.Select(trace => new PlanSimulation(trace, budget, labelShare))], retrievers);
        return search.Run(floor, progress, cancellationToken);
    }

    private PlanSearchResult Run(double floor, IProgress<PlanSearchProgress>? progress, CancellationToken cancellationToken)
    {
        List<(SharingRatios Ratios, PlanMethod Method, int Dilation)> settings = [.. Settings()];
        List<PlanCandidate> tried = [];
        PlanCandidate? cheapest = null;
        foreach ((SharingRatios ratios, PlanMethod method, int dilation) in settings)
        {
            SharingPlan plan = method == PlanMethod.Mass
                ? MassPlanner.Plan(_calibration, ratios, dilation)
                : GreedyPlanner.Plan(_calibration, ratios, dilation);
            foreach (Retriever retriever in _retrievers)
            {
                cancellationToken.ThrowIfCancellationRequested();
                PlanCandidate candidate = Try(plan, method, ratios, retriever);
                tried.Add(candidate);
                if (candidate.Kept >= floor - 1e-9 && (cheapest is null || Order(candidate).CompareTo(Order(cheapest)) < 0))
                    cheapest = candidate;
                progress?.Report(new PlanSearchProgress(tried.Count, settings.Count * _retrievers.Count, cheapest));
            }
        }

        return new PlanSearchResult(cheapest, [.. tried.OrderBy(Order)]);

        // Bytes to a millionth, then what is kept.
        static (double Bytes, double Lost) Order(PlanCandidate candidate) => (Math.Round(candidate.Bytes, 6), -candidate.Kept);
    }

    /// <summary>
    /// The settings worth trying: each number of leaders once (of two heads, 3/4 is both), and one method where nothing is shared between
    /// units.
    /// </summary>
    private IEnumerable<(SharingRatios Ratios, PlanMethod Method, int Dilation)> Settings() =>
        from layers in LayerRatios.DistinctBy(ratio => ratio.Of(_calibration.Layers))
        from heads in HeadRatios.DistinctBy(ratio => ratio.Of(_calibration.KvHeads))
        from method in layers == SharingRatio.One && heads == SharingRatio.One ? [PlanMethod.Mass] : Enum.GetValues<PlanMethod>()
        from steps in StepRatios
        from dilation in new[] { 0, steps.Denominator - 1 }.Distinct()
        select (new SharingRatios(layers, heads, steps), method, dilation);

    private PlanCandidate Try(SharingPlan plan, PlanMethod method, SharingRatios ratios, Retriever retriever)
    {
        double recovered = 0, exact = 0, criticalKept = 0, bytes = 0, steps = 0;
        foreach (PlanSimulation simulation in _heldOut)
        {
            PlanSimulationResult result = simulation.Run(plan, retriever);
            recovered += result.Recovered * simulation.Steps;
            exact += result.Exact * simulation.Steps;
            criticalKept += result.CriticalKept * simulation.Steps;
            bytes += result.Bytes * simulation.Steps;
            steps += simulation.Steps;
        }

        return new PlanCandidate(plan, method, ratios, retriever, recovered / exact, criticalKept / steps, bytes / steps);
    }
}
