using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

public sealed class CancellationTests
{
    private static readonly GenerationRequest Endless = new() { Prompt = ScriptedModel.Prompt(20, seed: 1) };

    [Theory]
    [InlineData(PrefixSharing.Shared)]
    [InlineData(PrefixSharing.Off)]
    public async Task After_500_mixed_requests_the_pool_is_whole(PrefixSharing sharing)
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions
        {
            BlockSize = 16,
            MaxContext = 320,
            MaxBatch = 8,
            MaxStepRows = 64,
            QueueLength = 500,
            KvCacheBytes = ScriptedModel.CacheBytes(40),
            PrefixSharing = sharing,
        });
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => Task.Run(() => UseAsync(engine, i)))).InTime();

        EngineAssert.PoolIsWhole(engine);
        int[] prompt = ScriptedModel.Prompt(200, seed: 0);
        Assert.Equal(ScriptedModel.Continue(prompt, 100), await engine.RunAsync(prompt, 100));
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task A_waiting_request_can_be_cancelled()
    {
        using ManualResetEventSlim go = new();
        ScriptedBackend backend = new() { BeforeStep = _ => go.Wait(EngineAssert.Patience) };
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { MaxBatch = 1 }, backend);
        Generation running = engine.Submit(Endless with { MaxOutputTokens = 50 });
        Generation waiting = engine.Submit(Endless);
        using CancellationTokenSource cancellation = new();
        Task<int> reading = CountAsync(waiting, cancellation.Token);
        await cancellation.CancelAsync();
        go.Set();

        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal(cancellation.Token, error.CancellationToken);
        Assert.Equal(0, waiting.PrefilledTokens);
        Assert.Equal(50, (await running.ReadIdsAsync()).Count);
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task A_prompt_can_be_cancelled_between_chunks()
    {
        using SemaphoreSlim steps = new(0);
        ScriptedBackend backend = new() { BeforeStep = _ => steps.Wait(EngineAssert.Patience) };
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { MaxBatch = 1, MaxStepRows = 16 }, backend);
        Generation generation = engine.Submit(new() { Prompt = ScriptedModel.Prompt(500, seed: 1), MaxOutputTokens = 5 });
        steps.Release(3);
        await EngineAssert.Until(() => backend.Steps == 4);

        ValueTask disposal = generation.DisposeAsync();
        Assert.False(disposal.IsCompleted); // the fourth step still runs on its blocks
        steps.Release(1000);
        await disposal.AsTask().InTime();
        Assert.Equal(64, generation.PrefilledTokens);
        Assert.Equal(4, backend.Steps);
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task Leaving_the_loop_gives_the_blocks_back()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions());
        int count = 0;
        await foreach (GeneratedToken token in engine.Submit(Endless).ReadAllAsync(TestContext.Current.CancellationToken))
        {
            if (++count == 10)
                break;
        }

        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task A_cancelled_token_ends_a_request_whose_reader_is_busy()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions());
        using CancellationTokenSource cancellation = new();
        await using IAsyncEnumerator<GeneratedToken> reader =
            engine.Submit(Endless).ReadAllAsync(cancellation.Token).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await reader.MoveNextAsync());
        await cancellation.CancelAsync();

        await EngineAssert.Until(() => engine.GetStatistics().Running == 0);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reader.MoveNextAsync().AsTask());
    }

    [Fact]
    public async Task A_reader_that_never_reads_holds_nobody_up()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { MaxBatch = 2 });
        Generation unread = engine.Submit(Endless);
        Assert.Equal(300, (await engine.RunAsync(ScriptedModel.Prompt(9, seed: 2), 300)).Count);

        await EngineAssert.Until(() => engine.GetStatistics().Running == 0);
        EngineAssert.PoolIsWhole(engine);
        Assert.Equal(ScriptedModel.ContextLength - 20, (await unread.ReadIdsAsync()).Count);
    }

    [Fact]
    public async Task Disposing_ends_a_reader_elsewhere_with_an_error()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(
            new EngineOptions(), new ScriptedBackend { BeforeStep = _ => Thread.Sleep(1) });
        Generation generation = engine.Submit(Endless);
        Task<int> reading = CountAsync(generation, TestContext.Current.CancellationToken);
        await generation.DisposeAsync();
        await generation.DisposeAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        EngineAssert.PoolIsWhole(engine);
    }

    private static async Task<int> CountAsync(Generation generation, CancellationToken cancellationToken)
    {
        int count = 0;
        await foreach (GeneratedToken token in generation.ReadAllAsync(cancellationToken))
            count++;
        return count;
    }

    /// <summary>Submits a request of some length on one of a few documents and ends it in one of five ways.</summary>
    private static async Task UseAsync(InferenceEngine engine, int seed)
    {
        Random random = new(seed);
        int[] prompt = [.. ScriptedModel.Prompt(random.Next(1, 200), seed % 5), .. ScriptedModel.Prompt(random.Next(1, 20), seed)];
        int output = random.Next(1, 80), stopAfter = random.Next(0, 40);
        Generation generation = engine.Submit(new GenerationRequest { Prompt = prompt, MaxOutputTokens = output });
        using CancellationTokenSource cancellation = new();
        List<int> ids = [];
        switch (seed % 5)
        {
            case 0: // to the end
                ids = await generation.ReadIdsAsync();
                Assert.Equal(output, ids.Count);
                break;

            case 1: // broken out of
                await foreach (GeneratedToken token in generation.ReadAllAsync(TestContext.Current.CancellationToken))
                {
                    ids.Add(token.Id);
                    if (ids.Count > stopAfter)
                        break;
                }

                break;

            case 2: // cancelled after a while
                cancellation.CancelAfter(random.Next(0, 30));
                try
                {
                    await foreach (GeneratedToken token in generation.ReadAllAsync(cancellation.Token))
                        ids.Add(token.Id);
                }
                catch (OperationCanceledException)
                {
                }

                break;

            case 3: // disposed unread
                await Task.Delay(random.Next(0, 10), TestContext.Current.CancellationToken);
                await generation.DisposeAsync();
                break;

            case 4: // cancelled while it is read
                try
                {
                    await foreach (GeneratedToken token in generation.ReadAllAsync(cancellation.Token))
                    {
                        ids.Add(token.Id);
                        if (ids.Count > stopAfter)
                            await cancellation.CancelAsync();
                    }
                }
                catch (OperationCanceledException)
                {
                }

                break;
        }

        Assert.Equal(ScriptedModel.Continue(prompt, ids.Count), ids);
    }
}
