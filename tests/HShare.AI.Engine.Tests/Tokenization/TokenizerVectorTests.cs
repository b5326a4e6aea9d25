using System.Text.Json;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.Engine.Tests.Tokenization;

/// <summary>Other implementations' ids for the tokenizers at hand: equal ids, and equal decoded text where there is one.</summary>
public class TokenizerVectorTests
{
    [Theory]
    [InlineData("llama-spm", "llama2")]
    [InlineData("phi-3", "phi-3-mini")]
    [InlineData("llama-bpe", "llama-3.1")]
    [InlineData("qwen2", "qwen2.5")]
    [InlineData("qwen2", "qwen3")]
    [InlineData("deepseek-r1-qwen", "qwen2.5")]
    [InlineData("gpt-2", "gpt2")]
    public void Llama_cpp_vectors_give_equal_ids(string vector, string tokenizerName)
    {
        string inputs = File.ReadAllText(TestFiles.Shared("assets", "tokenizer-vectors", "llama.cpp", $"ggml-vocab-{vector}.gguf.inp"));
        string[] outputs = File.ReadAllLines(TestFiles.Shared("assets", "tokenizer-vectors", "llama.cpp", $"ggml-vocab-{vector}.gguf.out"));
        string[] texts = inputs.Split("\n__ggml_vocab_test__\n")[..^1];
        Tokenizer tokenizer = tokenizerName == "gpt2" ? KnownTokenizers.Gpt2 : KnownTokenizers.Shared(tokenizerName);

        Assert.Equal(46, texts.Length);
        Assert.Equal(46, outputs.Length);
        for (int i = 0; i < texts.Length; i++)
        {
            int[] expected = [.. outputs[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
            Assert.Equal(expected, tokenizer.EncodeWithSpecialTokens(texts[i]));
        }
    }

    // Not every model of these vectors has its tokenizer here; TinyLLama-v0, for one, has a vocabulary of its own, not Llama 2's.
    [Theory]
    [InlineData("gpt2", "Xenova/gpt2", 26)]
    [InlineData("gpt2", "openai-community/gpt2", 26)]
    [InlineData("llama", "Xenova/llama-tokenizer", 37)]
    [InlineData("llama", "Xenova/llama3-tokenizer", 37)]
    [InlineData("llama", "Xenova/llama3-tokenizer-new", 37)]
    [InlineData("qwen2", "Xenova/Qwen1.5-0.5B-Chat", 25)]
    public void Transformers_js_vectors_give_equal_ids_and_text(string family, string model, int cases)
    {
        string path = TestFiles.Shared("assets", "tokenizer-vectors", "transformers.js", "tokenization.vectors.json");
        using JsonDocument vectors = JsonDocument.Parse(File.ReadAllBytes(path));
        int run = 0;
        foreach (JsonProperty vector in vectors.RootElement.GetProperty(family).GetProperty("models").GetProperty(model).EnumerateObject())
        {
            string text = vector.Value.GetProperty("text").GetString()!;
            Tokenizer tokenizer = TokenizerOf(model, text);
            IReadOnlyList<int> ids = tokenizer.EncodeWithSpecialTokens(text);

            // llama3-tokenizer was published before the begin of text became part of its file.
            if (model != "Xenova/llama3-tokenizer")
                ids = tokenizer.AddSpecialTokens(ids);
            Assert.Equal(Numbers(vector.Value.GetProperty("ids")), ids);

            string decoded = tokenizer.Decode(ids);
            Assert.Equal(vector.Value.GetProperty("decoded").GetString(), CleansUp(model) ? CleanUp(decoded) : decoded);
            run++;
        }

        Assert.Equal(cases, run);
    }

    [Fact]
    public void Bundled_models_golden_ids_and_texts_are_equal()
    {
        using JsonDocument golden =
            JsonDocument.Parse(File.ReadAllBytes(TestFiles.Shared("assets", "hshare-tiny", "golden", "tok_golden.json")));
        Tokenizer tokenizer = KnownTokenizers.Tiny;
        int run = 0;
        foreach (JsonElement vector in golden.RootElement.EnumerateArray())
        {
            int[] expected = Numbers(vector.GetProperty("ids"));
            Assert.Equal(expected, tokenizer.EncodeWithSpecialTokens(vector.GetProperty("text").GetString()!));
            Assert.Equal(vector.GetProperty("decoded").GetString(), tokenizer.Decode(expected));
            Assert.Equal(vector.GetProperty("decoded_skip_special").GetString(), tokenizer.Decode(expected, skipSpecialTokens: true));
            run++;
        }

        Assert.Equal(63, run);
    }

    [Fact]
    public void Stories260K_decodes_its_expected_ids_and_encodes_them_again()
    {
        using JsonDocument greedy =
            JsonDocument.Parse(File.ReadAllBytes(TestFiles.Shared("assets", "models", "stories260K-hf", "expected_greedy.json")));
        int[] ids = Numbers(greedy.RootElement.GetProperty("greedy_ids"));
        Tokenizer tokenizer = KnownTokenizers.Stories260K;

        string text = tokenizer.Decode(ids, skipSpecialTokens: true);

        Assert.Equal(200, ids.Length); // the begin of sequence and 199 more
        Assert.StartsWith("Once upon a time, there was a", text);
        Assert.Equal(ids, tokenizer.AddSpecialTokens(tokenizer.Encode(text)));
    }

    private static Tokenizer TokenizerOf(string model, string text) => model switch
    {
        "Xenova/llama-tokenizer" => text.Contains('\u00A0') ? KnownTokenizers.Llama2Restored : KnownTokenizers.Shared("llama2"),
        "Xenova/Qwen1.5-0.5B-Chat" => KnownTokenizers.Shared("qwen2.5"),
        "Xenova/llama3-tokenizer" or "Xenova/llama3-tokenizer-new" => KnownTokenizers.Shared("llama-3.1"),
        _ => KnownTokenizers.Gpt2,
    };

    // clean_up_tokenization_spaces of tokenizer_config.json: a step behind decoding, which changes texts and so is no part of the engine.
    private static bool CleansUp(string model) => model.Contains("llama3") || model.Contains("gpt2");

    private static string CleanUp(string text) => text.Replace(" .", ".").Replace(" ?", "?").Replace(" !", "!").Replace(" ,", ",")
        .Replace(" ' ", "'").Replace(" n't", "n't").Replace(" 'm", "'m").Replace(" 's", "'s").Replace(" 've", "'ve").Replace(" 're", "'re");

    private static int[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetInt32())];
}
