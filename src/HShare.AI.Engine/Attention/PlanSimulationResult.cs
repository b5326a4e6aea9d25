namespace HShare.AI.Engine.Attention;

/// <summary>What a plan kept of full attention in a replay, averaged over steps and heads.</summary>
/// <param name="LayerRecovered">[layers]: share of full attention's mass that falls on what was read, sinks and window included.</param>
/// <param name="LayerExact">[layers]: the same, had every head chosen exactly and for itself at every step, with the same budget.</param>
/// <param name="LayerOverlap">[layers]: share of the true critical tokens that were read.</param>
/// <param name="CriticalKept">
/// Mass recovered between sinks and window over what the exact, unshared choice recovers there: stricter than <see cref="Kept"/>, in which
/// sinks and window, which every plan reads, count too. It may exceed 1: between refreshes the window grows.
/// </param>
/// <param name="Bytes">Bytes read of the KV cache, what choosing reads included, over those that full attention reads.</param>
public sealed record PlanSimulationResult(
    IReadOnlyList<double> LayerRecovered,
    IReadOnlyList<double> LayerExact,
    IReadOnlyList<double> LayerOverlap,
    double CriticalKept,
    double Bytes)
{
    /// <summary>Share of full attention's mass that falls on what was read, over all layers.</summary>
    public double Recovered => LayerRecovered.Average();

    /// <summary>Share of full attention's mass that the exact, unshared choice of the same budget reads, over all layers.</summary>
    public double Exact => LayerExact.Average();

    /// <summary>Share of the true critical tokens that were read, over all layers.</summary>
    public double Overlap => LayerOverlap.Average();

    /// <summary>
    /// Recovered mass over what the exact, unshared choice of the same budget recovers: 1 where nothing is lost by sharing and estimating.
    /// </summary>
    public double Kept => Recovered / Exact;
}
