using HShare.Cli.Bench;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>What the engine's own part of a step costs, for reading.</summary>
internal static class ScheduleTables
{
    /// <summary>Writes a row for each preset.</summary>
    public static void Write(Terminal terminal, ScheduleReport report)
    {
        terminal.Out.WriteLine($"The engine's own part of a decode step, shape {report.Shape}, {report.Batch} requests side by side.");
        Table table = Tables.Create("preset", "steps", "us a step");
        foreach (ScheduleFigure figure in report.Figures)
            table.AddTextRow([figure.Preset, $"{figure.Steps:N0}", $"{figure.Microseconds:N1}"]);
        terminal.Write(table);
    }
}
