using HShare.Cli.Conversation;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>The figures of an answer.</summary>
internal static class AnswerTable
{
    /// <summary>Writes them as a table of one row.</summary>
    public static void Write(Terminal terminal, AnswerReport report)
    {
        Table table = Tables.Create("prompt tokens", "cached tokens", "answer tokens", "time to first token", "tokens/s");
        table.Columns[0].RightAligned();
        table.AddTextRow(
        [
            $"{report.PromptTokens:N0}",
            $"{report.CachedTokens:N0}",
            $"{report.OutputTokens:N0}",
            $"{report.TimeToFirstToken:N2} s",
            report.TokensPerSecond is { } speed ? $"{speed:N1}" : "-",
        ]);
        terminal.Out.WriteLine();
        terminal.Write(table);
    }
}
