using Microsoft.Extensions.AI;

namespace HShare.AI.Tests;

/// <summary>How answers attend, as an app asks for it: by the model's recommendation, by an option, by a request.</summary>
public sealed class AttentionOptionsTests : IAsyncLifetime
{
    private HShareChatClient _client = null!;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        HShareOptions options = TinyClient.Options;
        options.AttentionPresets = ["quest:budget=128"];
        options.TracksAttention = true;
        _client = await HShareChatClient.CreateAsync(options);
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    [Fact]
    public async Task The_bundled_model_reads_sparsely_unless_told_otherwise()
    {
        (string recommended, UsageDetails usage) = await AskAsync(null);
        (string full, UsageDetails all) = await AskAsync("full");
        (string pages, UsageDetails few) = await AskAsync("quest:budget=128");

        Assert.Equal("The keeper of the lighthouse is called Tobias Ellery.", full);
        Assert.Equal([full, full], [recommended, pages]);
        Assert.Equal(1, Ratio(all));
        Assert.InRange(Ratio(usage), 0.2, 0.7);
        Assert.InRange(Ratio(few), 0.1, 0.3);
        Assert.Equal(0, all.AdditionalCounts![AttentionCounts.Refreshes]);
        Assert.Equal(few.OutputTokenCount - 1, few.AdditionalCounts![AttentionCounts.Refreshes]);
        Assert.Equal(128 * (few.OutputTokenCount - 1), few.AdditionalCounts[AttentionCounts.TokensRead]);
        Assert.True(usage.AdditionalCounts![AttentionCounts.Refreshes] <= (usage.OutputTokenCount - 1) / 2 + 1);
    }

    [Fact]
    public async Task A_preset_that_the_engine_does_not_keep_or_know_is_refused_by_name()
    {
        var notKept = await Assert.ThrowsAsync<ArgumentException>(() => AskAsync("pod:keys"));
        Assert.Contains("pod:keys", notKept.Message, StringComparison.Ordinal);
        var unknown = await Assert.ThrowsAsync<ArgumentException>(() => AskAsync("quest:budget=many"));
        Assert.Contains("budget is 'many'", unknown.Message, StringComparison.Ordinal);
        var number = await Assert.ThrowsAnyAsync<ArgumentException>(() => AskAsync(512));
        Assert.Contains(GenerationOptionKeys.Attention, number.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_attended_to_is_told_when_it_is_asked_for()
    {
        var reads = new Recorded();
        ChatOptions options = new() { RawRepresentationFactory = _ => new GenerationOptions { AttentionReads = reads } };
        ChatResponse response = await _client.GetResponseAsync([Question], options, TestToken);

        Assert.Equal(response.Usage!.InputTokenCount, reads.Value!.TokenIds.Count);
        Assert.Equal(reads.Value.TokenIds.Count, reads.Value.Mass.Count);
        double steps = response.Usage.OutputTokenCount!.Value - 1;
        Assert.InRange(reads.Value.Mass.Sum(),
            12 * 2 * steps * 0.2, 12 * 2 * steps * 1.001); // layers * KV heads; the answer's own tokens take the rest
    }

    private static ChatMessage Question
    {
        get
        {
            string filler = string.Concat(Enumerable.Range(1, 60).Select(day =>
                $"On the morning of day {day} the wind was light, and nothing was written in the book but the tide. "));
            return new ChatMessage(ChatRole.User, $"{TinyClient.Document} {filler}\n\nWhat is the keeper of the lighthouse called?");
        }
    }

    private async Task<(string Text, UsageDetails Usage)> AskAsync(object? preset)
    {
        ChatOptions options = new() { AdditionalProperties = preset is null ? null : new() { [GenerationOptionKeys.Attention] = preset } };
        ChatResponse response = await _client.GetResponseAsync([Question], options, TestToken);
        return (response.Text, response.Usage!);
    }

    private static double Ratio(UsageDetails usage) =>
        (double)usage.AdditionalCounts![AttentionCounts.KvBytesRead] / usage.AdditionalCounts[AttentionCounts.KvBytesFull];

    private sealed class Recorded : IProgress<AttentionReads>
    {
        public AttentionReads? Value { get; private set; }

        public void Report(AttentionReads value) => Value = value;
    }
}
