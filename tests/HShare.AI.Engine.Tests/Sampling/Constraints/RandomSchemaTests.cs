using System.Text.Json;
using HShare.AI.Engine.Sampling.Constraints;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.Engine.Tests.Sampling.Constraints;

public class RandomSchemaTests
{
    private static readonly Lazy<Tokenizer> Tiny = new(() => Tokenizer.Load(Path.Combine(TestFiles.TinyModel, "tokenizer.json")));

    [Fact]
    public void Whatever_is_drawn_satisfies_the_schema()
    {
        int drawn = DrawMany(seed: 1, schemas: 1000, ConstraintRun.Bytes, ConstraintRun.EndOfText);
        Assert.True(drawn > 800, $"Only {drawn} of 1000 random schemas gave a text.");
    }

    [Fact]
    public void Whatever_is_drawn_of_a_real_vocabulary_satisfies_the_schema()
    {
        int drawn = DrawMany(seed: 2, schemas: 150, TokenTrie.Of(Tiny.Value), Tiny.Value.FindToken("<|im_end|>")!.Value);
        Assert.True(drawn > 120, $"Only {drawn} of 150 random schemas gave a text.");
    }

    [Fact]
    public void A_damaged_schema_is_never_more_than_an_error_of_the_argument()
    {
        string[] junk =
        [
            "1", "-1", "\"a\"", "null", "[]", "{}", "true", "1e400", "[1]", "[[]]", "{\"a\": 1}", "\"#/properties/a\"", "\"\\ud800\"",
            "\"(\"",
        ];
        var random = new Random(4);
        var source = new RandomSchema(random);
        int errors = 0;
        for (int i = 0; i < 3000; i++)
        {
            // A value, or a part of one, becomes something else.
            string schema = source.Next();
            int[] ends = [.. schema.Index().Where(entry => entry.Item == ':').Select(entry => entry.Index + 1)];
            int at = ends[random.Next(ends.Length)];
            int end = schema.IndexOfAny([',', '}', ']'], at);
            string damaged = schema[..at] + junk[random.Next(junk.Length)] + schema[end..];
            try
            {
                ConstraintRun.Compile(damaged);
            }
            catch (Exception error) when (error is ArgumentException or NotSupportedException or JsonException)
            {
                errors++; // a cut string or bracket is no JSON at all
            }
        }

        Assert.InRange(errors, 500, 2999);
    }

    private static int DrawMany(int seed, int schemas, TokenTrie vocabulary, int endOfText)
    {
        var random = new Random(seed);
        var source = new RandomSchema(random);
        int drawn = 0;
        for (int i = 0; i < schemas; i++)
        {
            string schema = source.Next();
            TokenGrammar grammar;
            try
            {
                grammar = new TokenGrammar(ConstraintRun.Compile(schema), vocabulary);
            }
            catch (ArgumentException error)
            {
                Assert.Contains("cannot be satisfied", error.Message, StringComparison.Ordinal); // limits contradict each other
                continue;
            }

            if (ConstraintRun.Draw(grammar, vocabulary, endOfText, random, 400) is { } text)
            {
                Assert.True(SchemaValidator.IsValid(schema, text), $"{schema}\n{text}");
                drawn++;
            }
        }

        return drawn;
    }
}
