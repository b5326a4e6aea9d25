using HShare.Cli.Bench;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>A bench report for reading.</summary>
internal static class BenchTables
{
    /// <summary>Writes the machine's limits, then every figure beside its limit.</summary>
    public static void Write(Terminal terminal, BenchReport report)
    {
        Write(terminal, report.Limits);
        terminal.Out.WriteLine($"{report.Shape} on {report.Backend}");
        Table table = Tables.Create("part");
        table.AddColumns("sizes", "format");
        table.AddNumberColumns("ms", "repeats", "figure", "of limit", "of read");
        string part = "";
        foreach (BenchFigure figure in report.Figures)
        {
            table.AddTextRow(
            [
                figure.Part == part ? "" : figure.Part,
                figure.Case,
                figure.Format,
                $"{figure.Milliseconds:N3}",
                $"{figure.Repeats}",
                $"{figure.Value:N1} {figure.Unit}",
                figure.ShareOfLimit is { } share ? $"{share:P0} of {Name(figure.Limit)}" : "",
                figure.ShareOfRead is { } read ? $"{read:P0}" : "",
            ]);
            part = figure.Part;
        }

        terminal.Write(table);
    }

    /// <summary>Writes a machine's limits.</summary>
    public static void Write(Terminal terminal, MachineLimits limits)
    {
        Table machine = Tables.Create($"limits with {limits.Threads} threads", "measured");
        machine.AddTextRow(["memory copy, read + written", $"{limits.CopyBytesPerSecond / 1e9:N1} GB/s"]);
        machine.AddTextRow(["memory read", $"{limits.ReadBytesPerSecond / 1e9:N1} GB/s"]);
        machine.AddTextRow([$"multiply-add, float32, {limits.VectorBits}-bit vectors", $"{limits.FmaFlopsPerSecond / 1e9:N1} GFLOP/s"]);
        terminal.Write(machine);
    }

    private static string Name(Limit limit) => limit switch
    {
        Limit.FmaPeak => "peak",
        Limit.CopyBandwidth => "copy",
        _ => "",
    };
}
