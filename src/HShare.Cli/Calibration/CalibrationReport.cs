using HShare.AI.Engine.Attention;
using HShare.Cli.Drawing;
using HShare.Cli.Output;
using Spectre.Console;

namespace HShare.Cli.Calibration;

/// <summary>A plan with what it keeps on texts it was not made from, by retriever.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Description">How it was made.</param>
/// <param name="Results">What it keeps, by retriever.</param>
internal sealed record CalibrationReport(SharingPlan Plan, string Description, IReadOnlyDictionary<string, CalibrationResult> Results)
{
    private const int ShownCandidates = 20;

    /// <summary>Plans that were tried, the one that reads least first; empty where none were.</summary>
    public IReadOnlyList<PlanCandidate> Candidates { get; init; } = [];

    /// <summary>What plans had to keep, or null.</summary>
    public double? Floor { get; init; }

    /// <summary>Replays a plan on held-out traces.</summary>
    public static CalibrationReport Of(SharingPlan plan, string description, IReadOnlyList<AttentionTrace> heldOut, TokenBudget budget)
    {
        PlanSimulation[] simulations = [.. heldOut.Select(trace => new PlanSimulation(trace, budget, CalibrationRecording.LabelShare))];
        Dictionary<string, CalibrationResult> results = [];
        foreach (Retriever retriever in new[] { Retriever.PageBounds, Retriever.LabelChannels, Retriever.Exact })
        {
            PlanSimulationResult[] replays = [.. simulations.Select(simulation => simulation.Run(plan, retriever))];
            results[retriever.ToString()] = new CalibrationResult(
                replays.Average(replay => replay.Recovered),
                replays.Average(replay => replay.Kept),
                replays.Average(replay => replay.CriticalKept),
                replays.Average(replay => replay.Bytes));
        }

        return new CalibrationReport(plan, description, results);
    }

    /// <summary>As <c>--json</c> writes it.</summary>
    public object ToJson() => new
    {
        Description,
        Plan.Interval,
        Plan.Dilation,
        Rules = Plan.Rules.Select(SharingPlanFile.Format),
        Floor,
        Results,
        Candidates = Candidates.Select(candidate => new
        {
            Name = candidate.ToString(),
            candidate.Kept,
            candidate.CriticalKept,
            KvBytesReadRatio = candidate.Bytes,
        }),
    };

    /// <summary>Writes it for reading.</summary>
    public void Write(Terminal terminal)
    {
        if (Candidates.Count > 0)
        {
            Table tried = Tables.Create("plan", "mass kept", "critical mass kept", "KV bytes read");
            foreach (PlanCandidate candidate in Candidates.Where(candidate => candidate.Kept >= Floor).Take(ShownCandidates))
                tried.AddRow($"{candidate}", $"{candidate.Kept:P2}", $"{candidate.CriticalKept:P1}", $"{candidate.Bytes:P1}");
            terminal.Write(tried);
        }

        terminal.Out.Write(PlanText.Draw(Plan));
        Table table = Tables.Create("retriever", "mass read", "of what exact choice reads", "critical mass kept", "KV bytes read");
        foreach ((string retriever, CalibrationResult result) in Results)
            table.AddRow(
                retriever, $"{result.Recovered:P2}", $"{result.Kept:P2}", $"{result.CriticalKept:P1}", $"{result.KvBytesReadRatio:P1}");
        terminal.Write(table);
        terminal.Out.WriteLine($"Made from {Description}; judged on texts it was not made from.");
    }
}

/// <summary>What a plan keeps with one retriever.</summary>
/// <param name="Recovered">Share of full attention's mass on the tokens read.</param>
/// <param name="Kept">The same over what an exact choice by every head at every step reads with the same budget.</param>
/// <param name="CriticalKept">The same between sinks and window.</param>
/// <param name="KvBytesReadRatio">Bytes read over those of full attention, selection included.</param>
internal sealed record CalibrationResult(double Recovered, double Kept, double CriticalKept, double KvBytesReadRatio);
