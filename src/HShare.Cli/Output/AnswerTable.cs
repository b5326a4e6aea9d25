using HShare.Cli.Conversation;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>The figures of an answer.</summary>
internal static class AnswerTable
{
    /// <summary>Writes them as a table of one row.</summary>
    public static void Write(Terminal terminal, AnswerReport report)
    {
        Table table = Tables.Create("prompt tokens", "cached tokens", "answer tokens", "time to first token", "tokens/s", "KV read");
        table.Columns[0].RightAligned();
        table.AddTextRow(
        [
            $"{report.PromptTokens:N0}",
            $"{report.CachedTokens:N0}",
            $"{report.OutputTokens:N0}",
            $"{report.TimeToFirstToken:N2} s",
            report.TokensPerSecond is { } speed ? $"{speed:N1}" : "-",
            report.KvBytesReadRatio is { } ratio ? $"{ratio:P1}" : "-",
        ]);
        terminal.Out.WriteLine();
        terminal.Write(table);
        if (report.Passages is not { } passages)
            return;

        if (passages.Count == 0)
        {
            terminal.Out.WriteLine("The document is too short to tell which of its passages the answer attended to.");
            return;
        }

        Table read = Tables.Create("passage", "attention", "at token", "depth");
        foreach (ReadPassage passage in passages)
            read.AddTextRow([passage.Text, $"{passage.Share:P1}", $"{passage.FirstToken:N0}", $"{passage.Depth:P0}"]);
        terminal.Write(read);
    }
}
