using System.Diagnostics;
using System.Text;
using HShare.AI;
using HShare.Cli.Output;
using Microsoft.Extensions.AI;

namespace HShare.Cli.Conversation;

/// <summary>An answer and what it cost.</summary>
/// <param name="Answer">The text.</param>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Those of them found in the prefix cache.</param>
/// <param name="OutputTokens">Tokens generated.</param>
/// <param name="TimeToFirstToken">Seconds from the question to the first text.</param>
/// <param name="TokensPerSecond">Speed from the first text on; null where there was but one token.</param>
internal sealed record AnswerReport(
    string Answer,
    string? FinishReason,
    long PromptTokens,
    long CachedTokens,
    long OutputTokens,
    double TimeToFirstToken,
    double? TokensPerSecond);

/// <summary>Asks a chat client: a bar while the prompt is read, then the answer as it comes, and the figures behind it.</summary>
internal sealed class Asking
{
    private readonly IChatClient _client;
    private readonly ChatOptions _options;
    private readonly Terminal _terminal;
    private readonly bool _writesText;

    /// <summary>A way to ask.</summary>
    /// <param name="client">Whom.</param>
    /// <param name="options">How.</param>
    /// <param name="terminal">Where the answer goes.</param>
    /// <param name="writesText">Whether to write the answer at all.</param>
    public Asking(IChatClient client, ChatOptions options, Terminal terminal, bool writesText)
    {
        _client = client;
        _options = options;
        _terminal = terminal;
        _writesText = writesText;
    }

    /// <summary>Asks and waits for the whole answer.</summary>
    public async Task<AnswerReport> AskAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        var reading = new ReadFraction();
        ChatOptions options = _options.Clone();
        options.RawRepresentationFactory = _ => new GenerationOptions { PromptProgress = reading };
        await using IAsyncEnumerator<ChatResponseUpdate> updates =
            _client.GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);

        bool more = await _terminal.WithProgressAsync("Reading", async progress =>
        {
            reading.Target = progress;
            return await updates.MoveNextAsync();
        });
        TimeSpan first = Stopwatch.GetElapsedTime(start);
        var answer = new StringBuilder();
        UsageDetails usage = new();
        ChatFinishReason? finish = null;
        for (; more; more = await updates.MoveNextAsync())
        {
            ChatResponseUpdate update = updates.Current;
            answer.Append(update.Text);
            if (_writesText)
                _terminal.Out.Write(update.Text);
            finish = update.FinishReason ?? finish;
            if (update.Contents.OfType<UsageContent>().FirstOrDefault() is { } content)
                usage = content.Details;
        }

        if (_writesText)
            _terminal.Out.WriteLine();
        double seconds = (Stopwatch.GetElapsedTime(start) - first).TotalSeconds;
        long tokens = usage.OutputTokenCount ?? 0;
        return new AnswerReport(
            answer.ToString(), finish?.Value, usage.InputTokenCount ?? 0, usage.CachedInputTokenCount ?? 0, tokens, first.TotalSeconds,
            tokens > 1 ? (tokens - 1) / seconds : null);
    }

    private sealed class ReadFraction : IProgress<PromptProgress>
    {
        public IProgress<double>? Target { get; set; }

        public void Report(PromptProgress value) => Target?.Report((double)value.TokensRead / value.TotalTokens);
    }
}
