using System.Collections.Concurrent;
using System.Diagnostics;
using HShare.AI.Engine;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests;

/// <summary>What a listener hears of requests, on the bundled model.</summary>
[Collection(nameof(TinyClient))]
public class RequestActivityTests(TinyClient tiny)
{
    private readonly HShareChatClient _client = tiny.Client;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_is_one_activity_with_its_times_and_counts()
    {
        using var heard = new Heard();
        ChatMessage question = TinyClient.Ask("Who keeps the light?");
        await _client.GetResponseAsync([question], TinyClient.Tokens(6), TestToken);
        ChatResponse response = await _client.GetResponseAsync([question], TinyClient.Tokens(6), TestToken);

        Activity activity = heard.Activities[1];
        Assert.Equal(2, heard.Activities.Count);
        Assert.Equal(("hshare.request", ActivityStatusCode.Unset), (activity.OperationName, activity.Status));
        Assert.Equal("hshare-tiny", activity.GetTagItem("hshare.model"));
        Assert.Equal((int)response.Usage!.InputTokenCount!, activity.GetTagItem("hshare.prompt.tokens"));
        Assert.Equal((int)response.Usage.CachedInputTokenCount!, activity.GetTagItem("hshare.prompt.cached_tokens"));
        Assert.True(response.Usage.CachedInputTokenCount > 0);
        Assert.Equal(6L, activity.GetTagItem("hshare.output.tokens"));
        Assert.Equal("length", activity.GetTagItem("hshare.finish_reason"));
        Assert.Null(activity.GetTagItem("hshare.cancelled"));

        double queued = Seconds(activity, "hshare.queue_time"), prefill = Seconds(activity, "hshare.prefill_time");
        double first = Seconds(activity, "hshare.time_to_first_token");
        Assert.True(queued > 0 && prefill > 0 && first < activity.Duration.TotalSeconds, $"{queued} {prefill} {first} {activity.Duration}");
        Assert.Equal(first, queued + prefill, 6);
        Assert.Equal(["hshare.prefill_started", "hshare.first_token"], activity.Events.Select(e => e.Name));
        Assert.DoesNotContain(activity.TagObjects, tag => tag.Key.StartsWith("gen_ai", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_request_that_waits_for_another_tells_how_long()
    {
        await using HShareChatClient client = await HShareChatClient.CreateAsync(
            new HShareOptions { Backend = HShareBackend.Cpu, MaxContext = 512, KvCacheMegabytes = 8, MaxBatch = 1, Threads = 2 },
            cancellationToken: TestToken);
        using var heard = new Heard();
        IAsyncEnumerator<ChatResponseUpdate> first =
            client.GetStreamingResponseAsync("Hello", TinyClient.Tokens(400), TestToken).GetAsyncEnumerator(TestToken);
        await first.MoveNextAsync(); // it runs
        Task<ChatResponse> second = client.GetResponseAsync("Hello", TinyClient.Tokens(1), TestToken);
        while (await first.MoveNextAsync())
        {
        }

        await first.DisposeAsync();
        await second;
        Activity waiting = heard.Activities.Single(activity => activity.GetTagItem("hshare.output.tokens") is 1L);
        Assert.True(Seconds(waiting, "hshare.queue_time") > Seconds(waiting, "hshare.prefill_time"));
    }

    [Fact]
    public async Task It_lies_within_the_activity_of_the_caller_and_leaves_that_current()
    {
        using var heard = new Heard();
        using var caller = new Activity("caller").Start();
        await foreach (ChatResponseUpdate _ in _client.GetStreamingResponseAsync("Hello", TinyClient.Tokens(3), TestToken))
            Assert.Same(caller, Activity.Current);
        Assert.Same(caller, Activity.Current);
        Assert.Equal(caller.Id, Assert.Single(heard.Activities).ParentId);
    }

    [Fact]
    public async Task Failures_and_cancelled_requests_are_told_apart()
    {
        using var heard = new Heard();
        string book = string.Concat(Enumerable.Repeat(TinyClient.Document, 30));
        var error = await Assert.ThrowsAsync<PromptTooLongException>(() => _client.GetResponseAsync(book, cancellationToken: TestToken));
        await foreach (ChatResponseUpdate _ in _client.GetStreamingResponseAsync("Hello", TinyClient.Tokens(500), TestToken))
            break;
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in _client.GetStreamingResponseAsync("Hello", TinyClient.Tokens(500), cancel.Token))
                await cancel.CancelAsync();
        });

        Assert.Equal(3, heard.Activities.Count);
        Activity failed = heard.Activities[0];
        Assert.Equal((ActivityStatusCode.Error, error.Message), (failed.Status, failed.StatusDescription));
        Assert.Equal(typeof(PromptTooLongException).FullName, failed.GetTagItem("error.type"));
        Assert.Null(failed.GetTagItem("hshare.cancelled"));
        foreach (Activity cancelled in heard.Activities.Skip(1))
        {
            Assert.Equal((ActivityStatusCode.Unset, (object)true), (cancelled.Status, cancelled.GetTagItem("hshare.cancelled")));
            Assert.NotNull(cancelled.GetTagItem("hshare.time_to_first_token"));
        }

        await tiny.AssertIdleAsync();
    }

    [Fact]
    public void The_source_is_not_given_out_for_middleware_takes_its_own() => Assert.Null(_client.GetService(typeof(ActivitySource)));

    private static double Seconds(Activity activity, string tag) => Assert.IsType<double>(activity.GetTagItem(tag));

    /// <summary>The finished activities of the requests that this test starts, in order.</summary>
    private sealed class Heard : IDisposable
    {
        private readonly ConcurrentQueue<Activity> _activities = new();
        private readonly Activity _test = new Activity("test").Start(); // tells this test's requests from those of others beside it
        private readonly ActivityListener _listener;

        public Heard()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == RequestActivity.SourceName,
                Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = activity =>
                {
                    if (activity.TraceId == _test.TraceId)
                        _activities.Enqueue(activity);
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public IReadOnlyList<Activity> Activities => [.. _activities];

        public void Dispose()
        {
            _listener.Dispose();
            _test.Dispose();
        }
    }
}
