using HShare.AI.Engine.Models;
using HShare.AI.Engine.Verification;
using HShare.Cli.CommandLine;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>A comparison with a reference, for reading and as JSON.</summary>
internal static class VerifyReport
{
    /// <summary>Writes a table of the cases and the verdict.</summary>
    public static void WriteTable(Terminal terminal, ReferenceReport report, ReferenceTolerance tolerance)
    {
        Table table = Tables.Create(
            "case", "prompt tokens", "largest logit difference", "steps equal", "steps unequal", "within margin", "");
        foreach (ReferenceCaseReport item in report.Cases)
        {
            table.AddTextRow(
            [
                item.Name,
                $"{item.PromptTokens}",
                $"{item.LargestLogitDifference:0.######}",
                $"{item.StepsEqual}",
                $"{item.StepsUnequal}",
                $"{item.StepsBelowMargin}",
                item.Passed ? "passed" : "FAILED",
            ]);
        }

        terminal.Write(table);
        if (report.Reference.Length > 0)
            terminal.Out.WriteLine($"Reference: {report.Reference}");
        terminal.Out.WriteLine(
            $"Largest logit difference {report.LargestLogitDifference:0.######} "
            + $"(tolerance {tolerance.Logits:0.######}{Spread(tolerance)})");
        terminal.Out.WriteLine(
            $"Greedy steps: {report.StepsEqual} equal, {report.StepsUnequal} unequal, "
            + $"{report.StepsBelowMargin} where the reference's margin is within {tolerance.Margin:0.######}"
            + (tolerance.Spread > 0 ? " and twice that share" : ""));
        terminal.Out.WriteLine(report.Passed ? "Passed" : "FAILED");
    }

    private static string Spread(ReferenceTolerance tolerance) =>
        tolerance.Spread > 0 ? $" and {tolerance.Spread:0.#%} of the spread of each case's logits" : "";

    /// <summary>The object for <c>--json</c>.</summary>
    public static object ToJson(ReferenceReport report, ReferenceTolerance tolerance, LanguageModel model, ModelSettings settings) => new
    {
        Model = model.Name,
        Backend = model.Backend.Description,
        Weights = Formats.Name(settings.Weights),
        Kv = Formats.Name(settings.Kv ?? model.Backend.CacheTypes[0]),
        Tolerance = tolerance.Logits,
        tolerance.Margin,
        tolerance.Spread,
        report.Passed,
        report.LargestLogitDifference,
        report.StepsEqual,
        report.StepsUnequal,
        report.StepsBelowMargin,
        report.Reference,
        report.Cases,
    };
}
