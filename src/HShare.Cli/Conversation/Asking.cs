using System.Diagnostics;
using System.Text;
using System.Text.Json.Serialization;
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
    double? TokensPerSecond)
{
    /// <summary>Bytes of the KV cache read over those that full attention reads; null where nothing was decoded.</summary>
    public double? KvBytesReadRatio { get; init; }

    /// <summary>Passages of the document that the answer attended to most; null where nobody asked.</summary>
    public IReadOnlyList<ReadPassage>? Passages { get; init; }

    /// <summary>Where the answer's attention went; null where nobody asked.</summary>
    [JsonIgnore]
    public AttentionReads? Reads { get; init; }
}

/// <summary>Asks a chat client: a bar while the prompt is read, then the answer as it comes, and the figures behind it.</summary>
internal sealed class Asking
{
    private readonly IChatClient _client;
    private readonly ChatOptions _options;
    private readonly Terminal _terminal;
    private readonly bool _writesText;
    private readonly bool _tracksReads;

    /// <summary>A way to ask.</summary>
    /// <param name="client">Whom.</param>
    /// <param name="options">How.</param>
    /// <param name="terminal">Where the answer goes.</param>
    /// <param name="writesText">Whether to write the answer at all.</param>
    /// <param name="tracksReads">Whether to ask where the answer's attention went.</param>
    public Asking(IChatClient client, ChatOptions options, Terminal terminal, bool writesText, bool tracksReads = false)
    {
        _tracksReads = tracksReads;
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
        options.RawRepresentationFactory = _ => new GenerationOptions
        {
            PromptProgress = reading,
            AttentionReads = _tracksReads ? reading : null,
        };
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
            tokens > 1 ? (tokens - 1) / seconds : null)
        {
            KvBytesReadRatio = RatioOf(usage.AdditionalCounts),
            Reads = reading.Reads,
        };
    }

    private static double? RatioOf(AdditionalPropertiesDictionary<long>? counts) =>
        counts is not null && counts.TryGetValue(AttentionCounts.KvBytesFull, out long full) && full > 0
            ? (double)counts[AttentionCounts.KvBytesRead] / full
            : null;

    private sealed class ReadFraction : IProgress<PromptProgress>, IProgress<AttentionReads>
    {
        public IProgress<double>? Target { get; set; }

        public AttentionReads? Reads { get; private set; }

        public void Report(AttentionReads value) => Reads = value;

        public void Report(PromptProgress value) => Target?.Report((double)value.TokensRead / value.TotalTokens);
    }
}
