using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

public sealed class PrefixCacheTests
{
    private static readonly int[] Document = ScriptedModel.Prompt(600, seed: 11);

    [Fact]
    public async Task A_second_question_computes_only_itself()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { BlockSize = 16 });
        await engine.RunAsync([.. Document, 1, 2, 3], 5);
        long computed = engine.GetStatistics().PrefillTokens;

        int[] second = [.. Document, 4, 5, 6, 7];
        Generation generation = engine.Submit(new GenerationRequest { Prompt = second, MaxOutputTokens = 20 });
        Assert.Equal(ScriptedModel.Continue(second, 20), await generation.ReadIdsAsync());

        Assert.Equal(592, generation.CachedPromptTokens); // 37 full blocks
        Assert.Equal(604, generation.PrefilledTokens);
        EngineStatistics statistics = engine.GetStatistics();
        Assert.Equal(12, statistics.PrefillTokens - computed);
        Assert.Equal(592, statistics.CachedTokens);
        Assert.Equal(statistics.TotalBlocks, statistics.FreeBlocks);
        Assert.InRange(statistics.CachedBlocks, 37, 45);
    }

    [Fact]
    public async Task The_last_prompt_token_is_always_computed()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { BlockSize = 16 });
        int[] prompt = Document[..64];
        List<int> first = await engine.RunAsync(prompt, 3);

        Generation again = engine.Submit(new GenerationRequest { Prompt = prompt, MaxOutputTokens = 3 });
        Assert.Equal(first, await again.ReadIdsAsync());
        Assert.Equal(48, again.CachedPromptTokens);
    }

    [Fact]
    public async Task A_follow_up_finds_the_answer_before_it()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { BlockSize = 16 });
        int[] question = Document[..100];
        List<int> answer = await engine.RunAsync(question, 100);

        int[] followUp = [.. question, .. answer, 1, 2, 3];
        Generation generation = engine.Submit(new GenerationRequest { Prompt = followUp, MaxOutputTokens = 10 });
        Assert.Equal(ScriptedModel.Continue(followUp, 10), await generation.ReadIdsAsync());
        Assert.Equal(192, generation.CachedPromptTokens); // the last generated token was never computed
    }

    [Fact]
    public async Task Questions_at_the_same_time_read_their_document_once()
    {
        using ManualResetEventSlim go = new();
        ScriptedBackend backend = new() { BeforeStep = _ => go.Wait(EngineAssert.Patience) };
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { BlockSize = 16, MaxStepRows = 64 }, backend);
        int[][] prompts = [.. Enumerable.Range(0, 8).Select(i => (int[])[.. Document, i, i + 1, i + 2])];
        Generation[] generations = [.. prompts.Select(p => engine.Submit(new GenerationRequest { Prompt = p, MaxOutputTokens = 10 }))];
        go.Set();

        for (int i = 0; i < prompts.Length; i++)
            Assert.Equal(ScriptedModel.Continue(prompts[i], 10), await generations[i].ReadIdsAsync());
        Assert.InRange(engine.GetStatistics().PrefillTokens, 603, 603 + 7 * 11);
        Assert.All(generations[1..], generation => Assert.Equal(592, generation.CachedPromptTokens));
        EngineAssert.PoolIsWhole(engine);
    }

    [Theory]
    [InlineData(PrefixSharing.Shared, null, null, 592)]
    [InlineData(PrefixSharing.Shared, "a", "b", 592)]
    [InlineData(PrefixSharing.PerKey, "a", "a", 592)]
    [InlineData(PrefixSharing.PerKey, "a", "b", 0)]
    [InlineData(PrefixSharing.PerKey, null, null, 0)]
    [InlineData(PrefixSharing.PerKey, "a", null, 0)]
    [InlineData(PrefixSharing.PerKey, null, "", 0)]
    [InlineData(PrefixSharing.Off, "a", "a", 0)]
    public async Task Sharing_is_as_wide_as_the_option_says(PrefixSharing sharing, string? firstKey, string? secondKey, int cached)
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { BlockSize = 16, PrefixSharing = sharing });
        int[] prompt = [.. Document, 1];
        List<int> expected = await engine.RunAsync(prompt, 5, firstKey);

        Generation second = engine.Submit(new GenerationRequest { Prompt = prompt, MaxOutputTokens = 5, CacheKey = secondKey });
        Assert.Equal(expected, await second.ReadIdsAsync());
        Assert.Equal(cached, second.CachedPromptTokens);
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task The_longest_unused_prefix_goes_first_and_from_its_end()
    {
        // Room for 12 blocks; each request leaves 4 full ones behind, and the fourth needs 2 of those.
        await using InferenceEngine engine = ScriptedModel.CreateEngine(
            new EngineOptions { BlockSize = 16, MaxContext = 80, KvCacheBytes = ScriptedModel.CacheBytes(12) });
        int[][] prompts = [.. Enumerable.Range(0, 4).Select(i => ScriptedModel.Prompt(65, seed: i))];
        for (int i = 0; i < 2; i++)
            await engine.RunAsync(prompts[i], 1);
        await engine.RunAsync(prompts[0], 1); // used again: now the second is the oldest
        await engine.RunAsync(prompts[2], 1);

        Assert.Equal(64, await CachedAsync(prompts[0]));
        Assert.Equal(48, await CachedAsync(prompts[1]));

        async Task<int> CachedAsync(int[] prompt)
        {
            Generation generation = engine.Submit(new GenerationRequest { Prompt = prompt, MaxOutputTokens = 1 });
            await generation.ReadIdsAsync();
            return generation.CachedPromptTokens;
        }
    }
}
