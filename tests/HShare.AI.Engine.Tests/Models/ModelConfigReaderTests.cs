using System.Text;
using System.Text.Json.Nodes;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Tests.Models;

public sealed class ModelConfigReaderTests
{
    private const string Llama3Factors =
        """
        "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 8192}}
        """;

    [Theory]
    [InlineData("llama2_7b.json", 6_738_415_616)]
    [InlineData("Llama-2-7b-hf/config.json", 6_738_415_616)]
    [InlineData("llama2_70b.json", 68_976_648_192)]
    [InlineData("Meta-Llama-3-70B-Instruct/config.json", 70_553_706_496)]
    [InlineData("llama3_1_8b.json", 8_030_261_248)]
    [InlineData("llama3_1_70b.json", 70_553_706_496)]
    [InlineData("llama3_2_1b.json", 1_235_814_400)]
    [InlineData("llama3_2_3b.json", 3_212_749_824)]
    [InlineData("mistral_7b.json", 7_241_732_096)]
    [InlineData("mistral_7b_v03.json", 7_248_023_552)]
    [InlineData("Mistral-7B-Instruct-v0.2/config.json", 7_241_732_096)]
    [InlineData("qwen2_7b.json", 7_615_616_512)]
    [InlineData("qwen2.5_3b.json", 3_085_938_688)]
    [InlineData("qwen3_0.6b.json", 596_049_920)]
    [InlineData("qwen3_1.7b.json", 1_720_574_976)]
    [InlineData("smollm2_135m.json", 134_515_008)]
    [InlineData("smollm2_360m.json", 361_821_120)]
    [InlineData("tinyllama_1b_chat_v1.0.json", 1_100_048_384)]
    public void Real_configs_have_the_published_number_of_parameters(string file, long parameters)
    {
        string path = TestFiles.Shared(["assets", "configs", .. file.Split('/')]);
        ModelConfig config = ModelConfigReader.Parse(ModelJson.Read(path), null);
        Assert.Equal(parameters, CheckpointLayout.For(config).ParameterCount);
        Assert.Equal(config.LayerCount, config.SlidingWindows.Count);
        Assert.NotEmpty(config.EndOfSequenceIds);
    }

    [Fact]
    public void Every_config_of_the_test_data_is_covered()
    {
        string folder = TestFiles.Shared("assets", "configs");
        int files = Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories)
            .Count(file => Path.GetFileName(file) != "generation_config.json");
        Assert.Equal(18, files);
    }

    [Fact]
    public void Absent_keys_have_the_values_of_transformers()
    {
        ModelConfig llama = Parse("""{"architectures": ["LlamaForCausalLM"]}""");
        Assert.Equal((4096, 11008, 32, 32, 32, 128), Sizes(llama));
        Assert.Equal((32000, 2048, 1e-6f), (llama.VocabularySize, llama.ContextLength, llama.NormEpsilon));
        Assert.Equal(new RotaryConfig(10000, null), llama.Rotary);
        Assert.Equal([2], llama.EndOfSequenceIds);
        Assert.Equal(1, llama.BeginOfSequenceId);
        Assert.False(llama.TieEmbeddings || llama.QkvBias || llama.OutputBias || llama.FeedForwardBias || llama.HeadNorms);
        Assert.All(llama.SlidingWindows, window => Assert.Equal(0, window));

        ModelConfig mistral = Parse("""{"architectures": ["MistralForCausalLM"]}""");
        Assert.Equal((4096, 14336, 32, 32, 8, 128), Sizes(mistral));
        Assert.Equal(131072, mistral.ContextLength);
        Assert.All(mistral.SlidingWindows, window => Assert.Equal(4096, window));

        ModelConfig qwen2 = Parse("""{"architectures": ["Qwen2ForCausalLM"]}""");
        Assert.Equal((4096, 22016, 32, 32, 32, 128), Sizes(qwen2));
        Assert.Equal((151936, 32768), (qwen2.VocabularySize, qwen2.ContextLength));
        Assert.True(qwen2.QkvBias && !qwen2.OutputBias && !qwen2.HeadNorms);
        Assert.Empty(qwen2.EndOfSequenceIds);
        Assert.Null(qwen2.BeginOfSequenceId);

        ModelConfig qwen3 = Parse("""{"architectures": ["Qwen3ForCausalLM"], "hidden_size": 64}""");
        Assert.Equal((64, 22016, 32, 32, 32, 128), Sizes(qwen3));
        Assert.True(qwen3.HeadNorms && !qwen3.QkvBias);
    }

    [Fact]
    public void A_null_for_kv_heads_means_one_for_each_head() =>
        Assert.Equal(32, Parse("""{"architectures": ["MistralForCausalLM"], "num_key_value_heads": null}""").KvHeadCount);

    [Fact]
    public void The_model_type_stands_in_for_absent_architectures() =>
        Assert.Equal("Qwen2ForCausalLM", Parse("""{"model_type": "qwen2"}""").Architecture);

    [Fact]
    public void Llama_biases_follow_their_keys()
    {
        ModelConfig config = Parse("""{"architectures": ["LlamaForCausalLM"], "attention_bias": true, "mlp_bias": true}""");
        Assert.True(config.QkvBias && config.OutputBias && config.FeedForwardBias);
    }

    [Theory]
    [InlineData("""{"rope_theta": 500000.0}""", 500000, null)]
    [InlineData("""{"rope_theta": 1e6, "rope_scaling": null}""", 1e6, null)]
    [InlineData("""{"rope_theta": 1e6, "rope_scaling": {"type": "linear", "factor": 2}}""", 1e6, "LinearRotaryScaling { Factor = 2 }")]
    [InlineData("""{"rope_scaling": {"rope_type": "linear", "factor": 2.5}}""", 10000, "LinearRotaryScaling { Factor = 2.5 }")]
    [InlineData("""{"rope_theta": 7, "rope_scaling": {"rope_type": "default"}}""", 7, null)]
    [InlineData("""{"rope_parameters": {"rope_theta": 7, "rope_type": "default"}}""", 7, null)]
    [InlineData("""{"rope_theta": 8, "rope_parameters": {"rope_type": "default"}}""", 8, null)]
    [InlineData("""{"rope_parameters": {"rope_theta": 9, "rope_type": "linear", "factor": 4}}""", 9, "LinearRotaryScaling { Factor = 4 }")]
    [InlineData(
        """{"rope_theta": 9, "rope_parameters": {"rope_type": "linear", "factor": 4}, "rope_scaling": {"type": "linear", "factor": 4}}""",
        9, "LinearRotaryScaling { Factor = 4 }")]
    [InlineData(
        """{"rope_theta": 5, "rope_scaling": {"rope_type": "llama3", """ + Llama3Factors,
        5, "Llama3RotaryScaling { Factor = 8, LowFrequencyFactor = 1, HighFrequencyFactor = 4, OriginalContextLength = 8192 }")]
    [InlineData(
        """{"rope_parameters": {"rope_theta": 5, "rope_type": "llama3", """ + Llama3Factors,
        5, "Llama3RotaryScaling { Factor = 8, LowFrequencyFactor = 1, HighFrequencyFactor = 4, OriginalContextLength = 8192 }")]
    public void Rotary_settings_are_read_in_both_spellings(string json, double theta, string? scaling)
    {
        RotaryConfig rotary = ParseLlama(json).Rotary;
        Assert.Equal(theta, rotary.Theta);
        Assert.Equal(scaling, rotary.Scaling?.ToString());
    }

    [Theory]
    [InlineData("Qwen2", """{"sliding_window": 16, "max_window_layers": 1}""", new[] { 0, 0, 0 })]
    [InlineData("Qwen2", """{"sliding_window": 16, "max_window_layers": 1, "use_sliding_window": true}""", new[] { 0, 16, 16 })]
    [InlineData("Qwen3", """{"sliding_window": null, "max_window_layers": 0, "use_sliding_window": true}""", new[] { 0, 0, 0 })]
    [InlineData("Mistral", """{"sliding_window": 32}""", new[] { 32, 32, 32 })]
    [InlineData("Mistral", """{"sliding_window": null}""", new[] { 0, 0, 0 })]
    [InlineData(
        "Qwen3",
        """{"use_sliding_window": true, "sliding_window": 16, "layer_types": ["sliding_attention", "full_attention", "full_attention"]}""",
        new[] { 16, 0, 0 })]
    public void Sliding_windows_are_read_layer_by_layer(string architecture, string json, int[] windows)
    {
        JsonObject config = JsonNode.Parse(json)!.AsObject();
        config["architectures"] = new JsonArray($"{architecture}ForCausalLM");
        config["num_hidden_layers"] = 3;
        Assert.Equal(windows, Parse(config.ToJsonString()).SlidingWindows);
    }

    [Fact]
    public void End_ids_come_from_the_generation_config_first()
    {
        const string Config = """{"architectures": ["LlamaForCausalLM"], "eos_token_id": [3, 4]}""";
        Assert.Equal([3, 4], Parse(Config).EndOfSequenceIds);
        Assert.Equal([5, 6], Parse(Config, """{"eos_token_id": [5, 6]}""").EndOfSequenceIds);
        Assert.Equal([5], Parse(Config, """{"eos_token_id": 5}""").EndOfSequenceIds);
        Assert.Equal([3, 4], Parse(Config, """{"eos_token_id": null}""").EndOfSequenceIds);
        Assert.Equal([3, 4], Parse(Config, "{}").EndOfSequenceIds);
        Assert.Empty(Parse("""{"architectures": ["LlamaForCausalLM"], "eos_token_id": null}""").EndOfSequenceIds);
    }

    [Theory]
    [InlineData(
        """{"architectures": ["GPT2LMHeadModel"]}""",
        "GPT2LMHeadModel is not supported. Supported are LlamaForCausalLM, MistralForCausalLM, Qwen2")]
    [InlineData("""{"model_type": "mixtral"}""", "mixtral is not supported")]
    [InlineData("{}", "Neither architectures nor model_type")]
    [InlineData("""{"architectures": "LlamaForCausalLM"}""", "architectures is \"LlamaForCausalLM\"; an array was expected")]
    [InlineData("[1]", "A JSON object was expected, not an array")]
    [InlineData("{\"a\": 1, \"a\": 2}", "not valid JSON")]
    [InlineData("{", "not valid JSON")]
    public void A_config_that_is_not_a_supported_model_is_refused(string json, string message) =>
        Assert.Contains(message, Assert.Throws<ModelLoadException>(() => Parse(json)).Message);

    [Theory]
    [InlineData("""{"hidden_act": "gelu"}""", "hidden_act is \"gelu\"")]
    [InlineData("""{"quantization_config": {"quant_method": "gptq"}}""", "quantization_config (gptq) is not supported")]
    [InlineData("""{"num_local_experts": 8}""", "num_local_experts says that this is a mixture of experts")]
    [InlineData("""{"rope_scaling": {"rope_type": "yarn", "factor": 4}}""", "rope_scaling.rope_type is \"yarn\"")]
    [InlineData("""{"rope_scaling": {"type": "dynamic", "factor": 4}}""", "rope_scaling.type is \"dynamic\"")]
    [InlineData("""{"rope_parameters": {"rope_type": "longrope"}}""", "rope_parameters.rope_type is \"longrope\"")]
    [InlineData("""{"rope_scaling": {"factor": 4}}""", "rope_scaling.type is missing")]
    [InlineData("""{"rope_scaling": {"type": "linear"}}""", "rope_scaling.factor has to be given")]
    [InlineData("""{"rope_scaling": {"type": "linear", "factor": 0}}""", "rope_scaling.factor has to be given as a positive")]
    [InlineData("""{"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "default"}}""", "disagree")]
    [InlineData(
        """{"rope_parameters": {"full_attention": {"rope_type": "default"}}}""",
        "rope_parameters.full_attention has rotary settings of its own")]
    [InlineData(
        """{"rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4}}""",
        "greater than low_freq_factor")]
    [InlineData(
        """{"rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4}}""",
        "original_max_position_embeddings")]
    [InlineData("""{"rope_theta": -1}""", "rope_theta is -1")]
    [InlineData("""{"partial_rotary_factor": 0.5}""", "partial_rotary_factor is 0.5")]
    [InlineData(
        """{"num_attention_heads": 6, "hidden_size": 48, "num_key_value_heads": 4}""",
        "6, which is not a multiple of num_key_value_heads, 4")]
    [InlineData("""{"num_attention_heads": 7}""", "hidden_size is 4096, no multiple of num_attention_heads, 7")]
    [InlineData("""{"head_dim": 65}""", "head_dim is 65")]
    [InlineData("""{"head_dim": 0}""", "head_dim is 0")]
    [InlineData("""{"head_dim": 2000000000}""", "too much for 32 heads")]
    [InlineData("""{"hidden_size": 0}""", "hidden_size is 0")]
    [InlineData("""{"hidden_size": 64.5}""", "hidden_size is 64.5; a whole number was expected")]
    [InlineData("""{"num_hidden_layers": -1}""", "num_hidden_layers is -1")]
    [InlineData("""{"num_hidden_layers": 2000000000}""", "num_hidden_layers is 2000000000")]
    [InlineData("""{"intermediate_size": 2000000000}""", "intermediate_size is 2000000000")]
    [InlineData("""{"vocab_size": "many"}""", "vocab_size is \"many\"")]
    [InlineData("""{"max_position_embeddings": 0}""", "max_position_embeddings is 0")]
    [InlineData("""{"rms_norm_eps": 0}""", "rms_norm_eps is 0")]
    [InlineData("""{"eos_token_id": 32000}""", "eos_token_id is 32000")]
    [InlineData("""{"tie_word_embeddings": "yes"}""", "tie_word_embeddings is \"yes\"; true or false was expected")]
    public void What_is_not_supported_or_not_possible_is_refused_by_name(string json, string message)
    {
        ModelLoadException error = Assert.Throws<ModelLoadException>(() => ParseLlama(json));
        Assert.Equal("config.json", error.File);
        Assert.Contains(message, error.Message);
    }

    [Theory]
    [InlineData("""{"layer_types": ["full_attention"], "num_hidden_layers": 2}""", "layer_types has 1 entries for 2 layers")]
    [InlineData("""{"layer_types": ["linear_attention"], "num_hidden_layers": 1}""", "layer_types has \"linear_attention\"")]
    [InlineData("""{"layer_types": ["sliding_attention"], "num_hidden_layers": 1}""", "use_sliding_window is not true")]
    [InlineData("""{"use_sliding_window": true, "sliding_window": 0}""", "sliding_window is 0")]
    public void Windows_that_make_no_sense_are_refused(string json, string message)
    {
        JsonObject config = JsonNode.Parse(json)!.AsObject();
        config["architectures"] = new JsonArray("Qwen3ForCausalLM");
        Assert.Contains(message, Assert.Throws<ModelLoadException>(() => Parse(config.ToJsonString())).Message);
    }

    private static (int Hidden, int Intermediate, int Layers, int Heads, int KvHeads, int HeadDim) Sizes(ModelConfig config) =>
        (config.HiddenSize, config.IntermediateSize, config.LayerCount, config.HeadCount, config.KvHeadCount, config.HeadDim);

    private static ModelConfig ParseLlama(string json)
    {
        JsonObject config = JsonNode.Parse(json)!.AsObject();
        config["architectures"] = new JsonArray("LlamaForCausalLM");
        return Parse(config.ToJsonString());
    }

    private static ModelConfig Parse(string config, string? generation = null) => ModelConfigReader.Parse(
        ModelJson.Parse("config.json", Encoding.UTF8.GetBytes(config)),
        generation is null ? null : ModelJson.Parse("generation_config.json", Encoding.UTF8.GetBytes(generation)));
}
