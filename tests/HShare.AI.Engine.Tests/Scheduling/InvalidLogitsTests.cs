using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>Logits that hold no number end the request they belong to, and nobody else's.</summary>
public sealed class InvalidLogitsTests
{
    private const int SpoiledPosition = 100;

    private readonly ScriptedBackend _backend = new() { SpoiledPosition = SpoiledPosition };

    [Fact]
    public async Task Only_the_request_with_invalid_logits_fails()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { BlockSize = 16 }, _backend);
        int[] prompt = ScriptedModel.Prompt(90, seed: 1), neighbourPrompt = ScriptedModel.Prompt(20, seed: 2);
        Generation failing = engine.Submit(new() { Prompt = prompt, MaxOutputTokens = 50, TopLogprobs = 2 });
        Generation neighbour = engine.Submit(new() { Prompt = neighbourPrompt, MaxOutputTokens = 60 });

        List<int> received = [];
        await Assert.ThrowsAsync<InvalidLogitsException>(async () =>
        {
            await foreach (GeneratedToken token in failing.ReadAllAsync(TestContext.Current.CancellationToken))
                received.Add(token.Id);
        }).InTime();
        Assert.Equal(ScriptedModel.Continue(prompt, SpoiledPosition - prompt.Length + 1), received);
        Assert.Equal(ScriptedModel.Continue(neighbourPrompt, 60), await neighbour.ReadIdsAsync());
        Assert.Null(engine.Failure);
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task Its_keys_and_values_are_found_by_nobody()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { BlockSize = 16 }, _backend);
        int[] prompt = ScriptedModel.Prompt(90, seed: 1);
        await Assert.ThrowsAsync<InvalidLogitsException>(() => engine.RunAsync(prompt, 50));
        Assert.Equal(0, engine.GetStatistics().CachedBlocks);

        Generation again = engine.Submit(new() { Prompt = prompt, MaxOutputTokens = 5 });
        Assert.Equal(ScriptedModel.Continue(prompt, 5), await again.ReadIdsAsync());
        Assert.Equal(0, again.CachedPromptTokens);
    }
}
