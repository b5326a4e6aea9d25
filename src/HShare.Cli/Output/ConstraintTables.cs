using HShare.Cli.Bench;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>What constraints cost, for reading.</summary>
internal static class ConstraintTables
{
    /// <summary>Writes a row for each schema.</summary>
    public static void Write(Terminal terminal, ConstraintReport report)
    {
        Table table = Tables.Create(
            "schema", "compiled", "tokens", "masks computed", "a computed mask", "the slowest", "a remembered mask");
        foreach (ConstraintFigure figure in report.Figures)
        {
            table.AddTextRow(
            [
                figure.Schema,
                $"{figure.CompileMilliseconds:N1} ms",
                $"{figure.Tokens:N0}",
                $"{figure.Computed:N0}",
                $"{figure.ComputedMilliseconds:N3} ms",
                $"{figure.SlowestMilliseconds:N2} ms",
                $"{figure.RememberedMicroseconds:N2} us",
            ]);
        }

        terminal.Write(table);
    }
}
