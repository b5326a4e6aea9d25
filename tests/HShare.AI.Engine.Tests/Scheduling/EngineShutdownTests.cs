using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

public sealed class EngineShutdownTests
{
    private static readonly GenerationRequest Endless = new() { Prompt = [1, 2, 3] };
    private readonly ScriptedBackend _backend = new() { BeforeStep = _ => Thread.Sleep(1) };

    [Fact]
    public async Task Stopping_lets_running_and_waiting_requests_finish()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { MaxBatch = 2 }, _backend);
        Generation[] generations = [.. Enumerable.Range(0, 5).Select(_ => engine.Submit(Endless with { MaxOutputTokens = 20 }))];
        Task stop = engine.StopAsync(Timeout.InfiniteTimeSpan);

        Assert.Throws<EngineStoppedException>(() => engine.Submit(Endless));
        await stop.InTime();
        foreach (Generation generation in generations)
            Assert.Equal(20, (await generation.ReadIdsAsync()).Count);
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task Stopping_ends_what_is_left_after_the_limit()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { MaxBatch = 2 }, _backend);
        Generation shortOne = engine.Submit(Endless with { MaxOutputTokens = 3 });
        Generation[] endless = [.. Enumerable.Range(0, 3).Select(_ => engine.Submit(Endless))];
        await engine.StopAsync(TimeSpan.FromMilliseconds(500)).InTime();

        Assert.Equal(3, (await shortOne.ReadIdsAsync()).Count);
        foreach (Generation generation in endless)
            await Assert.ThrowsAsync<EngineStoppedException>(() => generation.ReadIdsAsync());
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task Disposing_stops_at_once_and_frees_the_model()
    {
        InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { MaxBatch = 1 }, _backend);
        Generation running = engine.Submit(Endless), waiting = engine.Submit(Endless);
        Task draining = engine.StopAsync(TimeSpan.FromMinutes(10));
        await engine.DisposeAsync();
        await engine.DisposeAsync();

        Assert.True(_backend.IsDisposed);
        await draining.InTime();
        await Assert.ThrowsAsync<EngineStoppedException>(() => running.ReadIdsAsync());
        await Assert.ThrowsAsync<EngineStoppedException>(() => waiting.ReadIdsAsync());
        await running.DisposeAsync();
        Assert.Throws<EngineStoppedException>(() => engine.Submit(Endless));
    }

    [Theory]
    [InlineData(1)] // most requests have not reached the owner thread yet
    [InlineData(10)]
    public async Task A_failing_backend_fails_every_request_and_never_hangs(int failingStep)
    {
        InvalidOperationException cause = new("the device is gone");
        using ManualResetEventSlim go = new();
        ScriptedBackend backend = new();
        backend.BeforeStep = _ => _ = !go.Wait(EngineAssert.Patience) || backend.Steps == failingStep ? throw cause : 0;
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { MaxBatch = 2 }, backend);
        Generation[] generations = [.. Enumerable.Range(0, 5).Select(_ => engine.Submit(Endless))];
        go.Set();

        foreach (Generation generation in generations)
        {
            var error = await Assert.ThrowsAsync<EngineStoppedException>(() => generation.ReadIdsAsync());
            Assert.Same(cause, error.InnerException);
            Assert.Contains("the device is gone", error.Message);
        }

        await engine.StopAsync(Timeout.InfiniteTimeSpan).InTime();
        Assert.Same(cause, Assert.Throws<EngineStoppedException>(() => engine.Submit(Endless)).InnerException);
        Assert.Same(cause, engine.Failure);
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task Requests_racing_with_a_stop_never_hang()
    {
        for (int round = 0; round < 20; round++)
        {
            InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { QueueLength = 1000 });
            Task[] callers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                try
                {
                    while (true)
                        await engine.RunAsync([1, 2, 3], 3);
                }
                catch (EngineStoppedException)
                {
                }
            }))];
            await Task.Delay(round % 5, TestContext.Current.CancellationToken);
            await engine.DisposeAsync();
            await Task.WhenAll(callers).InTime();
            EngineAssert.PoolIsWhole(engine);
        }
    }
}
