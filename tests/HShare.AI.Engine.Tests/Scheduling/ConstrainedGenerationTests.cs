using System.Text;
using System.Text.Json;
using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Sampling.Constraints;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>Constraints through the whole engine: the scripted model would write anything.</summary>
public sealed class ConstrainedGenerationTests
{
    private const string Characters = "{}[]\":, abcdefghijklmnopqrstuvwxyz0123456789-.";
    private const int End = 60;

    private static readonly TokenTrie Vocabulary = Trie(Characters);

    [Fact]
    public async Task Preempted_sequences_keep_to_their_constraint()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions
        {
            BlockSize = 16,
            MaxContext = 160,
            MaxBatch = 8,
            MaxStepRows = 40,
            KvCacheBytes = ScriptedModel.CacheBytes(16), // 8 sequences grow to 10 blocks each
        });
        TokenGrammar grammar = Grammar("""{"type": "string", "pattern": "^[a-c]{90}[0-9]{10}$"}""");
        GenerationRequest[] requests = [.. Enumerable.Range(0, 12).Select(i => new GenerationRequest
        {
            Prompt = ScriptedModel.Prompt(10 + 3 * i, seed: i),
            Constraint = grammar,
            StopIds = [End],
            MaxOutputTokens = 110,
            Sampling = new SamplingParameters { Temperature = i % 3, TopK = i % 2 * 5, Seed = i, RepetitionPenalty = 1.1f },
        })];
        Generation[] generations = [.. requests.Select(engine.Submit)];
        foreach (Generation generation in generations)
        {
            List<int> ids = await generation.ReadIdsAsync();
            Assert.Equal(103, ids.Count);
            Assert.Equal(End, ids[^1]);
            Assert.Matches("^\"[a-c]{90}[0-9]{10}\"$", string.Concat(ids.SkipLast(1).Select(id => Characters[id])));
        }

        Assert.True(engine.GetStatistics().Preemptions > 0);
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task The_output_limit_cuts_the_text_and_says_so()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions());
        TokenGrammar grammar = Grammar("""{"minLength": 50}""");
        Generation generation = engine.Submit(new() { Prompt = [1, 2], Constraint = grammar, StopIds = [End], MaxOutputTokens = 9 });
        List<GeneratedToken> tokens = [];
        await foreach (GeneratedToken token in generation.ReadAllAsync(TestContext.Current.CancellationToken))
            tokens.Add(token);
        Assert.Equal(9, tokens.Count);
        Assert.Equal(GenerationEnd.Length, tokens[^1].End);
    }

    [Fact]
    public async Task A_vocabulary_that_cannot_go_on_is_an_error_of_that_request_alone()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { BlockSize = 16 });
        Generation stuck = engine.Submit(new() { Prompt = [1, 2], Constraint = Grammar("""{"const": "abcé"}"""), StopIds = [End] });
        Generation neighbour = engine.Submit(new() { Prompt = [3, 4], MaxOutputTokens = 30 });
        var error = await Assert.ThrowsAsync<ConstraintException>(() => stuck.ReadIdsAsync()).InTime();
        Assert.Equal(4, error.GeneratedTokens);
        Assert.Equal(ScriptedModel.Continue([3, 4], 30), await neighbour.ReadIdsAsync());
        EngineAssert.PoolIsWhole(engine);
    }

    [Fact]
    public async Task A_constraint_needs_a_token_to_end_with()
    {
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions());
        Assert.Throws<ArgumentException>(() => engine.Submit(new() { Prompt = [1], Constraint = Grammar("true") }));
    }

    private static TokenGrammar Grammar(string schema) =>
        new(HShare.AI.Engine.Sampling.Constraints.Grammar.Compile(new GrammarPart.Json(JsonElement.Parse(schema))), Vocabulary);

    private static TokenTrie Trie(string characters) =>
        new([.. characters.Select(character => new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes($"{character}")))]);
}
