using HShare.AI.Engine.Scheduling;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests;

/// <summary>Many callers at once, and callers that change their mind, on the bundled model.</summary>
[Collection(nameof(TinyClient))]
public class ConcurrencyTests(TinyClient tiny)
{
    private readonly HShareChatClient _client = tiny.Client;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sixteen_callers_get_the_answers_they_get_alone()
    {
        ChatMessage[] questions = [.. Enumerable.Range(0, 16).Select(i => TinyClient.Ask($"What happened in the year {1900 + i}?"))];
        List<string> alone = [];
        foreach (ChatMessage question in questions)
            alone.Add((await _client.GetResponseAsync([question], Options(alone.Count), TestToken)).Text);

        ChatResponse[] together = await Task.WhenAll(
            questions.Select((question, i) => Task.Run(() => _client.GetResponseAsync([question], Options(i), TestToken), TestToken)));
        Assert.Equal(alone, together.Select(response => response.Text));
        Assert.Equal(16, together.Select(response => response.Messages[0].MessageId).Distinct().Count());
        await tiny.AssertIdleAsync();

        static ChatOptions Options(int i)
        {
            ChatOptions options = TinyClient.Tokens(4 + i);
            if (i % 2 == 1)
                (options.Temperature, options.Seed) = (0.8f, i);
            return options;
        }
    }

    [Fact]
    public async Task A_request_cancelled_before_it_starts_does_nothing()
    {
        long prefilled = tiny.Engine.GetStatistics().PrefillTokens;
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _client.GetResponseAsync("Never read.", cancellationToken: cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate update in _client.GetStreamingResponseAsync("Never read.", cancellationToken: cancelled))
                Assert.Fail($"An update came: {update.Text}");
        });
        await tiny.AssertIdleAsync();
        Assert.Equal(prefilled, tiny.Engine.GetStatistics().PrefillTokens);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cancelling_while_it_answers_gives_the_cache_back(bool throughTheEnumerator)
    {
        using var cancel = new CancellationTokenSource();
        IAsyncEnumerable<ChatResponseUpdate> updates = _client.GetStreamingResponseAsync(
            [TinyClient.Ask("Tell me all.")], TinyClient.Tokens(1000), throughTheEnumerator ? default : cancel.Token);
        int count = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in updates.WithCancellation(throughTheEnumerator ? cancel.Token : default))
            {
                if (++count == 3)
                    await cancel.CancelAsync();
            }
        });
        Assert.InRange(count, 3, 900);
        await tiny.AssertIdleAsync();
    }

    [Fact]
    public async Task Leaving_the_loop_early_gives_the_cache_back()
    {
        for (int updatesToTake = 1; updatesToTake <= 4; updatesToTake++)
        {
            int count = 0;
            ChatMessage[] question = [TinyClient.Ask("Tell me all.")];
            await foreach (ChatResponseUpdate _ in _client.GetStreamingResponseAsync(question, TinyClient.Tokens(1000), TestToken))
            {
                if (++count == updatesToTake)
                    break;
            }

            await tiny.AssertIdleAsync();
        }
    }

    [Fact]
    public async Task A_full_queue_is_a_typed_error()
    {
        await using HShareChatClient client = await HShareChatClient.CreateAsync(
            new HShareOptions
            {
                Backend = HShareBackend.Cpu,
                MaxContext = 1024,
                KvCacheMegabytes = 16,
                MaxBatch = 1,
                QueueLength = 1,
                Threads = 1,
            },
            cancellationToken: TestToken);
        using var cancel = new CancellationTokenSource();
        Task<ChatResponse>[] requests =
            [.. Enumerable.Range(0, 4).Select(_ => client.GetResponseAsync("Hello", TinyClient.Tokens(900), cancel.Token))];
        Task<ChatResponse> refused = await Task.WhenAny(requests);
        await Assert.ThrowsAsync<Engine.QueueFullException>(() => refused);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => Task.WhenAll(requests));
        EngineStatistics statistics = client.GetRequiredService<InferenceEngine>().GetStatistics();
        Assert.Equal(0, statistics.Waiting);
    }

    [Fact]
    public async Task A_request_over_its_time_limit_is_a_typed_error()
    {
        await using HShareChatClient client = await HShareChatClient.CreateAsync(
            new HShareOptions
            {
                Backend = HShareBackend.Cpu,
                KvCacheMegabytes = 96,
                Threads = 1,
                RequestTimeLimit = TimeSpan.FromMilliseconds(50),
            },
            cancellationToken: TestToken);
        await Assert.ThrowsAsync<Engine.RequestTimeLimitException>(
            () => client.GetResponseAsync("Hello", TinyClient.Tokens(7000), TestToken));
    }
}
