using System.Numerics;
using System.Text;
using System.Text.Json;
using HShare.AI.Engine.Sampling.Constraints;

namespace HShare.AI.Engine.Tests.Sampling.Constraints;

/// <summary>Texts through grammars, byte by byte, and texts out of grammars, token by token.</summary>
internal static class ConstraintRun
{
    /// <summary>Every byte, and some pieces of JSON, of words and of characters cut in two.</summary>
    public static TokenTrie Bytes { get; } = new(
    [
        .. Enumerable.Range(0, 256).Select(value => new ReadOnlyMemory<byte>([(byte)value])),
        .. ((string[])
            [
                "{\"", "\": ", "\": \"", "\", \"", "\"}", "}, {", "[[", "]]", "true", "null", " \"", "12", "-", "0.", "é", "日本",
                "ab", "\\n", "\\u00",
            ])
            .Select(text => new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes(text))),
        new byte[] { (byte)'a', 0xC3 },
        new byte[] { 0xA9, (byte)'"' },
        new byte[] { 0xF0, 0x9F },
    ]);

    /// <summary>The token that ends texts of <see cref="Bytes"/>.</summary>
    public static int EndOfText => Bytes.VocabularySize;

    public static Grammar Compile(string schema) => Grammar.Compile(new GrammarPart.Json(JsonElement.Parse(schema)));

    public static bool Accepts(string schema, string text) => Accepts(Compile(schema), text);

    public static bool Accepts(Grammar grammar, string text)
    {
        var matcher = new GrammarMatcher(grammar);
        return matcher.Step(matcher.Start, Encoding.UTF8.GetBytes(text)).IsComplete;
    }

    /// <summary>
    /// Draws tokens at random among those that are allowed until the text ends; null where it is longer than the limit. The longer the
    /// text, the likelier are the tokens that close something.
    /// </summary>
    public static string? Draw(TokenGrammar grammar, TokenTrie vocabulary, int endOfText, Random random, int limit)
    {
        var constraint = new TokenConstraint(grammar, [endOfText]);
        List<byte> text = [];
        for (int i = 0; i < limit; i++)
        {
            uint[] allowed = constraint.Allowed();
            List<int> ids = [];
            for (int word = 0; word < allowed.Length; word++)
            {
                for (uint bits = allowed[word]; bits != 0; bits &= bits - 1)
                    ids.Add((word << 5) + BitOperations.TrailingZeroCount(bits));
            }

            Assert.True(ids.Count > 0, $"No token may follow '{Encoding.UTF8.GetString([.. text])}'.");
            int id = Pick(ids, vocabulary, endOfText, random, random.Next(40) < i);
            if (id == endOfText)
                return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString([.. text]);
            text.AddRange(vocabulary.BytesOf(id));
            constraint.Advance(id);
        }

        return null;
    }

    private static int Pick(List<int> ids, TokenTrie vocabulary, int endOfText, Random random, bool close)
    {
        if (close)
        {
            if (ids.Contains(endOfText))
                return endOfText;
            List<int> closing = ids.FindAll(id => vocabulary.BytesOf(id) is [(byte)'"' or (byte)'}' or (byte)']', ..]);
            if (closing.Count > 0)
                return closing[random.Next(closing.Count)];
        }

        return ids[random.Next(ids.Count)];
    }
}
