using HShare.Cli.Bench;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>A report of <c>hshare bench attention</c> for reading.</summary>
internal static class AttentionTables
{
    /// <summary>Writes the machine's limits, then the presets side by side.</summary>
    public static void Write(Terminal terminal, AttentionReport report)
    {
        BenchTables.Write(terminal, report.Limits);
        string sizes = $"{report.Shape}, kv {report.Kv}, batch {report.Batch}";
        terminal.Out.WriteLine($"Attention of one decoded token over all layers of {sizes}, on {report.Backend}.");
        terminal.Out.WriteLine($"Caches are cold: {report.EvictedBytes / 1e6:N0} MB of other sequences are read before every step.");
        Table table = Tables.Create("context");
        table.AddColumn("preset");
        table.AddNumberColumns("ms", "selection", "attention", "repeats", "full / this", "MB read", "ms at copy", "of limit");
        int context = 0;
        foreach (AttentionFigure figure in report.Figures)
        {
            table.AddTextRow(
            [
                figure.Context == context ? "" : $"{figure.Context:N0}",
                figure.Preset,
                $"{figure.Milliseconds:N3}",
                $"{figure.SelectionMilliseconds:N3}",
                $"{figure.AttentionMilliseconds:N3}",
                $"{figure.Repeats}",
                $"{figure.Speedup:N2}",
                $"{figure.Bytes / 1e6:N2}",
                $"{figure.LimitMilliseconds:N3}",
                $"{figure.ShareOfLimit:P0}",
            ]);
            context = figure.Context;
        }

        terminal.Write(table);
    }
}
