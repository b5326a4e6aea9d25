using HShare.Cli.Bench.Gpu;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>Reports of benches on a GPU, for reading.</summary>
internal static class GpuTables
{
    /// <summary>Writes the limits, then the presets side by side, cell by cell.</summary>
    public static void Write(Terminal terminal, GpuAttentionReport report)
    {
        terminal.Out.WriteLine($"Attention of one layer, kv {report.Kv}, on {report.Backend}.");
        Write(terminal, report.Limits);
        Table table = Tables.Create("heads");
        table.AddNumberColumns("batch", "context");
        table.AddColumn("preset");
        table.AddNumberColumns("us", "us, no choice", "limit us", "x limit", "full / this", "layers x sets");
        (string, int, int) cell = default;
        foreach (GpuAttentionFigure figure in report.Figures)
        {
            bool same = cell == (figure.Heads, figure.Batch, figure.Context);
            cell = (figure.Heads, figure.Batch, figure.Context);
            table.AddTextRow(
            [
                same ? "" : figure.Heads,
                same ? "" : $"{figure.Batch}",
                same ? "" : $"{figure.Context:N0}",
                figure.Preset,
                $"{figure.Microseconds:N1}",
                figure.PlainMicroseconds is { } plain ? $"{plain:N1}" : "",
                $"{figure.LimitMicroseconds:N1}",
                $"{figure.TimesLimit:N2}",
                $"{figure.Speedup:N2}",
                $"{figure.Layers} x {figure.Sets}",
            ]);
        }

        terminal.Write(table);
        Write(terminal, report.Skipped);
    }

    /// <summary>Writes the limits, then the decode steps.</summary>
    public static void Write(Terminal terminal, GpuDecodeReport report)
    {
        terminal.Out.WriteLine($"Decode steps of {report.Shape}, weights {report.Weights}, kv {report.Kv}, on {report.Backend}.");
        Write(terminal, report.Limits);
        Table table = Tables.Create("context", "batch");
        table.AddColumn("preset");
        table.AddNumberColumns("ms / step", "tokens / s", "limit ms", "x limit");
        foreach (GpuDecodeFigure figure in report.Figures)
        {
            table.AddTextRow(
            [
                $"{figure.Context:N0}",
                $"{figure.Batch}",
                figure.Preset,
                $"{figure.Milliseconds:N3}",
                $"{figure.TokensPerSecond:N0}",
                $"{figure.LimitMilliseconds:N3}",
                $"{figure.TimesLimit:N2}",
            ]);
        }

        terminal.Write(table);
        Write(terminal, report.Skipped);
    }

    /// <summary>Writes the limits, then the prompts.</summary>
    public static void Write(Terminal terminal, GpuPrefillReport report)
    {
        terminal.Out.WriteLine($"Prefill of {report.Shape}, weights {report.Weights}, kv {report.Kv}, on {report.Backend}.");
        Write(terminal, report.Limits);
        Table table = Tables.Create("tokens", "rows of a step", "ms", "tokens / s", "TFLOP/s", "of limit");
        foreach (GpuPrefillFigure figure in report.Figures)
        {
            table.AddTextRow(
            [
                $"{figure.Tokens:N0}",
                $"{figure.ChunkRows:N0}",
                $"{figure.Milliseconds:N2}",
                $"{figure.TokensPerSecond:N0}",
                $"{figure.FlopsPerSecond / 1e12:N1}",
                $"{figure.ShareOfLimit:P0}",
            ]);
        }

        terminal.Write(table);
        Write(terminal, report.Skipped);
    }

    /// <summary>Writes the limits, then the products.</summary>
    public static void Write(Terminal terminal, GpuLinearReport report)
    {
        terminal.Out.WriteLine($"Matrix products of a layer of {report.Shape}, weights {report.Weights}, on {report.Backend}.");
        Write(terminal, report.Limits);
        Table table = Tables.Create("product", "rows", "us", "limit us", "x limit");
        foreach (GpuLinearFigure figure in report.Figures)
        {
            table.AddTextRow(
            [
                figure.Product,
                $"{figure.Rows}",
                $"{figure.Microseconds:N1}",
                $"{figure.LimitMicroseconds:N1}",
                $"{figure.TimesLimit:N2}",
            ]);
        }

        terminal.Write(table);
    }

    private static void Write(Terminal terminal, GpuLimits limits)
    {
        terminal.Out.WriteLine($"Limits in this run: copy {limits.CopyBytesPerSecond / 1e9:N0} GB/s (read + written)"
            + (limits.MatrixFlopsPerSecond is { } flops ? $", 16-bit matrix product {flops / 1e12:N0} TFLOP/s." : "."));
    }

    private static void Write(Terminal terminal, IReadOnlyList<SkippedCell> skipped)
    {
        foreach (SkippedCell cell in skipped)
            terminal.Out.WriteLine($"Skipped: {cell.Name}: {cell.Reason}.");
    }
}
