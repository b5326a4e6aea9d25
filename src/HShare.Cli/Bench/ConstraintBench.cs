using System.Diagnostics;
using System.Numerics;
using System.Text.Json;
using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Sampling.Constraints;
using HShare.AI.Engine.Tokenization;

namespace HShare.Cli.Bench;

/// <summary>What constrained decoding costs with one schema.</summary>
/// <param name="Schema">Which one.</param>
/// <param name="CompileMilliseconds">Making the grammar.</param>
/// <param name="Tokens">Tokens that were written.</param>
/// <param name="Computed">For how many of them the mask had to be computed, the first time.</param>
/// <param name="ComputedMilliseconds">The mean of these, with the step before.</param>
/// <param name="SlowestMilliseconds">The slowest of these.</param>
/// <param name="RememberedMicroseconds">The mean over all tokens when the same texts are written again.</param>
internal sealed record ConstraintFigure(
    string Schema,
    double CompileMilliseconds,
    int Tokens,
    int Computed,
    double ComputedMilliseconds,
    double SlowestMilliseconds,
    double RememberedMicroseconds);

/// <summary>What <c>hshare bench constraints</c> found.</summary>
/// <param name="Model">Whose vocabulary.</param>
/// <param name="VocabularySize">Its tokens.</param>
/// <param name="TrieMilliseconds">Making the tree of its tokens, once for a model.</param>
/// <param name="MaskedDrawMicroseconds">Drawing a greedy token from logits of that size with a mask.</param>
/// <param name="FreeDrawMicroseconds">The same without one.</param>
/// <param name="Figures">By schema.</param>
internal sealed record ConstraintReport(
    string Model,
    int VocabularySize,
    double TrieMilliseconds,
    double MaskedDrawMicroseconds,
    double FreeDrawMicroseconds,
    IReadOnlyList<ConstraintFigure> Figures);

/// <summary>
/// Measures the masks of constrained decoding: random texts of some schemas over a model's vocabulary, once and once more.
/// </summary>
internal sealed class ConstraintBench(string model, Tokenizer tokenizer, CancellationToken cancellationToken)
{
    private const int Texts = 8;
    private const int MostTokens = 200;

    private static readonly (string Name, string Schema)[] Schemas =
    [
        ("any object", """{"type": "object"}"""),
        ("record", """
            {"properties": {"name": {"type": "string", "maxLength": 60}, "age": {"type": "integer", "minimum": 0, "maximum": 130},
             "email": {"format": "email"}, "tags": {"type": "array", "items": {"enum": ["new", "old", "lost", "found"]}, "maxItems": 5},
             "address": {"properties": {"street": {"type": "string"}, "zip": {"pattern": "^[0-9]{5}$"}}, "required": ["street", "zip"]}},
             "required": ["name", "age", "address"]}
            """),
        ("recursive tree", """
            {"properties": {"value": {"type": "number"}, "children": {"items": {"$ref": "#"}, "maxItems": 3}}, "required": ["value"]}
            """),
        ("1,000 values", $$"""{"enum": [{{string.Join(',', Enumerable.Range(0, 1000).Select(i => $"\"item {i * 7919 % 10007}\""))}}]}"""),
        ("text", """{"type": "string", "maxLength": 5000}"""),
    ];

    /// <summary>Measures every schema.</summary>
    /// <param name="progress">Told the share that is done.</param>
    public ConstraintReport Measure(IProgress<double> progress)
    {
        long start = Stopwatch.GetTimestamp();
        var vocabulary = TokenTrie.Of(tokenizer);
        double trie = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        List<ConstraintFigure> figures = [];
        foreach ((string name, string schema) in Schemas)
        {
            MeasureSchema(name, schema, vocabulary); // once for the just-in-time compiler
            figures.Add(MeasureSchema(name, schema, vocabulary));
            progress.Report((double)figures.Count / Schemas.Length);
        }

        var random = new Random(1);
        uint[] mask = [.. Enumerable.Range(0, (vocabulary.VocabularySize + 31) / 32).Select(_ => (uint)random.NextInt64())];
        return new ConstraintReport(
            model, vocabulary.VocabularySize, trie, Draw(vocabulary.VocabularySize, mask), Draw(vocabulary.VocabularySize, null), figures);
    }

    private ConstraintFigure MeasureSchema(string name, string schema, TokenTrie vocabulary)
    {
        long start = Stopwatch.GetTimestamp();
        var grammar = Grammar.Compile(new GrammarPart.Json(JsonElement.Parse(schema)));
        double compile = Stopwatch.GetElapsedTime(start).TotalMilliseconds;

        var tokens = new TokenGrammar(grammar, vocabulary);
        Write(tokens, vocabulary, out List<double> computed);
        List<double> remembered = Write(tokens, vocabulary, out _);
        return new ConstraintFigure(
            name, compile, remembered.Count, computed.Count, computed.Average(), computed.Max(), remembered.Average() * 1e3);
    }

    /// <summary>Writes random texts, and returns the milliseconds of each token's step and mask.</summary>
    /// <param name="grammar">Of what.</param>
    /// <param name="vocabulary">Of which tokens.</param>
    /// <param name="computed">Those of masks that were not known before.</param>
    private List<double> Write(TokenGrammar grammar, TokenTrie vocabulary, out List<double> computed)
    {
        List<double> all = [];
        computed = [];
        for (int text = 0; text < Texts; text++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var random = new Random(text);
            (GrammarState state, int token) = (grammar.Start, -1);
            for (int i = 0; i < MostTokens; i++)
            {
                long start = Stopwatch.GetTimestamp();
                if (token >= 0)
                    state = grammar.Step(state, token);
                bool isKnown = state.Mask is not null;
                uint[] mask = grammar.MaskOf(state);
                all.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                if (!isKnown)
                    computed.Add(all[^1]);
                if (mask.AsSpan().IndexOfAnyExcept(0u) < 0)
                    break; // complete
                token = Pick(mask, random);
            }
        }

        return all;
    }

    private static int Pick(uint[] mask, Random random)
    {
        int left = random.Next(mask.Sum(BitOperations.PopCount));
        for (int word = 0; ; word++)
        {
            int count = BitOperations.PopCount(mask[word]);
            if (left >= count)
            {
                left -= count;
                continue;
            }

            uint bits = mask[word];
            for (; left > 0; left--)
                bits &= bits - 1;
            return (word << 5) + BitOperations.TrailingZeroCount(bits);
        }
    }

    private double Draw(int size, uint[]? mask)
    {
        var logits = new float[size];
        var random = new Random(2);
        var row = new SamplingRow(SamplingParameters.Greedy, 0, null, mask);
        return Measurement.Of(
            () =>
            {
                for (int i = 0; i < size; i += 97)
                    logits[i] = random.NextSingle();
                long start = Stopwatch.GetTimestamp();
                Sampler.Sample(logits, row);
                return Stopwatch.GetElapsedTime(start).TotalSeconds;
            },
            cancellationToken).Seconds * 1e6;
    }
}
