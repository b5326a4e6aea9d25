using System.Text.Json;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.Conformance;

/// <summary>What apps rely on where a call is required, whatever the model would rather say.</summary>
public abstract class RequiredCallConformance(ConformanceSubject subject)
{
    private static readonly AIFunction Lamp = AIFunctionFactory.Create(
        (Colour colour, bool bright) => "lit", "set_lamp", "Sets the lamp.", AIJsonUtilities.DefaultOptions);

    private static readonly AIFunctionDeclaration Strict = AIFunctionFactory.CreateDeclaration(
        "book_berth", "Books a berth.", JsonElement.Parse("""
        {"type": "object", "additionalProperties": false, "required": ["quay", "nights", "boats", "contact"], "properties": {
         "quay": {"enum": ["north", "south"]}, "nights": {"type": "integer", "minimum": 1, "maximum": 14},
         "boats": {"type": "array", "items": {"type": "string", "maxLength": 8}, "minItems": 1, "maxItems": 2},
         "contact": {"type": "object", "additionalProperties": false, "required": ["code"],
          "properties": {"code": {"type": "string", "pattern": "^[A-Z]{2}-\\d{3}$"}}}}}
        """));

    private readonly HShareChatClient _client = subject.Client;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RequireAny_gives_a_call_of_an_offered_function_and_nothing_else(bool streaming)
    {
        foreach (ChatMessage message in new[] { subject.Question, subject.ToolQuestion, new ChatMessage(ChatRole.User, "") })
        {
            ChatOptions options = Required(ChatToolMode.RequireAny, Lamp, subject.Tool);
            options.AllowMultipleToolCalls = false;
            FunctionCallContent call = OnlyCall(streaming
                ? await _client.GetStreamingResponseAsync([message], options, TestToken).ToChatResponseAsync(TestToken)
                : await _client.GetResponseAsync([message], options, TestToken));
            Assert.Contains(call.Name, (string[])[Lamp.Name, subject.Tool.Name]);
        }
    }

    [Fact]
    public async Task RequireSpecific_gives_a_call_of_that_function_that_can_be_invoked()
    {
        ChatOptions options = Required(ChatToolMode.RequireSpecific(Lamp.Name), subject.Tool, Lamp);
        options.AllowMultipleToolCalls = false;
        FunctionCallContent call = OnlyCall(await _client.GetResponseAsync([subject.ToolQuestion], options, TestToken));
        Assert.Equal(Lamp.Name, call.Name);
        Assert.Equal("lit", $"{await Lamp.InvokeAsync(new AIFunctionArguments(call.Arguments), TestToken)}");
    }

    [Fact]
    public async Task The_arguments_of_a_required_call_satisfy_a_strict_schema()
    {
        ChatOptions options = Required(ChatToolMode.RequireAny, Strict);
        options.AllowMultipleToolCalls = false;
        ChatResponse response = await _client.GetResponseAsync([subject.Question], options, TestToken);
        IDictionary<string, object?> arguments = OnlyCall(response).Arguments!;
        Assert.Equal(["boats", "contact", "nights", "quay"], arguments.Keys.Order(StringComparer.Ordinal));
        Assert.Contains($"{arguments["quay"]}", (string[])["north", "south"]);
        Assert.InRange(((JsonElement)arguments["nights"]!).GetInt32(), 1, 14);
        JsonElement[] boats = [.. ((JsonElement)arguments["boats"]!).EnumerateArray()];
        Assert.InRange(boats.Length, 1, 2);
        Assert.All(boats, boat => Assert.InRange(boat.GetString()!.Length, 0, 8));
        JsonProperty code = Assert.Single(((JsonElement)arguments["contact"]!).EnumerateObject());
        Assert.Equal("code", code.Name);
        Assert.Matches("^[A-Z]{2}-[0-9]{3}$", code.Value.GetString());
    }

    [Fact]
    public async Task A_required_call_that_the_output_limit_cuts_is_no_call()
    {
        ChatOptions options = Required(ChatToolMode.RequireAny, Strict);
        options.MaxOutputTokens = 8;
        ChatResponse response = await _client.GetResponseAsync([subject.Question], options, TestToken);
        Assert.Equal((ChatFinishReason.Length, 8), (response.FinishReason, response.Usage!.OutputTokenCount));
        Assert.All(response.Messages.Single().Contents, content => Assert.IsType<TextContent>(content));
        Assert.NotEmpty(response.Text);
        await subject.AssertIdleAsync();
    }

    [Fact]
    public async Task After_a_required_call_the_model_answers_from_its_result()
    {
        List<ChatMessage> history = [subject.ToolQuestion];
        ChatOptions options = Required(ChatToolMode.RequireSpecific(subject.Tool.Name), subject.Tool);
        options.AllowMultipleToolCalls = false;
        ChatResponse response = await _client.GetResponseAsync(history, options, TestToken);
        FunctionCallContent call = OnlyCall(response);
        history.AddMessages(response);
        object? result = await subject.Tool.InvokeAsync(new AIFunctionArguments(call.Arguments), TestToken);
        history.Add(new ChatMessage(ChatRole.Tool, [new FunctionResultContent(call.CallId, result)]));
        options.ToolMode = ChatToolMode.Auto; // as middleware does
        Assert.Contains(subject.ToolAnswer, (await _client.GetResponseAsync(history, options, TestToken)).Text, StringComparison.Ordinal);
    }

    private static ChatOptions Required(ChatToolMode mode, params AITool[] tools) =>
        new() { Tools = tools, ToolMode = mode, MaxOutputTokens = 160 };

    private static FunctionCallContent OnlyCall(ChatResponse response)
    {
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
        var call = Assert.IsType<FunctionCallContent>(Assert.Single(response.Messages.Single().Contents));
        Assert.Null(call.Exception);
        Assert.False(string.IsNullOrEmpty(call.CallId));
        return call;
    }

    internal enum Colour
    {
        Red,
        Green,
    }
}
