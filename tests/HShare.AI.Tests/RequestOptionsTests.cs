using System.Reflection;
using System.Text.Json;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Scheduling;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace HShare.AI.Tests;

public class RequestOptionsTests
{
    private static readonly GenerationDefaults GreedyModel = new(false, null, null, null, null, null);
    private static readonly GenerationDefaults SamplingModel = new(true, 0.6f, 20, 0.95f, 0.01f, 1.05f);
    private static readonly HShareOptions Unloaded = new() { ModelId = "tiny" };

    /// <summary>What becomes of each property: how a request shows that it counts, or the value that is refused.</summary>
    private static readonly Dictionary<string, Action> Properties = new()
    {
        [nameof(ChatOptions.Instructions)] = () => Assert.Equal("Be brief.", Read(new() { Instructions = "Be brief." }).Instructions),
        [nameof(ChatOptions.Temperature)] = () => Assert.Equal(0.5f, Sampling(new() { Temperature = 0.5f }).Temperature),
        [nameof(ChatOptions.TopP)] = () => Assert.Equal(0.5f, Sampling(new() { TopP = 0.5f }).TopP),
        [nameof(ChatOptions.TopK)] = () => Assert.Equal(7, Sampling(new() { TopK = 7 }).TopK),
        [nameof(ChatOptions.FrequencyPenalty)] = () => Assert.Equal(0.5f, Sampling(new() { FrequencyPenalty = 0.5f }).FrequencyPenalty),
        [nameof(ChatOptions.PresencePenalty)] = () => Assert.Equal(-0.5f, Sampling(new() { PresencePenalty = -0.5f }).PresencePenalty),
        [nameof(ChatOptions.Seed)] = () => Assert.Equal(long.MaxValue, Sampling(new() { Seed = long.MaxValue }).Seed),
        [nameof(ChatOptions.MaxOutputTokens)] = () => Assert.Equal(9, Request(new() { MaxOutputTokens = 9 }).MaxOutputTokens),
        [nameof(ChatOptions.StopSequences)] = () => Assert.Equal(["a", "b"], Read(new() { StopSequences = ["a", "b"] }).StopSequences),
        [nameof(ChatOptions.ModelId)] = () =>
        {
            Read(new() { ModelId = "tiny" });
            var error = Assert.Throws<ArgumentException>(() => Read(new() { ModelId = "other" }));
            Assert.Contains("'other'", error.Message, StringComparison.Ordinal);
        },
        [nameof(ChatOptions.Tools)] = () =>
        {
            Assert.Null(Read(new() { Tools = [] }).Tools);
            Assert.Equal(["one"], Read(new() { Tools = [AIFunctionFactory.Create(() => 1, "one")] }).Tools!.Names);
            Refused(new() { Tools = [new HostedWebSearchTool()] }, "'web_search'");
        },
        [nameof(ChatOptions.ToolMode)] = () =>
        {
            AIFunction one = AIFunctionFactory.Create(() => 1, "one");
            Assert.NotNull(Read(new() { ToolMode = ChatToolMode.Auto, Tools = [one] }).Tools);
            Assert.Null(Read(new() { ToolMode = ChatToolMode.None, Tools = [one] }).Tools);
            Assert.Null(Read(new() { ToolMode = ChatToolMode.Auto, Tools = [one] }).Form);
            Assert.Single(Read(new() { ToolMode = ChatToolMode.RequireAny, Tools = [one] }).Form!.Tools);
        },
        [nameof(ChatOptions.AllowMultipleToolCalls)] = () =>
        {
            Assert.False(Read(new() { AllowMultipleToolCalls = false }).AllowsMultipleCalls);
            Assert.True(Read(new()).AllowsMultipleCalls);
        },
        [nameof(ChatOptions.ResponseFormat)] = () =>
        {
            Read(new() { ResponseFormat = ChatResponseFormat.Text });
            Assert.Contains("JSON object", Read(new() { ResponseFormat = ChatResponseFormat.Json }).Form!.Instruction);
            Assert.Contains("JSON schema", Read(new() { ResponseFormat = ChatResponseFormat.ForJsonSchema<int[]>() }).Form!.Instruction);
        },
        [nameof(ChatOptions.Reasoning)] = () =>
        {
            Assert.False((bool?)Read(new() { Reasoning = new() { Effort = ReasoningEffort.None } }).TemplateVariables!["enable_thinking"]);
            Assert.Null(Read(new() { Reasoning = new() }).TemplateVariables);
            Assert.True((bool?)Read(new() { Reasoning = new() { Effort = ReasoningEffort.Low } }).TemplateVariables!["enable_thinking"]);
            Assert.True(Read(new() { Reasoning = new() { Output = ReasoningOutput.Full } }).ShowsReasoning);
            Assert.False(Read(new() { Reasoning = new() { Output = ReasoningOutput.None } }).ShowsReasoning);
            Refused(new() { Reasoning = new() { Output = ReasoningOutput.Summary } }, "ChatOptions.Reasoning.Output");
        },
        [nameof(ChatOptions.ConversationId)] = () => Refused(new() { ConversationId = "c" }, "ChatOptions.ConversationId"),
        [nameof(ChatOptions.AllowBackgroundResponses)] = () => Read(new() { AllowBackgroundResponses = true }),
        [nameof(ChatOptions.ContinuationToken)] = () =>
            Refused(new() { ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 }) }, "ChatOptions.ContinuationToken"),
        [nameof(ChatOptions.RawRepresentationFactory)] = () =>
        {
            Assert.Equal(0.25f, Sampling(Raw(new GenerationOptions { MinP = 0.25f })).MinP);
            Read(new() { RawRepresentationFactory = _ => null });
            Refused(new() { RawRepresentationFactory = _ => new Uri("http://localhost") }, "ChatOptions.RawRepresentationFactory");
        },
        [nameof(ChatOptions.AdditionalProperties)] = () => Assert.Equal(0.25f, Sampling(Additional("min_p", 0.25)).MinP),
    };

    public static TheoryData<string> PropertyNames =>
        [.. typeof(ChatOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name)];

    [Theory]
    [MemberData(nameof(PropertyNames))]
    public void Every_property_of_ChatOptions_works_or_is_refused_by_name(string property)
    {
        Assert.True(
            Properties.TryGetValue(property, out Action? check), $"ChatOptions.{property} is new: honour or refuse it.");
        check();
    }

    [Fact]
    public void A_model_with_greedy_defaults_is_greedy_until_asked_to_sample()
    {
        Assert.Equal(SamplingParameters.Greedy, Sampling(new ChatOptions()));
        RequestOptions none = RequestOptions.Read(null, Client(), "tiny", NullLogger.Instance);
        Assert.Equal(SamplingParameters.Greedy, none.ToSamplingParameters(GreedyModel));
        Assert.Equal(0, Sampling(new() { Seed = 1 }).Temperature);
        Assert.Equal(0.7f, Sampling(new() { Temperature = 0.7f }).Temperature);
        Assert.Equal(1, Sampling(new() { TopP = 0.9f }).Temperature);
        Assert.Equal(1, Sampling(new() { TopK = 50 }).Temperature);
        Assert.Equal(1, Sampling(Raw(new GenerationOptions { MinP = 0.1f })).Temperature);
        Assert.Equal(0, Sampling(new() { Temperature = 0, TopP = 0.9f, TopK = 50 }).Temperature);
    }

    [Fact]
    public void A_model_that_samples_by_default_gives_what_the_caller_does_not()
    {
        Assert.Equal(
            new SamplingParameters { Temperature = 0.6f, TopK = 20, TopP = 0.95f, MinP = 0.01f, RepetitionPenalty = 1.05f },
            Read(new()).ToSamplingParameters(SamplingModel));

        ChatOptions given = new() { Temperature = 0, TopK = 0, TopP = 1 };
        given.AdditionalProperties = new() { ["min_p"] = 0, ["repetition_penalty"] = 1 };
        Assert.Equal(SamplingParameters.Greedy, Read(given).ToSamplingParameters(SamplingModel));
    }

    [Theory]
    [InlineData("Temperature", -1f)]
    [InlineData("Temperature", float.NaN)]
    [InlineData("TopP", 0f)]
    [InlineData("TopP", 1.5f)]
    [InlineData("FrequencyPenalty", float.PositiveInfinity)]
    [InlineData("PresencePenalty", float.NaN)]
    [InlineData("TopK", -1)]
    [InlineData("MaxOutputTokens", 0)]
    public void Values_out_of_range_are_named(string property, object value)
    {
        var options = new ChatOptions();
        typeof(ChatOptions).GetProperty(property)!.SetValue(options, value);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => Read(options));
        Assert.Contains("ChatOptions." + property, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_stop_text_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => Read(new() { StopSequences = ["x", ""] }));
        Assert.Contains("StopSequences", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(3L)]
    [InlineData(3.0)]
    [InlineData(3f)]
    [InlineData("3")]
    public void A_whole_number_may_come_as_any_type(object value) =>
        Assert.Equal(3, Request(Additional("top_logprobs", value)).TopLogprobs);

    [Fact]
    public void Values_may_come_as_JSON()
    {
        using JsonDocument json = JsonDocument.Parse("""{"n": 3.0, "p": 0.5, "yes": true, "text": "abc", "none": null}""");
        JsonElement root = json.RootElement;
        Assert.Equal(3, Request(Additional("top_logprobs", root.GetProperty("n"))).TopLogprobs);
        Assert.Equal(0.5f, Sampling(Additional("min_p", root.GetProperty("p"))).MinP);
        Assert.Equal(0, Request(Additional("logprobs", root.GetProperty("yes"))).TopLogprobs);
        Assert.Equal("abc", Request(Additional("hshare.cache_key", root.GetProperty("text"))).CacheKey);
        Assert.Null(Request(Additional("top_logprobs", root.GetProperty("none"))).TopLogprobs);
    }

    [Theory]
    [InlineData("top_logprobs", 2.5)]
    [InlineData("top_logprobs", "2.5")]
    [InlineData("top_logprobs", true)]
    [InlineData("top_logprobs", 1e20)]
    [InlineData("top_logprobs", 21)]
    [InlineData("min_p", "much")]
    [InlineData("min_p", double.NaN)]
    [InlineData("min_p", 1.1)]
    [InlineData("repetition_penalty", 0)]
    [InlineData("logprobs", 1)]
    [InlineData("hshare.cache_key", 12)]
    [InlineData("hshare.ignore_end_of_sequence", "perhaps")]
    public void A_value_that_makes_no_sense_is_refused(string key, object value) =>
        Assert.ThrowsAny<ArgumentException>(() => Read(Additional(key, value)));

    [Fact]
    public void Logprobs_and_their_number_go_together()
    {
        Assert.Null(Request(new()).TopLogprobs);
        Assert.Equal(0, Request(Raw(new GenerationOptions { Logprobs = true })).TopLogprobs);
        Assert.Equal(5, Request(Raw(new GenerationOptions { TopLogprobs = 5 })).TopLogprobs);
        Assert.Null(Request(Raw(new GenerationOptions { Logprobs = false })).TopLogprobs);
        Assert.Throws<ArgumentOutOfRangeException>(() => Read(Raw(new GenerationOptions { Logprobs = false, TopLogprobs = 5 })));
    }

    [Fact]
    public void End_of_sequence_may_be_ignored()
    {
        Assert.Null(Request(new()).StopIds);
        Assert.Equal([], Request(Additional(GenerationOptionKeys.IgnoreEndOfSequence, true)).StopIds);
    }

    [Fact]
    public void Raw_options_count_before_additional_properties()
    {
        ChatOptions options = Raw(new GenerationOptions { MinP = 0.1f });
        options.AdditionalProperties = new() { ["min_p"] = 0.2, ["repetition_penalty"] = 1.3 };
        SamplingParameters sampling = Sampling(options);
        Assert.Equal(0.1f, sampling.MinP);
        Assert.Equal(1.3f, sampling.RepetitionPenalty);
    }

    [Fact]
    public void Unknown_keys_are_left_to_others_and_logged_but_ours_are_refused()
    {
        var logger = new ListLogger();
        RequestOptions.Read(Additional("someone.elses", new object()), Client(), "tiny", logger);
        Assert.Equal(LogLevel.Debug, Assert.Single(logger.Lines).Level);
        Assert.Contains("someone.elses", logger.Lines[0].Text, StringComparison.Ordinal);
        Refused(Additional("HShare.min_q", 1), "HShare.min_q");
    }

    [Fact]
    public void The_callers_options_are_neither_changed_nor_followed()
    {
        var options = new ChatOptions { Temperature = 0.5f, StopSequences = ["a"], AdditionalProperties = new() { ["min_p"] = 0.5 } };
        RequestOptions read = Read(options);
        options.Temperature = 0.9f;
        options.StopSequences!.Add("b");
        options.AdditionalProperties!["min_p"] = 0.1;
        Assert.Equal(["a"], read.StopSequences);
        Assert.Equal(0.5f, read.ToSamplingParameters(GreedyModel).Temperature);
        Assert.Equal(0.5f, read.ToSamplingParameters(GreedyModel).MinP);
    }

    private static HShareChatClient Client() => new(Unloaded, logger: null);

    private static RequestOptions Read(ChatOptions options) => RequestOptions.Read(options, Client(), "tiny", NullLogger.Instance);

    private static GenerationRequest Request(ChatOptions options) => Read(options).ToGenerationRequest([1], GreedyModel);

    private static SamplingParameters Sampling(ChatOptions options) => Read(options).ToSamplingParameters(GreedyModel);

    private static ChatOptions Raw(GenerationOptions options) => new() { RawRepresentationFactory = _ => options };

    private static ChatOptions Additional(string key, object value) => new() { AdditionalProperties = new() { [key] = value } };

    private static void Refused(ChatOptions options, string name) =>
        Assert.Contains(name, Assert.Throws<NotSupportedException>(() => Read(options)).Message, StringComparison.Ordinal);
}
