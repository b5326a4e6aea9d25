using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>What sparse requests take from the prefix cache and leave in it, and requests with a given continuation.</summary>
public sealed class SparsePrefixTests : IDisposable
{
    private static readonly EngineOptions Options = new() { MaxContext = 512, MaxBatch = 2, BlockSize = 16 };

    private readonly SparsePresets _presets = new();

    public void Dispose() => _presets.Dispose();

    [Fact]
    public async Task What_a_sparse_answer_computed_is_nobody_elses()
    {
        AttentionPreset[] presets = _presets.All(80);
        await using InferenceEngine engine = SparsePresets.Create(presets, Options);
        foreach (AttentionPreset preset in new[] { AttentionPreset.Full, presets[1], presets[6] })
        {
            GenerationRequest question = SparsePresets.Request(103, 26, preset, seed: preset == AttentionPreset.Full ? 1 : 2);
            List<(int Id, float)> answer = await SparsePresets.RunAsync(engine, question);
            Generation next = engine.Submit(
                question with { MaxOutputTokens = 1, Prompt = [.. question.Prompt, .. answer.Select(token => token.Id), 300] });
            await next.ReadIdsAsync();

            // 103 tokens of the prompt fill 6 blocks; with the answer, all but its last token, 128 fill 8.
            Assert.Equal(preset == AttentionPreset.Full ? 128 : 96, next.CachedPromptTokens);
        }
    }

    [Fact]
    public async Task A_sparse_request_takes_cached_prompts_and_gives_the_same_tokens()
    {
        AttentionPreset[] presets = _presets.All(80);
        await using InferenceEngine cold = SparsePresets.Create(presets, Options with { PrefixSharing = PrefixSharing.Off });
        await using InferenceEngine warm = SparsePresets.Create(presets, Options);
        await SparsePresets.RunAsync(warm, SparsePresets.Request(150, 2, AttentionPreset.Full));
        foreach (AttentionPreset preset in presets)
        {
            GenerationRequest request = SparsePresets.Request(150, 8, preset);
            Generation generation = warm.Submit(request);
            Assert.Equal(await SparsePresets.RunAsync(cold, request), await SparsePresets.ReadAsync(generation));

            // H2O must see how every prompt token was attended to.
            Assert.Equal(preset.Retriever == Retriever.Accumulated ? 0 : 144, generation.CachedPromptTokens);
        }
    }

    [Fact]
    public async Task Given_tokens_are_reported_with_the_probability_that_the_model_gave_them()
    {
        AttentionPreset[] presets = [AttentionPreset.Full, .. _presets.All(80)];
        await using InferenceEngine engine = SparsePresets.Create(presets, Options);
        GenerationRequest request = SparsePresets.Request(120, 6);
        int[] given = SparsePresets.Prompt(4, seed: 9);
        List<(int Id, float Logprob)> tokens = await SparsePresets.RunAsync(engine, request with { Continuation = given });
        Assert.Equal(given, tokens.Take(4).Select(token => token.Id));
        Assert.Equal(6, tokens.Count);
        for (int i = 0; i < given.Length; i++)
        {
            List<(int, float)> alone = await SparsePresets.RunAsync(
                engine, request with { Prompt = [.. request.Prompt, .. given[..i]], MaxOutputTokens = 1, Continuation = [given[i]] });
            Assert.Equal([tokens[i]], alone);
        }

        // A sparse answer that is given back to the model again gets the very same probabilities.
        foreach (AttentionPreset preset in presets[1..])
        {
            List<(int Id, float)> drawn = await SparsePresets.RunAsync(engine, request with { Attention = preset });
            Assert.Equal(drawn, await SparsePresets.RunAsync(engine, request with
            {
                Attention = preset,
                Continuation = [.. drawn.Select(token => token.Id)],
            }));
        }
    }

    [Fact]
    public async Task A_continuation_that_does_not_fit_or_is_not_in_the_vocabulary_is_refused()
    {
        await using InferenceEngine engine = SparsePresets.Create(Options);
        GenerationRequest request = SparsePresets.Request(510, 1);
        Assert.Throws<PromptTooLongException>(
            () => engine.Submit(request with { Continuation = [300, 300, 300], MaxOutputTokens = null }));
        Assert.Throws<ArgumentException>("Continuation", () => engine.Submit(request with { Continuation = [300, 300] }));
        ArgumentException error =
            Assert.Throws<ArgumentOutOfRangeException>(() => engine.Submit(request with { Continuation = [1, 8192] }));
        Assert.Contains("Continuation[1]", error.Message);
    }

    [Fact]
    public async Task Attention_is_tracked_through_a_preemption()
    {
        AttentionPreset[] presets = [AttentionPreset.Full, .. _presets.All(80)[1..]];
        EngineOptions options = new() { MaxContext = 192, MaxBatch = 4, BlockSize = 16, TracksReads = true };
        GenerationRequest[] requests = [.. presets[1..4].Append(presets[0])
            .Select((preset, i) => SparsePresets.Request(70, 60, preset, seed: i) with { TracksReads = true })];
        await using InferenceEngine roomy = SparsePresets.Create(presets, options);
        await using InferenceEngine tight = SparsePresets.Create(presets, options with { KvCacheBytes = roomy.Options.KvCacheBytes / 3 });
        Generation[][] generations = [[.. requests.Select(roomy.Submit)], [.. requests.Select(tight.Submit)]];
        foreach (Generation generation in generations.SelectMany(each => each))
            await generation.ReadIdsAsync();

        Assert.True(tight.GetStatistics().Preemptions > 0);
        for (int i = 0; i < requests.Length; i++)
            Assert.True(
                generations[0][i].ReadsMass!.SequenceEqual(generations[1][i].ReadsMass!), $"{requests[i].Attention} tracks otherwise.");
    }

    [Fact]
    public async Task Attention_of_every_step_adds_up_to_one_for_each_head()
    {
        AttentionPreset[] presets = [AttentionPreset.Full, .. _presets.All(80)[1..]];
        await using InferenceEngine engine = SparsePresets.Create(presets, Options with { TracksReads = true, MaxBatch = 8 });
        Generation[] generations = [.. presets.Select((preset, i) =>
            engine.Submit(SparsePresets.Request(100 + i, 11, preset, seed: i) with { TracksReads = true }))];
        for (int i = 0; i < generations.Length; i++)
        {
            await generations[i].ReadIdsAsync();
            IReadOnlyList<float> mass = generations[i].ReadsMass!;
            Assert.Equal(100 + i + 10, mass.Count); // the last token is not read
            Assert.Equal(10 * SparsePresets.Layers * SparsePresets.KvHeads, mass.Sum(), 0.01);
            Assert.All(mass, value => Assert.True(value >= 0));
            Assert.True(mass[^1] > 0);
        }

        Generation untracked = engine.Submit(SparsePresets.Request(100, 5));
        await untracked.ReadIdsAsync();
        Assert.Null(untracked.ReadsMass);
    }
}
