using System.Text.Json.Nodes;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.Engine.Tests.Tokenization;

/// <summary>Damaged files and parts that are not supported: each is refused with an error that names it.</summary>
public class TokenizerFileTests
{
    private const string Valid = """
        {
          "added_tokens": [{"id": 3, "content": "<s>", "special": true}],
          "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]},
          "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": "a+"}, "behavior": "Isolated"},
            {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]},
          "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [3], "tokens": ["<s>"]}}},
          "decoder": {"type": "Sequence", "decoders": [
            {"type": "ByteLevel"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
          "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}
        }
        """;

    [Fact]
    public void The_file_that_the_others_vary_loads()
    {
        Tokenizer tokenizer = KnownTokenizers.LoadText(Valid);
        Assert.Equal([0, 1], tokenizer.Encode("ab"));
        Assert.Equal(4, tokenizer.VocabularySize);
    }

    [Theory]
    [InlineData("normalizer.normalizers[0].type", "\"Nmt\"", "normalizer.normalizers[0]", "Nmt")]
    [InlineData("pre_tokenizer.pretokenizers[0].type", "\"Whitespace\"", "pre_tokenizer.pretokenizers[0]", "Whitespace")]
    [InlineData("pre_tokenizer.pretokenizers[0].type", "\"ByteLevel\"", "pre_tokenizer.pretokenizers[0]", "before others")]
    [InlineData("pre_tokenizer.pretokenizers[0].behavior", "\"Sometimes\"", "pre_tokenizer.pretokenizers[0].behavior", "Sometimes")]
    [InlineData("pre_tokenizer.pretokenizers[0].pattern", "{\"Regex\": \"(\"}", "pre_tokenizer.pretokenizers[0].pattern", "(")]
    [InlineData("pre_tokenizer.pretokenizers[0].pattern", "{\"Regex\": \"[a&&b]\"}", "pre_tokenizer.pretokenizers[0].pattern", "[a&&b]")]
    [InlineData("pre_tokenizer.pretokenizers[0].pattern", "{\"Regex\": \"\\\\p{Han}+\"}", "pre_tokenizer.pretokenizers[0].pattern", "Han")]
    [InlineData("pre_tokenizer.pretokenizers[0].pattern", "{\"Regex\": \"a++\"}", "pre_tokenizer.pretokenizers[0].pattern", "a++")]
    [InlineData("post_processor.type", "\"BertProcessing\"", "post_processor", "BertProcessing")]
    [InlineData("post_processor.single", "[]", "post_processor.single", "without the text")]
    [InlineData("decoder.decoders[0].type", "\"WordPiece\"", "decoder.decoders[0]", "WordPiece")]
    [InlineData("decoder.decoders[1].type", "\"ByteFallback\"", "decoder.decoders[1]", "behind one that joins")]
    [InlineData("decoder.decoders[1].stop", "1", "decoder.decoders[1]", "no stream can do")]
    [InlineData("model.type", "\"Unigram\"", "model", "Unigram")]
    [InlineData("model.dropout", "0.1", "model.dropout", "0.1")]
    [InlineData("model.end_of_word_suffix", "\"</w>\"", "model.end_of_word_suffix", "</w>")]
    public void A_part_that_is_not_supported_is_named(string place, string value, string named, string what)
    {
        ModelLoadException error = Refused(place, value);
        Assert.Contains($"\"{named}\" is", error.Message);
        Assert.Contains(what, error.Message);
        Assert.Contains("not supported", error.Message);
    }

    [Theory]
    [InlineData("added_tokens[0].id", "2", "two tokens with the id 2")]
    [InlineData("added_tokens[0].content", "\"a\"", "added_tokens has it as 3")]
    [InlineData("added_tokens[0].id", "-1", "-1")]
    [InlineData("added_tokens[0].special", "\"yes\"", "true nor false")]
    [InlineData("model.vocab.b", "0", "two tokens with the id 0")]
    [InlineData("model.vocab.b", "-5", "-5")]
    [InlineData("model.vocab.b", "2000000000", "2000000000")]
    [InlineData("model.vocab.b", "\"x\"", "x")]
    [InlineData("model.vocab", "[]", "is Array, not Object")]
    [InlineData("model.merges", "[[\"a\", \"z\"]]", "not in the vocabulary")]
    [InlineData("model.merges", "[[\"b\", \"a\"]]", "not in the vocabulary")]
    [InlineData("model.merges", "[\"ab\"]", "not in the vocabulary")]
    [InlineData("model.merges", "[[\"a\"]]", "not a pair")]
    [InlineData("model.merges", "[7]", "is Number, not String")]
    [InlineData("model.merges", "null", "has no \"merges\"")]
    [InlineData("model.unk_token", "\"<unk>\"", "not in the vocabulary")]
    [InlineData("post_processor.special_tokens", "{}", "has no \"<s>\"")]
    [InlineData("post_processor.special_tokens", "{\"<s>\": {\"ids\": [99]}}", "not in the vocabulary")]
    [InlineData("pre_tokenizer.pretokenizers[0].pattern", "{}", "has no \"Regex\"")]
    [InlineData("decoder", "null", "has no \"decoder\"")]
    [InlineData("model", "null", "has no \"model\"")]
    [InlineData("normalizer", "7", "is Number, not Object")]
    public void Damage_is_named(string place, string value, string what)
    {
        ModelLoadException error = Refused(place, value);
        Assert.Contains(what, error.Message);
        Assert.Contains("damaged", error.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"model": {"vocab": {"\ud800": 0}, "merges": []}}""")]
    public void Text_that_is_no_tokenizer_is_refused(string json) =>
        Assert.Contains("damaged", Assert.Throws<ModelLoadException>(() => KnownTokenizers.LoadText(json)).Message);

    [Fact]
    public void A_file_that_ends_early_is_refused()
    {
        string whole = File.ReadAllText(Path.Combine(TestFiles.TinyModel, "tokenizer.json"));
        Assert.Throws<ModelLoadException>(() => KnownTokenizers.LoadText(whole[..(whole.Length / 2)]));
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        ModelLoadException error = Assert.Throws<ModelLoadException>(() => Tokenizer.Load("/no/such/tokenizer.json"));
        Assert.Equal("/no/such/tokenizer.json", error.File);
    }

    private static ModelLoadException Refused(string place, string value)
    {
        JsonNode file = JsonNode.Parse(Valid)!;
        JsonNode node = file;
        string[] steps = place.Replace("[", ".[").Split('.');
        foreach (string step in steps[..^1])
            node = step[0] == '[' ? node[int.Parse(step[1..^1])]! : node[step]!;
        node[steps[^1]] = JsonNode.Parse(value);
        return Assert.Throws<ModelLoadException>(() => KnownTokenizers.LoadText(file.ToJsonString()));
    }
}
