using System.Text.RegularExpressions;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.Engine.Tests.Tokenization;

/// <summary>Parts of tokenizers on small vocabularies of their own.</summary>
public class TokenizerPartsTests
{
    [Theory]
    [InlineData("Removed", "a|b|c")]
    [InlineData("Isolated", "a|-|-|b|-|c")]
    [InlineData("MergedWithPrevious", "a-|-|b-|c")]
    [InlineData("MergedWithNext", "a|-|-b|-c")]
    [InlineData("Contiguous", "a|--|b|-|c")]
    public void Splitting_treats_matches_as_the_behavior_says(string behavior, string expected)
    {
        SplitPreTokenizer split = new(CodePointPattern.Literal("-"), Enum.Parse<SplitBehavior>(behavior), invert: false);
        Assert.Equal(expected, Words(split, "a--b-c"));
    }

    [Fact]
    public void Inverted_splitting_keeps_what_matches()
    {
        SplitPreTokenizer split = new(CodePointPattern.Of(new Regex("[a-z]+")), SplitBehavior.Removed, invert: true);
        Assert.Equal("ab|cd", Words(split, "ab--cd!"));
    }

    [Theory]
    [InlineData("𝔘𝔫𝔦 𝟙𝟚 😀😀!", "𝔘𝔫𝔦| 𝟙𝟚| 😀😀!")]
    [InlineData("𠀀a1", "𠀀a|1")]
    public void Characters_beyond_the_basic_plane_split_by_their_category(string text, string expected)
    {
        SplitPreTokenizer split = new(CodePointPattern.Of(WordPatterns.Gpt2Regex()), SplitBehavior.Isolated, invert: false);
        Assert.Equal(expected, Words(split, text));
    }

    // Expected: Python's unicodedata.normalize("NFC", …).
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("e\u0301", "\u00E9")]
    [InlineData("e\u0323\u0302", "\u1EC7")]
    [InlineData("e\u0302\u0323", "\u1EC7")]
    [InlineData("\u212B\u2126", "\u00C5\u03A9")]
    [InlineData("\u1112\u1161\u11AB\u1100\u1173\u11AF", "\uD55C\uAE00")]
    [InlineData("\uAC00\u11A8", "\uAC01")]
    [InlineData("\u0958\uFB1D", "\u0915\u093C\u05D9\u05B4")]
    [InlineData("\U0001D15E", "\U0001D157\U0001D165")]
    [InlineData("\U00011099\U000110BA", "\U0001109A")]
    [InlineData("a\u0315\u0300\u05AE\u0300b", "\u00E0\u05AE\u0300\u0315b")]
    [InlineData("日本語 한국어", "日本語 한국어")]
    public void Texts_are_composed_without_help_from_the_platform(string text, string expected) =>
        Assert.Equal(expected, CanonicalComposition.Compose(text));

    [Fact]
    public void Qwen_composes_before_encoding()
    {
        Tokenizer tokenizer = KnownTokenizers.Shared("qwen2.5");
        Assert.Equal(tokenizer.Encode("caf\u00E9"), tokenizer.Encode("cafe\u0301"));
        Assert.Equal("<|im_end|>", tokenizer.Decode(tokenizer.Encode("<|im_end|>")));
        Assert.DoesNotContain(tokenizer.Encode("<|im_end|>"), tokenizer.IsSpecial);
    }

    [Fact]
    public void Added_tokens_swallow_white_space_and_stand_alone_as_marked()
    {
        Tokenizer tokenizer = Small(addedTokens: """
            {"id": 10, "content": "[L]", "lstrip": true}, {"id": 11, "content": "[R]", "rstrip": true, "special": true},
            {"id": 12, "content": "ab", "single_word": true}, {"id": 13, "content": "[L][L]"}
            """);

        Assert.Equal([0, 10, 11, 1], tokenizer.EncodeWithSpecialTokens("a \n[L][R]  b"));
        Assert.Equal([12, 3, 0, 1, 0, 3, 12], tokenizer.Encode("ab aba ab"));
        Assert.Equal([13, 0], tokenizer.Encode("[L][L]a"));
        Assert.DoesNotContain(11, tokenizer.Encode("[R]"));
    }

    [Fact]
    public void No_merge_makes_a_special_token()
    {
        Tokenizer tokenizer = Small("""{"id": 4, "content": "aa", "special": true, "normalized": true}""", merges: "[\"a a\"]");
        Assert.Equal([4], tokenizer.EncodeWithSpecialTokens("aa"));
        Assert.Equal([0, 0], tokenizer.Encode("aa"));
    }

    [Fact]
    public void Special_tokens_of_the_normalised_text_are_meant_only_in_their_segments()
    {
        Tokenizer tokenizer = Small(
            addedTokens: """{"id": 10, "content": "a b", "special": true, "normalized": true}""",
            normalizer: """{"type": "Replace", "pattern": {"String": " "}, "content": "bb"}""");

        Assert.Equal([10], tokenizer.EncodeWithSpecialTokens("a b"));
        Assert.Equal([0, 1, 1, 1], tokenizer.Encode("a b"));
        Assert.Equal([0, 1, 1, 1, 10], tokenizer.Encode([new("a b", false), new("a b", true)]));
        Assert.Equal([10, 0, 1, 1, 1], tokenizer.Encode([new("a b", true), new("a b", false)]));
        Assert.Equal([0, 1, 1, 1], tokenizer.Encode([new("a ", true), new("b", false)]));
    }

    [Theory]
    [InlineData("first", true, "a b|a", "_ a _ b| a")]
    [InlineData("always", true, "a b|a", "_ a _ b|_ a")]
    [InlineData("never", false, "a b|a", "a _ b| a")]
    public void Metaspace_marks_as_its_scheme_says(string scheme, bool split, string text, string expected)
    {
        Tokenizer tokenizer = Small(
            addedTokens: """{"id": 10, "content": "|"}""",
            preTokenizer: $$"""
                {"type": "Metaspace", "replacement": "_", "prepend_scheme": "{{scheme}}", "split": {{(split ? "true" : "false")}}}
                """);
        string tokens = string.Join(' ', tokenizer.Encode(text).Select(tokenizer.GetToken));
        Assert.Equal(expected.Replace("|", " | ").Replace("  ", " "), tokens);
    }

    [Fact]
    public void A_character_without_a_token_is_unknown_and_unknowns_fuse_as_told()
    {
        const string Options = "\"unk_token\": \"b\", ";
        Assert.Equal([0, 1, 1, 0], Small(options: Options).Encode("axya"));
        Assert.Equal([0, 1, 0], Small(options: Options + "\"fuse_unk\": true, ").Encode("axya"));
    }

    [Fact]
    public void Post_processors_put_their_ids_around()
    {
        Assert.Equal([1, 7, 8], KnownTokenizers.Shared("llama2").AddSpecialTokens([7, 8]));
        Assert.Equal([128000, 7], KnownTokenizers.Shared("llama-3.1").AddSpecialTokens([7]));
        Assert.Equal([7], KnownTokenizers.Shared("qwen3").AddSpecialTokens([7]));
    }

    [Fact]
    public void SentencePiece_text_between_added_tokens_gets_its_own_prefix()
    {
        Tokenizer tokenizer = KnownTokenizers.Shared("phi-3-mini");
        int end = tokenizer.FindToken("<|end|>")!.Value;
        int user = tokenizer.FindToken("<|user|>")!.Value;
        int[] hello = [tokenizer.FindToken("\u2581Hello")!.Value];

        Assert.Equal([user, .. hello, end], tokenizer.EncodeWithSpecialTokens("<|user|>\nHello<|end|>\n"));
        Assert.DoesNotContain(tokenizer.Encode("<|user|>\nHello<|end|>\n"), tokenizer.IsSpecial);
    }

    [Fact]
    public void A_SentencePiece_text_is_encoded_alike_in_parts_and_as_one_word()
    {
        // 80,000 letters without a space are one word of the merging; with spaces the parts are looked up.
        Tokenizer tokenizer = KnownTokenizers.Stories260K;
        string text = string.Concat(Enumerable.Repeat("Once upon a time  there was", 3000));
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        Assert.Equal(text.Replace(" ", ""), tokenizer.Decode(tokenizer.Encode(text.Replace(" ", ""))));
    }

    private static string Words(SplitPreTokenizer split, string text)
    {
        List<ReadOnlyMemory<char>> words = [];
        split.Split(text.AsMemory(), atStart: true, words);
        return string.Join('|', words);
    }

    // a, b, _, space, and aa (4) and whatever is added.
    private static Tokenizer Small(
        string addedTokens, string merges = "[]", string normalizer = "null", string preTokenizer = "null", string options = "") =>
        KnownTokenizers.LoadText($$"""
            {
              "added_tokens": [{{addedTokens}}], "normalizer": {{normalizer}}, "pre_tokenizer": {{preTokenizer}},
              "decoder": {"type": "Fuse"},
              "model": {"type": "BPE", {{options}}"vocab": {"a": 0, "b": 1, "_": 2, " ": 3, "aa": 4}, "merges": {{merges}}}
            }
            """);

    private static Tokenizer Small(string options) => Small(addedTokens: "", options: options);
}
