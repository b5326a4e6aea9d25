using System.ComponentModel;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.StructuredOutput;

/// <summary>JSON answers and required calls on the bundled model, which would rather write something else.</summary>
[Collection(nameof(TinyClient))]
public class StructuredOutputTests(TinyClient tiny)
{
    private static readonly AIFunction Weather = AIFunctionFactory.Create(
        ([Description("The city.")] string city) => "sunny", "get_weather", "Get the current weather in a city.");

    private static readonly AIFunction Book = AIFunctionFactory.Create(
        (Order order, int[] seats, bool? window) => "booked", "book", "Book seats.");

    private readonly HShareChatClient _client = tiny.Client;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_answer_with_a_schema_is_a_value_of_it()
    {
        JsonElement schema = JsonElement.Parse("""
            {"type": "object", "properties": {"person": {"type": "string", "maxLength": 30}, "job": {"enum": ["keeper", "baker"]},
             "age": {"type": "integer", "minimum": 20, "maximum": 90}}, "required": ["person", "job", "age"], "additionalProperties": false}
            """);
        ChatResponse response = await _client.GetResponseAsync(
            [TinyClient.Ask("Who is the keeper of the lighthouse?")],
            new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(schema, "person"), MaxOutputTokens = 80 }, TestToken);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        JsonElement answer = JsonElement.Parse(response.Text);
        Assert.Equal(["person", "job", "age"], answer.EnumerateObject().Select(property => property.Name));
        Assert.Contains(answer.GetProperty("job").GetString(), (string[])["keeper", "baker"]);
        Assert.InRange(answer.GetProperty("age").GetInt32(), 20, 90);
        await tiny.AssertIdleAsync();
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1.5f)]
    public async Task The_schema_of_a_type_gives_an_object_of_that_type(float temperature)
    {
        var options = new ChatOptions
        {
            ResponseFormat = ChatResponseFormat.ForJsonSchema<Order>(AIJsonUtilities.DefaultOptions),
            Temperature = temperature,
            Seed = 5,
            TopK = 40,
            MaxOutputTokens = 400,
        };
        ChatResponse response = await _client.GetResponseAsync("Order something.", options, TestToken);
        if (response.FinishReason == ChatFinishReason.Stop)
            Assert.NotNull(JsonSerializer.Deserialize<Order>(response.Text, AIJsonUtilities.DefaultOptions));
        else
            Assert.Equal(ChatFinishReason.Length, response.FinishReason); // text without end is honestly cut
    }

    [Fact]
    public async Task JSON_without_a_schema_is_an_object()
    {
        ChatOptions options = new() { ResponseFormat = ChatResponseFormat.Json, MaxOutputTokens = 12 };
        ChatResponse response = await _client.GetResponseAsync("Hello!", options, TestToken);
        Assert.StartsWith("{", response.Text, StringComparison.Ordinal);
        if (response.FinishReason == ChatFinishReason.Stop)
            Assert.Equal(JsonValueKind.Object, JsonElement.Parse(response.Text).ValueKind);
    }

    [Fact]
    public async Task The_output_limit_cuts_JSON_without_closing_it()
    {
        ChatOptions options = new()
        {
            ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type": "string", "minLength": 500}""")),
            MaxOutputTokens = 10,
        };
        ChatResponse response = await _client.GetResponseAsync("Hello!", options, TestToken);
        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.ThrowsAny<JsonException>(() => JsonElement.Parse(response.Text));
    }

    [Fact]
    public async Task A_required_call_comes_also_where_no_function_is_needed()
    {
        ChatOptions options = new() { Tools = [Weather, Book], ToolMode = ChatToolMode.RequireAny, MaxOutputTokens = 300 };
        (options.Temperature, options.Seed, options.AllowMultipleToolCalls) = (1, 3, false);
        ChatResponse response = await _client.GetResponseAsync([TinyClient.Ask("What is the password of the chapel?")], options, TestToken);
        var call = Assert.IsType<FunctionCallContent>(Assert.Single(response.Messages.Single().Contents));
        Assert.Contains(call.Name, (string[])["get_weather", "book"]);
        Assert.Null(call.Exception);
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
        await tiny.AssertIdleAsync();
    }

    [Fact]
    public async Task A_call_that_the_model_makes_anyway_is_the_same_when_required()
    {
        ChatOptions options = new() { Tools = [Weather], MaxOutputTokens = 60 };
        ChatResponse free = await _client.GetResponseAsync("What is the weather like in Rome?", options, TestToken);
        options.ToolMode = ChatToolMode.RequireAny;
        ChatResponse required = await _client.GetResponseAsync("What is the weather like in Rome?", options, TestToken);
        var call = Assert.IsType<FunctionCallContent>(Assert.Single(required.Messages.Single().Contents));
        Assert.Equal(("get_weather", "Rome"), (call.Name, call.Arguments!["city"]!.ToString()));
        Assert.Equal(
            (free.Usage!.OutputTokenCount, free.Usage.InputTokenCount), (required.Usage!.OutputTokenCount, required.Usage.InputTokenCount));
    }

    [Fact]
    public async Task A_required_function_is_the_one_that_is_called()
    {
        ChatOptions options = new() { Tools = [Weather, Book], ToolMode = ChatToolMode.RequireSpecific("book"), MaxOutputTokens = 400 };
        (options.Temperature, options.Seed, options.AllowMultipleToolCalls) = (0.7f, 1, false);
        ChatResponse response = await _client.GetResponseAsync("What is the weather like in Rome?", options, TestToken);
        var call = Assert.IsType<FunctionCallContent>(Assert.Single(response.Messages.Single().Contents));
        Assert.Equal("book", call.Name);
        Assert.IsType<Order>(JsonSerializer.Deserialize<Order>((JsonElement)call.Arguments!["order"]!, AIJsonUtilities.DefaultOptions));
        Assert.All(((JsonElement)call.Arguments["seats"]!).EnumerateArray(), seat => Assert.True(seat.TryGetInt64(out _)));
    }

    [Fact]
    public async Task With_tools_and_JSON_the_answer_is_one_or_the_other()
    {
        ChatOptions options = new()
        {
            Tools = [Weather],
            ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"enum": ["yes", "no"]}""")),
            MaxOutputTokens = 60,
        };
        ChatResponse called = await _client.GetResponseAsync("What is the weather like in Rome?", options, TestToken);
        ChatResponse answered = await _client.GetResponseAsync("Hello!", options, TestToken);
        foreach (ChatResponse response in (ChatResponse[])[called, answered])
        {
            if (response.FinishReason == ChatFinishReason.ToolCalls)
                Assert.All(response.Messages.Single().Contents, call => Assert.Equal("get_weather", ((FunctionCallContent)call).Name));
            else
                Assert.Contains(response.Text, (string[])["\"yes\"", "\"no\""]);
        }

        Assert.Equal(ChatFinishReason.ToolCalls, called.FinishReason);
    }

    [Fact]
    public async Task The_schema_stands_behind_the_system_message()
    {
        ChatMessage[] messages = [new(ChatRole.System, TinyClient.Document), new(ChatRole.User, "Who is the keeper?")];
        ChatOptions options = new() { ResponseFormat = Schema("""{"const": 1}"""), MaxOutputTokens = 5 };
        await _client.GetResponseAsync(messages, new() { MaxOutputTokens = 1 }, TestToken);
        ChatResponse response = await _client.GetResponseAsync(messages, options, TestToken);
        Assert.Equal("1", response.Text);
        Assert.True(response.Usage!.CachedInputTokenCount > 80, "The document before the schema is found in the cache.");
    }

    [Fact]
    public void What_cannot_be_enforced_is_refused_at_the_call()
    {
        ChatResponseFormat negated = Schema("""{"items": {"not": {}}}"""), empty = Schema("""{"minimum": 2, "maximum": 1}""");
        Refused<NotSupportedException>(new() { ResponseFormat = negated }, "ChatOptions.ResponseFormat", "'not' at #/items");
        Refused<ArgumentException>(new() { ResponseFormat = empty }, "cannot be satisfied");
        JsonElement parameters = JsonElement.Parse("""{"properties": {"a": {"not": {}}}}""");
        AIFunctionDeclaration odd = AIFunctionFactory.CreateDeclaration("odd", "Odd.", parameters);
        Refused<NotSupportedException>(
            new() { Tools = [odd], ToolMode = ChatToolMode.RequireAny }, "the tool 'odd'", "'not' at #/properties/a");
        Refused<ArgumentException>(new() { ToolMode = ChatToolMode.RequireAny }, "holds no function");
        Refused<ArgumentException>(new() { Tools = [Weather], ToolMode = ChatToolMode.RequireSpecific("other") }, "'other'");
        ChatOptions endless = TinyClient.Tokens(9);
        endless.ResponseFormat = ChatResponseFormat.Json;
        Refused<NotSupportedException>(endless, "IgnoreEndOfSequence");
    }

    [Fact]
    public void Schemas_of_all_sorts_of_types_can_be_enforced()
    {
        Type[] types = [typeof(Many), typeof(Order), typeof(List<Order>), typeof(Dictionary<string, int[]>), typeof(Tree), typeof(Kind?)];
        foreach (Type type in types)
        {
            JsonElement schema = AIJsonUtilities.CreateJsonSchema(type, serializerOptions: AIJsonUtilities.DefaultOptions);
            var options = new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) };
            Assert.NotNull(HShare.AI.StructuredOutput.AnswerForm.Read(options, null));
        }
    }

    private static ChatResponseFormat Schema(string schema) => ChatResponseFormat.ForJsonSchema(JsonElement.Parse(schema));

    private void Refused<TException>(ChatOptions options, params string[] named)
        where TException : Exception
    {
        var error = Assert.Throws<TException>(() => { _client.GetStreamingResponseAsync("Hi", options, TestToken); });
        Assert.All(named, name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
    }

    internal sealed record Order(
        [property: Description("What.")] string Item, int Count, double? Price, Kind Kind, DateOnly Day, Guid? Id,
        IReadOnlyList<Order>? Parts);

    internal sealed record Many(
        string? Text, bool Flag, byte Small, long Large, decimal Money, float Ratio, char Letter, DateTime When, DateTimeOffset Then,
        TimeOnly Time, TimeSpan Duration, Uri Link, Version Version, Guid Id, byte[] Bytes, JsonElement Anything,
        Dictionary<string, Kind> Kinds, int?[] Numbers,
        [property: System.ComponentModel.DataAnnotations.Range(1, 5)] int Stars,
        [property: System.ComponentModel.DataAnnotations.StringLength(10)] string Short);

    internal sealed record Tree(Tree? Left, Tree? Right, IReadOnlyList<Tree> Others);

    internal enum Kind
    {
        Plain,
        Gift,
    }
}
