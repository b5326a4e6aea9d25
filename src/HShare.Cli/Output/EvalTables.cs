using HShare.Cli.Evaluation;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>An evaluation's reports for reading.</summary>
internal static class EvalTables
{
    /// <summary>Writes, of one preset, a table for each grouping and the totals; of several, one table that compares them.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<EvalReport> reports)
    {
        if (reports.Count == 1)
            WriteGroups(terminal, reports[0]);
        terminal.Write(Compare(reports));
        WriteTotals(terminal, reports);
    }

    private static void WriteGroups(Terminal terminal, EvalReport report)
    {
        foreach ((string grouping, IReadOnlyDictionary<string, EvalScore> groups) in report.Groups)
        {
            if (groups.Count > 0)
                terminal.Write(CreateTable(grouping, groups, report.Reference is not null));
        }
    }

    private static Table Compare(IReadOnlyList<EvalReport> reports)
    {
        string[] files = [.. reports[0].Groups["file"].Keys];
        Table table = Tables.Create("preset", [.. files, .. files.Length > 1 ? ["all"] : Array.Empty<string>()]);
        table.AddNumberColumns("perplexity", "KV read", "bytes/token", "KV stored/token", "mass read", "overlap", "tokens/s");
        foreach (EvalReport report in reports)
        {
            List<string> row = [report.Preset];
            row.AddRange(files.Select(file => $"{report.Groups["file"][file].Accuracy:P1}"));
            if (files.Length > 1)
                row.Add($"{report.Accuracy:P1}");
            row.AddRange(
            [
                $"{report.Perplexity:N2}", $"{report.KvBytesReadRatio:P1}", $"{report.KvBytesReadPerToken:N0}",
                $"{report.KvBytesStoredPerToken:N0}", $"{report.RecoveredMass:P1}", $"{report.Overlap:P1}", $"{report.TokensPerSecond:N1}",
            ]);
            table.AddTextRow(row);
        }

        return table;
    }

    private static void WriteTotals(Terminal terminal, IReadOnlyList<EvalReport> reports)
    {
        EvalReport report = reports[0];
        if (report.OverContext.Count > 0)
        {
            string names = string.Join(", ", report.OverContext);
            terminal.Out.WriteLine($"{report.OverContext.Count} over the context, counted as wrong: {names}");
        }

        foreach (EvalReport each in reports)
        {
            string preset = reports.Count == 1 ? "" : $"{each.Preset}: ";
            terminal.Out.WriteLine($"{preset}{each.Correct} of {each.Cases} right, accuracy {each.Accuracy:P1}");
        }

        if (report.Reference is { } reference)
        {
            terminal.Out.WriteLine(
                $"Of {reference.Cases} with a reference: {reference.Correct} right, reference {reference.ReferenceCorrect} right, "
                + $"same text in {reference.SameText} ({reference.SameTextRate:P1})");
        }

        terminal.Out.WriteLine($"{report.PromptTokens:N0} prompt and {report.OutputTokens:N0} output tokens on {report.Backend}");
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
