using HShare.Cli.Evaluation;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>An evaluation's report for reading.</summary>
internal static class EvalTables
{
    /// <summary>Writes one table for each grouping, then the totals.</summary>
    public static void Write(Terminal terminal, EvalReport report)
    {
        foreach ((string grouping, IReadOnlyDictionary<string, EvalScore> groups) in report.Groups)
        {
            if (groups.Count > 0)
                terminal.Write(CreateTable(grouping, groups, report.Reference is not null));
        }

        if (report.OverContext.Count > 0)
        {
            string names = string.Join(", ", report.OverContext);
            terminal.Out.WriteLine($"{report.OverContext.Count} over the context, counted as wrong: {names}");
        }

        terminal.Out.WriteLine($"{report.Correct} of {report.Cases} right, accuracy {report.Accuracy:P1}");
        if (report.Reference is { } reference)
        {
            terminal.Out.WriteLine(
                $"Of {reference.Cases} with a reference: {reference.Correct} right, reference {reference.ReferenceCorrect} right, "
                + $"same text in {reference.SameText} ({reference.SameTextRate:P1})");
        }

        terminal.Out.WriteLine(
            $"{report.PromptTokens:N0} prompt and {report.OutputTokens:N0} output tokens in {report.Seconds:N1} s: "
            + $"{report.TokensPerSecond:N0} tokens/s on {report.Backend}");
    }

    private static Table CreateTable(string grouping, IReadOnlyDictionary<string, EvalScore> groups, bool withReference)
    {
        Table table = Tables.Create(grouping, "cases", "right", "accuracy");
        if (withReference)
            table.AddNumberColumns("with reference", "reference right", "ours right", "same text");

        foreach ((string name, EvalScore score) in groups)
        {
            List<string> row = [name, $"{score.Cases}", $"{score.Correct}", $"{score.Accuracy:P1}"];
            if (score.Reference is { } reference)
            {
                row.AddRange([$"{reference.Cases}", $"{reference.ReferenceCorrect}", $"{reference.Correct}"]);
                row.Add($"{reference.SameTextRate:P1}");
            }

            table.AddTextRow(row);
        }

        return table;
    }
}
