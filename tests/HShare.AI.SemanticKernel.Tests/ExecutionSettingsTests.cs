using System.Text.Json;
using HShare.AI.Engine.Attention;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;

namespace HShare.AI.SemanticKernel.Tests;

/// <summary>Execution settings: what becomes of them on their way to the client.</summary>
public class ExecutionSettingsTests
{
    private static HSharePromptExecutionSettings Full => new()
    {
        ServiceId = "local",
        ModelId = "hshare-tiny",
        FunctionChoiceBehavior = FunctionChoiceBehavior.None(),
        Attention = AttentionPreset.Parse("quest:budget=128"),
        Temperature = 0.5f,
        TopP = 0.9f,
        TopK = 40,
        MinP = 0.05f,
        RepetitionPenalty = 1.1f,
        FrequencyPenalty = 0.2f,
        PresencePenalty = 0.3f,
        Seed = 1L << 40,
        MaxTokens = 100,
        StopSequences = ["END"],
        ExtensionData = new Dictionary<string, object> { [GenerationOptionKeys.CacheKey] = "mine" },
    };

    [Fact]
    public void Every_setting_reaches_the_chat_options()
    {
        ChatOptions options = Full.ToChatOptions(kernel: null)!;
        Assert.Equal((0.5f, 0.9f, 40), (options.Temperature, options.TopP, options.TopK));
        Assert.Equal((0.2f, 0.3f), (options.FrequencyPenalty, options.PresencePenalty));
        Assert.Equal((1L << 40, 100, "hshare-tiny"), (options.Seed, options.MaxOutputTokens, options.ModelId));
        Assert.Equal(["END"], options.StopSequences);
        Assert.Equal(0.05, Assert.IsType<double>(options.AdditionalProperties![GenerationOptionKeys.MinP]), 6);
        Assert.Equal(1.1, Assert.IsType<double>(options.AdditionalProperties[GenerationOptionKeys.RepetitionPenalty]), 6);
        string attention = Assert.IsType<string>(options.AdditionalProperties[GenerationOptionKeys.Attention]);
        Assert.Equal(Full.Attention, AttentionPreset.Parse(attention));
        Assert.Equal("mine", options.AdditionalProperties[GenerationOptionKeys.CacheKey]);
        Assert.Equal(4, options.AdditionalProperties.Count);
    }

    [Fact]
    public void What_is_not_set_is_not_sent() =>
        Assert.Null(new HSharePromptExecutionSettings().ToChatOptions(kernel: null)!.AdditionalProperties);

    [Fact]
    public void Plain_settings_with_the_same_keys_say_the_same()
    {
        Dictionary<string, object> keys = JsonSerializer.Deserialize<Dictionary<string, object>>(JsonSerializer.Serialize(Full))!;
        foreach (string key in new[] { "service_id", "model_id", "function_choice_behavior" })
            keys.Remove(key);
        ChatOptions plain = new PromptExecutionSettings { ExtensionData = keys, ModelId = Full.ModelId }.ToChatOptions(kernel: null)!;
        Assert.Equal(JsonSerializer.Serialize(Full.ToChatOptions(kernel: null)), JsonSerializer.Serialize(plain));
    }

    [Fact]
    public void A_clone_has_every_setting_and_a_frozen_one_keeps_them()
    {
        HSharePromptExecutionSettings original = Full;
        original.Freeze();
        var clone = Assert.IsType<HSharePromptExecutionSettings>(original.Clone());
        Assert.Equal(JsonSerializer.Serialize(original), JsonSerializer.Serialize(clone));
        Assert.Same(original.FunctionChoiceBehavior, clone.FunctionChoiceBehavior);
        Assert.Throws<InvalidOperationException>(() => original.Attention = null);
        Assert.Throws<InvalidOperationException>(() => original.MinP = 0.1f);
        Assert.Throws<NotSupportedException>(() => original.StopSequences!.Add("MORE"));
        clone.Attention = AttentionPreset.Full;
        clone.StopSequences!.Add("MORE");
        Assert.Single(original.StopSequences!);
    }

    [Fact]
    public void Settings_come_from_JSON_and_a_wrong_preset_is_told()
    {
        var settings = JsonSerializer.Deserialize<HSharePromptExecutionSettings>(
            """{"hshare.attention": "hshare:1/2-1-1/4,budget=512", "min_p": 0.05, "max_tokens": 7, "logprobs": true}""")!;
        Assert.Equal(AttentionPreset.Parse("hshare:1/2-1-1/4,budget=512"), settings.Attention);
        Assert.Equal((0.05f, 7), (settings.MinP, settings.MaxTokens));
        Assert.True(settings.ExtensionData!.ContainsKey("logprobs"));
        foreach (string wrong in new[] { "\"nope\"", "\"\"", "7" })
        {
            Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<HSharePromptExecutionSettings>(
                $$"""{"hshare.attention": {{wrong}}}"""));
        }
    }
}
