using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

public sealed class PreemptionTests
{
    [Theory]
    [InlineData(PrefixSharing.Shared)]
    [InlineData(PrefixSharing.Off)]
    public async Task Preempted_sequences_give_the_same_tokens(PrefixSharing sharing)
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions
        {
            BlockSize = 16,
            MaxContext = 160,
            MaxBatch = 8,
            MaxStepRows = 40,
            KvCacheBytes = ScriptedModel.CacheBytes(16), // 8 sequences grow to 10 blocks each
            PrefixSharing = sharing,
        });
        GenerationRequest[] requests = [.. Enumerable.Range(0, 12).Select(i => new GenerationRequest
        {
            Prompt = ScriptedModel.Prompt(10 + 3 * i, seed: i),
            MaxOutputTokens = 110,
            Sampling = new SamplingParameters { Temperature = i % 3 * 0.5f, Seed = i, RepetitionPenalty = 1.1f },
        })];
        Generation[] generations = [.. requests.Select(engine.Submit)];

        for (int i = 0; i < requests.Length; i++)
        {
            List<int> ids = await generations[i].ReadIdsAsync();
            Assert.Equal(ScriptedModel.Continue(requests[i].Prompt, 110, requests[i].Sampling), ids);
            Assert.Equal(requests[i].Prompt.Count, generations[i].PrefilledTokens);
            Assert.Equal(0, generations[i].CachedPromptTokens); // what a preempted sequence finds again of its own does not count
        }

        Assert.True(engine.GetStatistics().Preemptions > 0);
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task A_full_context_fits_beside_nothing_else()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions
        {
            BlockSize = 16,
            MaxContext = 160,
            MaxBatch = 4,
            MaxStepRows = 40,
            KvCacheBytes = ScriptedModel.CacheBytes(10),
        });
        Task<List<int>>[] runs = [.. Enumerable.Range(0, 6).Select(i => engine.RunAsync(ScriptedModel.Prompt(150, seed: i), 10))];

        for (int i = 0; i < runs.Length; i++)
            Assert.Equal(ScriptedModel.Continue(ScriptedModel.Prompt(150, seed: i), 10), await runs[i]);
        EngineAssert.PoolIsWhole(engine);
    }
}
