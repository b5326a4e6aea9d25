using System.Text.Json.Nodes;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Scheduling;
using HShare.AI.StructuredOutput;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace HShare.AI;

/// <summary>
/// What one request asks for: a checked copy of a <see cref="ChatOptions"/> and of the <see cref="GenerationOptions"/> in it.
/// </summary>
internal sealed class RequestOptions
{
    private const int MaxTopLogprobs = 20;

    private readonly ChatOptions _chat;

    private RequestOptions(ChatOptions chat, GenerationOptions generation)
    {
        _chat = chat;
        Generation = generation;
        StopSequences = [.. chat.StopSequences ?? []];
        Tools = chat.Tools is { Count: > 0 } tools && chat.ToolMode is not NoneChatToolMode ? ToolDefinitions.From(tools) : null;
        Form = AnswerForm.Read(chat, Tools);
        if (Form is not null && generation.IgnoreEndOfSequence == true)
        {
            throw new NotSupportedException(
                "GenerationOptions.IgnoreEndOfSequence cannot be honoured: an answer in JSON, or a required call, ends where it "
                + "is complete.");
        }
    }

    /// <summary>What goes beyond <see cref="ChatOptions"/>.</summary>
    public GenerationOptions Generation { get; }

    /// <summary>Texts that end the answer.</summary>
    public IReadOnlyList<string> StopSequences { get; }

    /// <summary>System text to put before the conversation.</summary>
    public string? Instructions => _chat.Instructions;

    /// <summary>Functions that the model may call, or null where there are none, or none may be called.</summary>
    public ToolDefinitions? Tools { get; }

    /// <summary>What the answer must be; null = free text, and calls where the model likes.</summary>
    public AnswerForm? Form { get; }

    /// <summary>Whether the answer may hold several calls.</summary>
    public bool AllowsMultipleCalls => _chat.AllowMultipleToolCalls != false;

    /// <summary>Whether the model is to think first; null = as its template has it.</summary>
    public bool? Thinking => _chat.Reasoning?.Effort is { } effort ? effort != ReasoningEffort.None : null;

    /// <summary>Whether the caller wants to see what the model thinks.</summary>
    public bool ShowsReasoning => _chat.Reasoning?.Output != ReasoningOutput.None;

    /// <summary>Variables for the template: models that can think first have a switch for it.</summary>
    public JsonObject? TemplateVariables => Thinking is { } thinking ? new JsonObject { ["enable_thinking"] = thinking } : null;

    /// <summary>Alternatives to report at each token, or null where no log-probabilities are asked for.</summary>
    public int? TopLogprobs => Generation.Logprobs ?? Generation.TopLogprobs is not null ? Generation.TopLogprobs ?? 0 : null;

    /// <summary>Reads and checks the options of a request.</summary>
    /// <exception cref="NotSupportedException">An option asks for something this client does not do; the message names it.</exception>
    /// <exception cref="ArgumentException">A value is out of range; the message names it.</exception>
    public static RequestOptions Read(ChatOptions? options, IChatClient client, string modelId, ILogger logger)
    {
        if (options is null)
            return new RequestOptions(new ChatOptions(), new GenerationOptions());

        RefuseUnsupported(options);
        if (options.ModelId is { } id && id != modelId)
        {
            throw new ArgumentException(
                $"ChatOptions.ModelId is '{id}', but this client serves '{modelId}'. Leave it null, or ask the client that serves '{id}'.",
                nameof(options));
        }

        GenerationOptions generation = ReadRawRepresentation(options, client);
        generation = FillFromAdditionalProperties(generation, options.AdditionalProperties, logger);
        CheckRanges(options);
        CheckRanges(generation);
        return new RequestOptions(options.Clone(), generation);
    }

    /// <summary>What the engine is asked to do with an encoded prompt.</summary>
    public GenerationRequest ToGenerationRequest(IReadOnlyList<int> prompt, GenerationDefaults defaults) => new()
    {
        Prompt = prompt,
        MaxOutputTokens = _chat.MaxOutputTokens,
        Sampling = ToSamplingParameters(defaults),
        StopIds = Generation.IgnoreEndOfSequence == true ? [] : null,
        TopLogprobs = TopLogprobs,
        CacheKey = Generation.CacheKey,
        Attention = Generation.Attention,
        TracksReads = Generation.AttentionReads is not null,
    };

    /// <summary>
    /// Fills what was not given from the model's own defaults. A model whose defaults are greedy samples only where the caller gives a
    /// positive temperature or a filter (top-k, top-p, min-p).
    /// </summary>
    public SamplingParameters ToSamplingParameters(GenerationDefaults defaults)
    {
        bool sampling = defaults.DoSample == true || _chat.TopP is not null || _chat.TopK is not null || Generation.MinP is not null;
        float defaultTemperature = defaults.Temperature is > 0 ? defaults.Temperature.Value : 1;
        return new SamplingParameters
        {
            Temperature = _chat.Temperature ?? (sampling ? defaultTemperature : 0),
            TopK = _chat.TopK ?? defaults.TopK ?? 0,
            TopP = _chat.TopP ?? defaults.TopP ?? 1,
            MinP = Generation.MinP ?? defaults.MinP ?? 0,
            RepetitionPenalty = Generation.RepetitionPenalty ?? defaults.RepetitionPenalty ?? 1,
            PresencePenalty = _chat.PresencePenalty ?? 0,
            FrequencyPenalty = _chat.FrequencyPenalty ?? 0,
            Seed = _chat.Seed,
        };
    }

    private static void RefuseUnsupported(ChatOptions options)
    {
        Refuse(options.Reasoning?.Output is ReasoningOutput.Summary, "Reasoning.Output",
            "there is nobody to sum up what the model thinks. Use ReasoningOutput.Full, None or null.");
        Refuse(options.ConversationId is not null, nameof(options.ConversationId),
            "this client stores no conversations. Send the whole history with each request; what repeats is found in the prefix cache.");
        Refuse(options.ContinuationToken is not null, nameof(options.ContinuationToken),
            "this client has no background responses to continue. Send the request anew.");
    }

    private static void Refuse(bool refused, string property, string reason)
    {
        if (refused)
            throw new NotSupportedException($"ChatOptions.{property} cannot be honoured: {reason}");
    }

    private static GenerationOptions ReadRawRepresentation(ChatOptions options, IChatClient client) =>
        options.RawRepresentationFactory?.Invoke(client) switch
        {
            null => new GenerationOptions(),
            GenerationOptions generation => generation,
            var other => throw new NotSupportedException(
                $"ChatOptions.RawRepresentationFactory returned a {other.GetType()}. For this client return a "
                + $"{typeof(GenerationOptions)} or null."),
        };

    private static GenerationOptions FillFromAdditionalProperties(
        GenerationOptions given, AdditionalPropertiesDictionary? properties, ILogger logger)
    {
        if (properties is null)
            return given;

        foreach (string key in properties.Keys.Where(key => !GenerationOptionKeys.All.Contains(key)))
        {
            if (key.StartsWith(GenerationOptionKeys.Prefix, StringComparison.OrdinalIgnoreCase))
            {
                throw new NotSupportedException(
                    $"ChatOptions.AdditionalProperties has '{key}', which this version does not know. "
                    + $"Known keys: {string.Join(", ", GenerationOptionKeys.All.Order(StringComparer.Ordinal))}.");
            }

            logger.ForeignProperty(key);
        }

        var reader = new AdditionalPropertyReader(properties);
        return given with
        {
            MinP = given.MinP ?? reader.Single(GenerationOptionKeys.MinP),
            RepetitionPenalty = given.RepetitionPenalty ?? reader.Single(GenerationOptionKeys.RepetitionPenalty),
            Logprobs = given.Logprobs ?? reader.Boolean(GenerationOptionKeys.Logprobs),
            TopLogprobs = given.TopLogprobs ?? reader.Int32(GenerationOptionKeys.TopLogprobs),
            CacheKey = given.CacheKey ?? reader.String(GenerationOptionKeys.CacheKey),
            IgnoreEndOfSequence = given.IgnoreEndOfSequence ?? reader.Boolean(GenerationOptionKeys.IgnoreEndOfSequence),
            Attention = given.Attention
                ?? (reader.String(GenerationOptionKeys.Attention) is { } preset ? AttentionPreset.Parse(preset) : null),
        };
    }

    private static void CheckRanges(ChatOptions options)
    {
        Require(options.Temperature is null or (>= 0 and < float.PositiveInfinity), "ChatOptions.Temperature", options.Temperature,
            "0 (greedy) or a positive number");
        Require(options.TopP is null or (> 0 and <= 1), "ChatOptions.TopP", options.TopP, "above 0 and at most 1");
        Require(options.TopK is null or >= 0, "ChatOptions.TopK", options.TopK, "a positive number, or 0 for all tokens");
        Require(options.FrequencyPenalty is not { } frequency || float.IsFinite(frequency), "ChatOptions.FrequencyPenalty",
            options.FrequencyPenalty, "a finite number");
        Require(options.PresencePenalty is not { } presence || float.IsFinite(presence), "ChatOptions.PresencePenalty",
            options.PresencePenalty, "a finite number");
        Require(options.MaxOutputTokens is null or >= 1, "ChatOptions.MaxOutputTokens", options.MaxOutputTokens,
            "1 or more, or null for what the context has room for");
        if (options.StopSequences?.Any(string.IsNullOrEmpty) == true)
        {
            throw new ArgumentException(
                "ChatOptions.StopSequences holds an empty text, which would end every answer before it starts. Remove it.",
                nameof(options));
        }
    }

    private static void CheckRanges(GenerationOptions options)
    {
        Require(options.MinP is null or (>= 0 and <= 1), "GenerationOptions.MinP", options.MinP, "between 0 and 1");
        Require(options.RepetitionPenalty is null or (> 0 and < float.PositiveInfinity), "GenerationOptions.RepetitionPenalty",
            options.RepetitionPenalty, "above 0 (1 = off)");
        Require(options.TopLogprobs is null or (>= 0 and <= MaxTopLogprobs), "GenerationOptions.TopLogprobs", options.TopLogprobs,
            $"between 0 and {MaxTopLogprobs}");
        Require(options.TopLogprobs is null || options.Logprobs != false, "GenerationOptions.TopLogprobs", options.TopLogprobs,
            "null where Logprobs is false");
    }

    private static void Require(bool valid, string property, object? value, string expected)
    {
        if (!valid)
            throw new ArgumentOutOfRangeException("options", value, $"{property} must be {expected}.");
    }
}
