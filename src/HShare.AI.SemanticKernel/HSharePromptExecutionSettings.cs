using System.Text.Json.Serialization;
using HShare.AI.Engine.Attention;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;

namespace HShare.AI.SemanticKernel;

/// <summary>What one request of a kernel, a prompt function or an agent asks of a <see cref="HShareChatClient"/>.</summary>
/// <remarks>
/// <para>Semantic Kernel turns the settings into <see cref="ChatOptions"/>; what those have no property for goes into
/// <see cref="ChatOptions.AdditionalProperties"/>, under the names of <see cref="GenerationOptionKeys"/>. The names in JSON are those that
/// prompt templates use in <c>execution_settings</c>. A null setting leaves the model's default.</para>
/// <para>What is here no property can be given as <see cref="PromptExecutionSettings.ExtensionData"/>: <c>response_format</c>,
/// <c>logprobs</c>, <c>top_logprobs</c>, <c>hshare.cache_key</c>. Values are checked when the request is made; a wrong one is an
/// <see cref="ArgumentException"/> that names it.</para>
/// </remarks>
public sealed class HSharePromptExecutionSettings : PromptExecutionSettings
{
    private AttentionPreset? _attention;
    private float? _temperature;
    private float? _topP;
    private int? _topK;
    private float? _minP;
    private float? _repetitionPenalty;
    private float? _frequencyPenalty;
    private float? _presencePenalty;
    private long? _seed;
    private int? _maxTokens;
    private IList<string>? _stopSequences;

    /// <summary>
    /// How the answer attends to the cached tokens, see <see cref="GenerationOptions.Attention"/>; null = as
    /// <see cref="HShareOptions.Attention"/> says. <see cref="HShareOptions.AttentionPresets"/> names what may be asked for. In JSON a
    /// preset's text, such as <c>hshare:1/2-1-1/4,budget=512</c>.
    /// </summary>
    [JsonPropertyName(GenerationOptionKeys.Attention)]
    [JsonConverter(typeof(AttentionPresetJsonConverter))]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AttentionPreset? Attention
    {
        get => _attention;
        set => Set(ref _attention, value);
    }

    /// <summary>0 = always the most probable token; above, the higher the more random.</summary>
    [JsonPropertyName("temperature")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float? Temperature
    {
        get => _temperature;
        set => Set(ref _temperature, value);
    }

    /// <summary>Draws from the most probable tokens that together have this probability, above 0 to 1.</summary>
    [JsonPropertyName("top_p")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float? TopP
    {
        get => _topP;
        set => Set(ref _topP, value);
    }

    /// <summary>Draws from this many of the most probable tokens.</summary>
    [JsonPropertyName("top_k")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? TopK
    {
        get => _topK;
        set => Set(ref _topK, value);
    }

    /// <summary>See <see cref="GenerationOptions.MinP"/>.</summary>
    [JsonPropertyName(GenerationOptionKeys.MinP)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float? MinP
    {
        get => _minP;
        set => Set(ref _minP, value);
    }

    /// <summary>See <see cref="GenerationOptions.RepetitionPenalty"/>.</summary>
    [JsonPropertyName(GenerationOptionKeys.RepetitionPenalty)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float? RepetitionPenalty
    {
        get => _repetitionPenalty;
        set => Set(ref _repetitionPenalty, value);
    }

    /// <summary>Subtracted from a token's logit for each time the answer has it.</summary>
    [JsonPropertyName("frequency_penalty")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float? FrequencyPenalty
    {
        get => _frequencyPenalty;
        set => Set(ref _frequencyPenalty, value);
    }

    /// <summary>Subtracted once from the logit of a token that the answer has.</summary>
    [JsonPropertyName("presence_penalty")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float? PresencePenalty
    {
        get => _presencePenalty;
        set => Set(ref _presencePenalty, value);
    }

    /// <summary>Makes what is drawn repeatable.</summary>
    [JsonPropertyName("seed")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Seed
    {
        get => _seed;
        set => Set(ref _seed, value);
    }

    /// <summary>Most tokens of an answer, calls included.</summary>
    [JsonPropertyName("max_tokens")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MaxTokens
    {
        get => _maxTokens;
        set => Set(ref _maxTokens, value);
    }

    /// <summary>Texts that end the answer.</summary>
    [JsonPropertyName("stop_sequences")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IList<string>? StopSequences
    {
        get => _stopSequences;
        set => Set(ref _stopSequences, value);
    }

    /// <inheritdoc/>
    public override void Freeze()
    {
        if (!IsFrozen && _stopSequences is not null)
            _stopSequences = _stopSequences.AsReadOnly();
        base.Freeze();
    }

    /// <inheritdoc/>
    public override PromptExecutionSettings Clone() => new HSharePromptExecutionSettings
    {
        ModelId = ModelId,
        ServiceId = ServiceId,
        FunctionChoiceBehavior = FunctionChoiceBehavior,
        ExtensionData = ExtensionData is { } data ? new Dictionary<string, object>(data) : null,
        Attention = Attention,
        Temperature = Temperature,
        TopP = TopP,
        TopK = TopK,
        MinP = MinP,
        RepetitionPenalty = RepetitionPenalty,
        FrequencyPenalty = FrequencyPenalty,
        PresencePenalty = PresencePenalty,
        Seed = Seed,
        MaxTokens = MaxTokens,
        StopSequences = StopSequences is { } texts ? [.. texts] : null,
    };

    private void Set<T>(ref T field, T value)
    {
        ThrowIfFrozen();
        field = value;
    }
}
