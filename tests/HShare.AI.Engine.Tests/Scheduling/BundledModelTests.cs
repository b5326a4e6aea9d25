using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>The promises of the scheduler that need real arithmetic to be kept: the bundled model on the CPU, bit for bit.</summary>
public sealed class BundledModelTests
{
    private const int OutputTokens = 24;

    private static readonly GenerationRequest Request = new()
    {
        Prompt = Prompt(150, seed: 1),
        MaxOutputTokens = OutputTokens,
        StopIds = [],
        Sampling = new SamplingParameters { Temperature = 0.9f, TopP = 0.95f, RepetitionPenalty = 1.05f, Seed = 7 },
    };

    [Fact]
    public async Task A_request_gives_the_same_tokens_alone_and_with_15_others()
    {
        await using InferenceEngine engine = Create(new EngineOptions { MaxContext = 512, PrefixSharing = PrefixSharing.Off });
        List<int> alone = await engine.RunAsync(Request);

        Task<List<int>>[] others =
            [.. Enumerable.Range(0, 15).Select(i => engine.RunAsync(Request with { Prompt = Prompt(5 + 9 * i, i + 2) }))];
        Assert.Equal(alone, await engine.RunAsync(Request));
        await Task.WhenAll(others);
        EngineAssert.PoolIsWhole(engine);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(50)]
    public async Task Chunks_of_any_size_give_the_same_tokens(int maxStepRows)
    {
        await using InferenceEngine whole = Create(new EngineOptions { MaxContext = 512 });
        await using InferenceEngine chunked = Create(new EngineOptions { MaxContext = 512, MaxBatch = 2, MaxStepRows = maxStepRows });

        Assert.Equal(await whole.RunAsync(Request), await chunked.RunAsync(Request));
    }

    [Fact]
    public async Task A_cached_prefix_gives_the_same_tokens()
    {
        await using InferenceEngine engine = Create(new EngineOptions { MaxContext = 2048 });
        int[] document = Prompt(1200, seed: 3);
        GenerationRequest question = Request with { Prompt = [.. document, .. Prompt(12, seed: 4)] };
        List<int> cold = await engine.RunAsync(question);

        Generation warm = engine.Submit(question);
        Assert.Equal(cold, await warm.ReadIdsAsync());
        Generation other = engine.Submit(question with { Prompt = [.. document, .. Prompt(12, seed: 5)] });
        await other.ReadIdsAsync();
        Assert.Equal(1184, warm.CachedPromptTokens);
        Assert.Equal(1184, other.CachedPromptTokens);
        Assert.True(other.PromptTokens - other.CachedPromptTokens < 0.05 * other.PromptTokens);
    }

    [Fact]
    public async Task Preempted_sequences_give_the_same_tokens()
    {
        EngineOptions options = new() { MaxContext = 128, MaxBatch = 4, BlockSize = 16, PrefixSharing = PrefixSharing.Off };
        GenerationRequest[] requests =
            [.. Enumerable.Range(0, 5).Select(i => Request with { Prompt = Prompt(30 + i, i), MaxOutputTokens = 60 })];
        await using InferenceEngine roomy = Create(options, threads: 1);
        List<int>[] expected = await Task.WhenAll(requests.Select(roomy.RunAsync));
        await using InferenceEngine tight = Create(options with { KvCacheBytes = roomy.Options.KvCacheBytes / 4 }, threads: 1);
        List<int>[] actual = await Task.WhenAll(requests.Select(tight.RunAsync));

        for (int i = 0; i < requests.Length; i++)
            Assert.Equal(expected[i], actual[i]);
        Assert.Equal(0, roomy.GetStatistics().Preemptions);
        Assert.True(tight.GetStatistics().Preemptions > 0);
        EngineAssert.PoolIsWhole(tight);
    }

    private static InferenceEngine Create(EngineOptions options, int? threads = null) =>
        new(LanguageModel.Load(TestFiles.TinyModel, new CpuBackend(threads)), options);

    private static int[] Prompt(int length, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(300, 8000))];
    }
}
