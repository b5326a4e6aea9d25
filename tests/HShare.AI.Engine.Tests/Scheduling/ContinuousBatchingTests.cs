using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

public sealed class ContinuousBatchingTests
{
    [Fact]
    public async Task One_request_gives_the_models_tokens()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions());
        int[] prompt = ScriptedModel.Prompt(100, seed: 1);

        Assert.Equal(ScriptedModel.Continue(prompt, 50), await engine.RunAsync(prompt, 50));
        EngineAssert.PoolIsWhole(engine);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.8f)]
    public async Task A_request_gives_the_same_tokens_alone_and_with_15_others(float temperature)
    {
        SamplingParameters sampling = new() { Temperature = temperature, TopP = 0.9f, FrequencyPenalty = 0.1f, Seed = 42 };
        GenerationRequest request = new() { Prompt = ScriptedModel.Prompt(70, seed: 1), MaxOutputTokens = 60, Sampling = sampling };
        EngineOptions options = new() { MaxBatch = 16, MaxStepRows = 48 };
        await using InferenceEngine alone = ScriptedModel.CreateEngine(options);
        List<int> expected = await alone.RunAsync(request);
        Assert.Equal(ScriptedModel.Continue(request.Prompt, 60, sampling), expected);

        await using InferenceEngine engine = ScriptedModel.CreateEngine(options);
        List<Task<List<int>>> others = [];
        for (int i = 0; i < 15; i++)
            others.Add(engine.RunAsync(ScriptedModel.Prompt(20 + 9 * i, seed: 100 + i), 30 + i));
        Assert.Equal(expected, await engine.RunAsync(request));

        for (int i = 0; i < others.Count; i++)
            Assert.Equal(ScriptedModel.Continue(ScriptedModel.Prompt(20 + 9 * i, seed: 100 + i), 30 + i), await others[i]);
        EngineAssert.PoolIsWhole(engine);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(33)]
    [InlineData(256)]
    [InlineData(2048)]
    public async Task Chunks_of_any_size_give_the_same_tokens(int maxStepRows)
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(
            new EngineOptions { MaxBatch = Math.Min(maxStepRows, 4), MaxStepRows = maxStepRows, BlockSize = 16 });
        Task<List<int>>[] runs = [.. Enumerable.Range(0, 4).Select(i => engine.RunAsync(ScriptedModel.Prompt(150 + 16 * i, seed: i), 20))];

        for (int i = 0; i < runs.Length; i++)
            Assert.Equal(ScriptedModel.Continue(ScriptedModel.Prompt(150 + 16 * i, seed: i), 20), await runs[i]);
    }

    [Fact]
    public async Task No_step_has_more_rows_than_allowed()
    {
        int most = 0;
        ScriptedBackend backend = new() { BeforeStep = rows => most = Math.Max(most, rows) };
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { MaxBatch = 8, MaxStepRows = 20 }, backend);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => engine.RunAsync(ScriptedModel.Prompt(90, seed: i), 15)));

        Assert.Equal(20, most);
    }

    [Fact]
    public async Task A_generation_ends_at_a_stop_id_and_reports_it()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions());
        int[] prompt = ScriptedModel.Prompt(20, seed: 3);
        List<int> free = ScriptedModel.Continue(prompt, 30);
        int stop = free[12], at = free.IndexOf(stop);

        List<GeneratedToken> tokens = await engine.Submit(new() { Prompt = prompt, StopIds = [stop] }).ReadTokensAsync();

        Assert.Equal(free.Take(at + 1), tokens.Select(token => token.Id));
        Assert.All(tokens.SkipLast(1), token => Assert.Null(token.End));
        Assert.Equal(GenerationEnd.Stop, tokens[^1].End);
    }

    [Fact]
    public async Task Without_an_output_limit_the_context_ends_a_generation()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { MaxContext = 50 });
        int[] prompt = ScriptedModel.Prompt(20, seed: 3);
        List<GeneratedToken> tokens = await engine.Submit(new() { Prompt = prompt }).ReadTokensAsync();

        Assert.Equal(ScriptedModel.Continue(prompt, 30), tokens.Select(token => token.Id));
        Assert.Equal(GenerationEnd.Length, tokens[^1].End);
    }

    [Fact]
    public async Task Tokens_can_be_read_once_only()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions());
        Generation generation = engine.Submit(new() { Prompt = [1, 2, 3], MaxOutputTokens = 2 });
        await generation.ReadIdsAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(() => generation.ReadIdsAsync());
    }

    [Fact]
    public async Task A_stream_can_be_read_once_only()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions());
        Generation generation = engine.Submit(new() { Prompt = [1, 2, 3], MaxOutputTokens = 2 });
        IAsyncEnumerable<GeneratedToken> stream = generation.ReadAllAsync(TestContext.Current.CancellationToken);
        Assert.Equal(2, await CountAsync());

        await Assert.ThrowsAsync<InvalidOperationException>(CountAsync);

        async Task<int> CountAsync()
        {
            int count = 0;
            await foreach (GeneratedToken token in stream)
                count++;
            return count;
        }
    }

    [Fact]
    public async Task Log_probabilities_are_the_models_own()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions());
        SamplingParameters sampling = new() { Temperature = 2, TopK = 5, PresencePenalty = 1, Seed = 5 };
        int[] prompt = ScriptedModel.Prompt(20, seed: 3);
        List<GeneratedToken> tokens = await engine.Submit(
            new() { Prompt = prompt, MaxOutputTokens = 10, Sampling = sampling, TopLogprobs = 3 }).ReadTokensAsync();

        Assert.Equal(ScriptedModel.Continue(prompt, 10, sampling), tokens.Select(token => token.Id));
        for (int i = 0; i < tokens.Count; i++)
        {
            TokenLogprobs logprobs = tokens[i].Logprobs!;
            int greedy = ScriptedModel.Continue([.. prompt, .. tokens.Take(i).Select(token => token.Id)], 1)[0];
            Assert.Equal(3, logprobs.Top.Count);
            Assert.Equal(greedy, logprobs.Top[0].Id);
            Assert.True(logprobs.Top[0].Logprob >= logprobs.Top[1].Logprob && logprobs.Top[1].Logprob >= logprobs.Top[2].Logprob);
            Assert.InRange(logprobs.Logprob, -9, logprobs.Top[0].Logprob);
        }
    }
}
