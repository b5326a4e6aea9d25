namespace HShare.AI.Engine.Attention;

/// <summary>A plan that a search has tried, with its retriever, and what it kept on the held-out traces.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Method">How it was made.</param>
/// <param name="Ratios">Which fractions of layers, heads and steps select for themselves.</param>
/// <param name="Retriever">How its leaders choose.</param>
/// <param name="Kept">
/// Recovered mass over what the exact, unshared choice of the same budget recovers (<see cref="PlanSimulationResult.Kept"/>).
/// </param>
/// <param name="CriticalKept">The same between sinks and window (<see cref="PlanSimulationResult.CriticalKept"/>).</param>
/// <param name="Bytes">Bytes read of the KV cache over those that full attention reads.</param>
public sealed record PlanCandidate(
    SharingPlan Plan, PlanMethod Method, SharingRatios Ratios, Retriever Retriever, double Kept, double CriticalKept, double Bytes)
{
    /// <summary>Its name, such as "1/2-1-1/4, dilation 3, PageBounds, Mass".</summary>
    public override string ToString() => $"{Ratios}, dilation {Plan.Dilation}, {Retriever}, {Method}";
}
