using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

public sealed class EngineLimitsTests
{
    [Fact]
    public async Task A_full_queue_refuses_the_next_request()
    {
        using ManualResetEventSlim go = new();
        ScriptedBackend backend = new() { BeforeStep = _ => go.Wait(EngineAssert.Patience) };
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { MaxBatch = 2, QueueLength = 3 }, backend);
        GenerationRequest request = new() { Prompt = [1, 2, 3], MaxOutputTokens = 4 };
        Generation[] accepted = [.. Enumerable.Range(0, 5).Select(_ => engine.Submit(request))];

        QueueFullException error = Assert.Throws<QueueFullException>(() => engine.Submit(request));
        Assert.Equal(3, error.QueueLength);
        Assert.Equal(5, engine.GetStatistics().Waiting + engine.GetStatistics().Running);

        go.Set();
        foreach (Generation generation in accepted)
            Assert.Equal(4, (await generation.ReadIdsAsync()).Count);
        Assert.Equal(4, (await engine.RunAsync([1, 2, 3], 4)).Count);
    }

    [Fact]
    public async Task A_prompt_over_the_context_is_refused_with_its_numbers()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { MaxContext = 100 });
        PromptTooLongException error = Assert.Throws<PromptTooLongException>(
            () => engine.Submit(new() { Prompt = new int[95], MaxOutputTokens = 6 }));
        Assert.Equal((95, 6, 100), (error.PromptTokens, error.RequestedOutputTokens, error.Limit));
        Assert.Contains("the context", error.Message);

        Assert.Throws<PromptTooLongException>(() => engine.Submit(new() { Prompt = new int[100] }));
        Assert.Throws<PromptTooLongException>(() => engine.Submit(new() { Prompt = [1], MaxOutputTokens = int.MaxValue }));
        Assert.Equal(5, (await engine.RunAsync(new int[95], 5)).Count);
        Assert.Single(await engine.RunAsync(new GenerationRequest { Prompt = new int[99] }));
    }

    [Fact]
    public async Task A_cache_smaller_than_the_models_context_limits_and_says_so()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(
            new EngineOptions { BlockSize = 16, KvCacheBytes = ScriptedModel.CacheBytes(4) + 17 });
        Assert.Equal(64, engine.Options.MaxContext);
        Assert.Equal(ScriptedModel.CacheBytes(4), engine.Options.KvCacheBytes);
        Assert.Equal(4, engine.GetStatistics().TotalBlocks);

        PromptTooLongException error = Assert.Throws<PromptTooLongException>(() => engine.Submit(new() { Prompt = new int[64] }));
        Assert.Equal(64, error.Limit);
        Assert.Contains("the KV cache", error.Message);
        Assert.Equal(30, (await engine.RunAsync(new GenerationRequest { Prompt = new int[34] })).Count);
    }

    [Fact]
    public void A_context_that_was_asked_for_must_fit_the_cache()
    {
        using LanguageModel model = ScriptedModel.Create();
        EngineOptions options = new() { BlockSize = 16, MaxContext = 100 };

        var tooSmall = Assert.Throws<ArgumentException>(
            () => EngineSizing.Resolve(options with { KvCacheBytes = ScriptedModel.CacheBytes(6) }, model.Config, 1 << 30));
        Assert.Contains($"needs {ScriptedModel.CacheBytes(7)} bytes", tooSmall.Message);
        var noMemory = Assert.Throws<InsufficientMemoryException>(
            () => EngineSizing.Resolve(options, model.Config, ScriptedModel.CacheBytes(7) - 1));
        Assert.Contains($"needs {ScriptedModel.CacheBytes(7)} bytes", noMemory.Message);
        Assert.Equal(100, EngineSizing.Resolve(options, model.Config, ScriptedModel.CacheBytes(7)).MaxTokens);
    }

    [Fact]
    public void The_default_cache_holds_every_context_but_at_most_the_memory_for_it()
    {
        using LanguageModel model = ScriptedModel.Create();
        EngineOptions options = new() { BlockSize = 16, MaxContext = 100, MaxBatch = 5 };

        Assert.Equal(35, EngineSizing.Resolve(options, model.Config, 1 << 30).Cache.BlockCount);
        Assert.Equal(20, EngineSizing.Resolve(options, model.Config, ScriptedModel.CacheBytes(20)).Cache.BlockCount);
    }

    public static TheoryData<string, EngineOptions> InvalidOptions => new()
    {
        { "MaxContext", new() { MaxContext = 1 } },
        { "MaxContext", new() { MaxContext = ScriptedModel.ContextLength + 1 } },
        { "MaxBatch", new() { MaxBatch = 0 } },
        { "MaxStepRows", new() { MaxBatch = 16, MaxStepRows = 15 } },
        { "BlockSize", new() { BlockSize = 24 } },
        { "BlockSize", new() { BlockSize = 8 } },
        { "KvCacheBytes", new() { KvCacheBytes = 0 } },
        { "KvCacheType", new() { KvCacheType = DType.Int8 } },
        { "QueueLength", new() { QueueLength = -1 } },
        { "RequestTimeLimit", new() { RequestTimeLimit = TimeSpan.Zero } },
        { "PrefixSharing", new() { PrefixSharing = (PrefixSharing)3 } },
    };

    [Theory]
    [MemberData(nameof(InvalidOptions))]
    public void An_invalid_option_is_refused_by_name(string name, EngineOptions options)
    {
        using LanguageModel model = ScriptedModel.Create();
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => new InferenceEngine(model, options));
        Assert.Contains(name, error.Message);
    }

    public static TheoryData<string, GenerationRequest> InvalidRequests => new()
    {
        { "Prompt", new() { Prompt = null! } },
        { "Prompt", new() { Prompt = [] } },
        { "Prompt[1]", new() { Prompt = [1, ScriptedModel.Vocabulary] } },
        { "Prompt[0]", new() { Prompt = [-1] } },
        { "StopIds[0]", new() { Prompt = [1], StopIds = [ScriptedModel.Vocabulary] } },
        { "MaxOutputTokens", new() { Prompt = [1], MaxOutputTokens = 0 } },
        { "TopLogprobs", new() { Prompt = [1], TopLogprobs = -1 } },
        { "TopLogprobs", new() { Prompt = [1], TopLogprobs = 101 } },
        { "Sampling", new() { Prompt = [1], Sampling = null! } },
        { "Temperature", new() { Prompt = [1], Sampling = new() { Temperature = float.NaN } } },
        { "Temperature", new() { Prompt = [1], Sampling = new() { Temperature = -0.1f } } },
        { "TopK", new() { Prompt = [1], Sampling = new() { TopK = -1 } } },
        { "TopP", new() { Prompt = [1], Sampling = new() { TopP = 1.1f } } },
        { "MinP", new() { Prompt = [1], Sampling = new() { MinP = float.NaN } } },
        { "RepetitionPenalty", new() { Prompt = [1], Sampling = new() { RepetitionPenalty = 0 } } },
        { "PresencePenalty", new() { Prompt = [1], Sampling = new() { PresencePenalty = float.PositiveInfinity } } },
        { "FrequencyPenalty", new() { Prompt = [1], Sampling = new() { FrequencyPenalty = float.NaN } } },
    };

    [Theory]
    [MemberData(nameof(InvalidRequests))]
    public async Task An_invalid_request_is_refused_by_name(string name, GenerationRequest request)
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions());
        var error = Assert.ThrowsAny<ArgumentException>(() => engine.Submit(request));
        Assert.Contains(name, error.Message);
        Assert.Throws<ArgumentNullException>(() => engine.Submit(null!));
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task A_warm_up_may_take_longer_than_a_request()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { RequestTimeLimit = TimeSpan.FromTicks(1) });
        await engine.WarmUpAsync(TestContext.Current.CancellationToken);
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task A_warm_up_leaves_the_engine_ready()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions());
        await engine.WarmUpAsync(TestContext.Current.CancellationToken);
        Assert.Single(await engine.RunAsync(new GenerationRequest { Prompt = [1, 2, 3], MaxOutputTokens = 1 }));
    }

    [Fact]
    public async Task A_request_over_its_time_ends_with_an_error()
    {
        ScriptedBackend backend = new() { BeforeStep = _ => Thread.Sleep(2) };
        await using InferenceEngine engine = ScriptedModel.CreateEngine(
            new EngineOptions { MaxBatch = 1, RequestTimeLimit = TimeSpan.FromMilliseconds(100) }, backend);
        GenerationRequest request = new() { Prompt = [1, 2, 3] };
        Generation running = engine.Submit(request), waiting = engine.Submit(request);

        RequestTimeLimitException error = await Assert.ThrowsAsync<RequestTimeLimitException>(() => running.ReadIdsAsync());
        Assert.Equal(TimeSpan.FromMilliseconds(100), error.Limit);
        await Assert.ThrowsAsync<RequestTimeLimitException>(() => waiting.ReadIdsAsync());
        EngineAssert.PoolIsWhole(engine);
    }
}
