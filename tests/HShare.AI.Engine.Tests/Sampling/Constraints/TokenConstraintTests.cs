using System.Text;
using System.Text.Json;
using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Sampling.Constraints;
using HShare.AI.Engine.Tests.Tokenization;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.Engine.Tests.Sampling.Constraints;

public class TokenConstraintTests
{
    [Fact]
    public void A_token_is_allowed_exactly_where_its_bytes_are()
    {
        string[] tokens = ["[", "]", "[]", "[1", "1", ", 1]", ", ", ",", " ", "1]x", "null", "\"", "12", "["];
        TokenTrie vocabulary = Trie(tokens);
        var grammar = new TokenGrammar(ConstraintRun.Compile("""{"type": "array", "items": {"type": "integer"}}"""), vocabulary);
        Assert.Equal(["[", "[", "[1", "[]"], Allowed(grammar.Start));
        GrammarState open = grammar.Step(grammar.Start, 3);
        Assert.Equal([",", ", ", ", 1]", "1", "12", "]"], Allowed(open));
        Assert.Equal([" ", "1", "12"], Allowed(grammar.Step(open, 7)));
        Assert.True(grammar.Step(open, 1).IsComplete);
        Assert.True(grammar.Step(open, 9).IsDead);

        IEnumerable<string> Allowed(GrammarState state) =>
            tokens.Where((_, id) => Has(grammar.MaskOf(state), id)).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void The_text_ends_where_it_is_complete_and_nowhere_else()
    {
        string[] tokens = ["1", "-", ",", "<end>"];
        var grammar = new TokenGrammar(ConstraintRun.Compile("""{"type": "integer"}"""), Trie(tokens));
        var constraint = new TokenConstraint(grammar, [0, 3, 70]); // one that is text as well, and one beyond the tokenizer
        Assert.False(Has(constraint.Allowed(), 0));
        Assert.False(Has(constraint.Allowed(), 3));
        Assert.False(Has(constraint.Allowed(), 70));
        constraint.Advance(1);
        Assert.False(constraint.IsComplete);
        constraint.Advance(0);
        Assert.True(constraint.IsComplete);
        Assert.True(Has(constraint.Allowed(), 0) && Has(constraint.Allowed(), 3) && Has(constraint.Allowed(), 70));
        Assert.False(Has(constraint.Allowed(), 2));
    }

    [Fact]
    public void A_mark_is_its_token_and_not_its_characters()
    {
        string[] tokens = ["", "<", "call", ">", "{}", "x"];
        Grammar grammar = Grammar.Compile(new GrammarPart.Sequence(
            new GrammarPart.Token(0),
            new GrammarPart.Optional(new GrammarPart.Literal("x")),
            new GrammarPart.Json(JsonElement.Parse("""{"type": "object"}"""))));
        var constrained = new TokenGrammar(grammar, Trie(tokens));
        Assert.Equal([1u], constrained.MaskOf(constrained.Start));
        Assert.Equal([1u << 4 | 1u << 5], constrained.MaskOf(constrained.Step(constrained.Start, 0)));
    }

    [Fact]
    public void Free_text_ends_with_its_ending()
    {
        Grammar grammar = Grammar.Compile(new GrammarPart.Sequence(new GrammarPart.TextUntil("aab"), new GrammarPart.Pattern("\\d{2}")));
        foreach (string text in (string[])["aab12", "xyz aab12", "aaaab12", "ab aé日\"\naab12"])
            Assert.True(ConstraintRun.Accepts(grammar, text), text);
        foreach (string text in (string[])["aab1", "aabaab12", "ab12", "aab", "12"])
            Assert.False(ConstraintRun.Accepts(grammar, text), text);
    }

    [Fact]
    public void Repeated_parts_have_their_separator_between_them()
    {
        Grammar grammar = Grammar.Compile(new GrammarPart.Repeated(
            new GrammarPart.Choice(new GrammarPart.Literal("a"), new GrammarPart.Literal("bb")), new GrammarPart.Literal("; ")));
        Assert.True(ConstraintRun.Accepts(grammar, "a"));
        Assert.True(ConstraintRun.Accepts(grammar, "a; bb; a"));
        Assert.False(ConstraintRun.Accepts(grammar, "a; "));
        Assert.False(ConstraintRun.Accepts(grammar, ""));
    }

    [Fact]
    public void Long_counts_share_their_masks_until_a_limit_is_near()
    {
        var grammar = new TokenGrammar(ConstraintRun.Compile("""{"minLength": 2000, "maxLength": 4000}"""), ConstraintRun.Bytes);
        GrammarState state = grammar.Step(grammar.Start, '"');
        List<uint[]> masks = [];
        for (int i = 0; i < 4000; i++)
        {
            masks.Add(grammar.MaskOf(state));
            Assert.Equal(i >= 2000, Has(masks[^1], '"'));
            state = grammar.Step(state, 'x');
        }

        Assert.False(Has(grammar.MaskOf(state), 'x'));
        Assert.True(masks.Distinct().Count() < 700, $"{masks.Distinct().Count()} masks");
    }

    [Fact]
    public void Characters_may_be_cut_between_tokens()
    {
        string[] expected = ["\"日", "\"é"];
        var grammar = new TokenGrammar(ConstraintRun.Compile("""{"enum": ["日", "é"]}"""), ConstraintRun.Bytes);
        foreach (string text in expected)
        {
            GrammarState state = grammar.Start;
            foreach (byte value in Encoding.UTF8.GetBytes(text))
            {
                Assert.True(Has(grammar.MaskOf(state), value));
                state = grammar.Step(state, value);
            }

            Assert.Equal([(int)'"'], Enumerable.Range(0, 256).Where(value => Has(grammar.MaskOf(state), value)));
        }
    }

    [Fact]
    public void No_added_token_of_a_tokenizer_is_ever_allowed_as_text()
    {
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(TestFiles.TinyModel, "tokenizer.json"));
        var grammar = new TokenGrammar(ConstraintRun.Compile("""{"type": "string"}"""), TokenTrie.Of(tokenizer));
        GrammarState inside = grammar.Step(grammar.Start, tokenizer.FindToken("\"")!.Value);
        uint[] mask = grammar.MaskOf(inside);
        Assert.True(Enumerable.Range(0, tokenizer.VocabularySize).Count(id => Has(mask, id)) > 6000);
        Assert.DoesNotContain(Enumerable.Range(0, tokenizer.VocabularySize), id => Has(mask, id) && tokenizer.IsAdded(id));
        Assert.Equal("<tool_call>", tokenizer.GetToken(8188));
        Assert.True(tokenizer.IsAdded(8188) && !tokenizer.IsSpecial(8188));
    }

    [Theory]
    [InlineData("llama2", true)]
    [InlineData("phi-3-mini", true)]
    [InlineData("qwen3", false)]
    public void Real_vocabularies_write_what_the_grammar_takes(string name, bool dropsFirstSpace)
    {
        Tokenizer tokenizer = KnownTokenizers.Shared(name);
        Assert.Equal(dropsFirstSpace, tokenizer.DropsFirstSpace);
        TokenTrie vocabulary = TokenTrie.Of(tokenizer);
        JsonElement schema = JsonElement.Parse(
            """{"properties": {"größe": {"type": "integer"}, "日本": {"type": "string"}}, "required": ["日本"]}""");
        var part = new GrammarPart.Sequence(new GrammarPart.Optional(new GrammarPart.Literal(" ")), new GrammarPart.Json(schema));
        var grammar = new TokenGrammar(Grammar.Compile(part), vocabulary);
        const string Text = """{"größe": 12, "日本": "naïve 😀 \n"}""";
        GrammarState state = grammar.Start;
        foreach (int id in tokenizer.Encode(Text))
        {
            Assert.True(Has(grammar.MaskOf(state), id), tokenizer.GetToken(id));
            state = grammar.Step(state, id);
        }

        Assert.True(state.IsComplete);
        for (int seed = 0; seed < 3; seed++)
        {
            string? drawn = ConstraintRun.Draw(grammar, vocabulary, vocabulary.VocabularySize, new Random(seed), 300);
            Assert.True(drawn is null || JsonElement.Parse(drawn).TryGetProperty("日本", out _));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_row_draws_allowed_tokens_only(float temperature)
    {
        var parameters = new SamplingParameters { Temperature = temperature, TopK = 3, TopP = 0.9f };
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            float[] logits = [.. Enumerable.Range(0, 77).Select(_ => random.NextSingle() * 20 - 10)];
            logits[40] = float.NaN;
            logits[41] = 1000;
            uint[] allowed = [1u << 5, 1u << 8 | 1u << 31, 0];
            int id = Sampler.Sample(logits, new SamplingRow(parameters, random.NextSingle(), null, allowed));
            Assert.True(id is 5 or 63, $"{id}"); // 40 is allowed and no number
        }
    }

    [Fact]
    public void A_row_whose_allowed_tokens_have_no_number_gives_none()
    {
        float[] logits = [1, float.NaN, 2];
        Assert.Equal(Sampler.NoToken, Sampler.Sample(logits, new SamplingRow(SamplingParameters.Greedy, 0, null, [0b010u])));
        Assert.Equal(Sampler.NoToken, Sampler.Sample([1, 2, 3], new SamplingRow(SamplingParameters.Greedy, 0, null, [])));
    }

    private static TokenTrie Trie(string[] tokens) =>
        new([.. tokens.Select(token => new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes(token)))]);

    private static bool Has(uint[] mask, int id) => (mask[id >> 5] >> id & 1) != 0;
}
