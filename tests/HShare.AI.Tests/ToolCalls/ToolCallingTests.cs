using System.ComponentModel;
using System.Text.Json;
using HShare.AI.Tests.Conformance;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.ToolCalls;

/// <summary>Tools on the bundled model, from the question to the answer.</summary>
[Collection(nameof(TinyClient))]
public class ToolCallingTests(TinyClient tiny)
{
    private static readonly AIFunction Weather = AIFunctionFactory.Create(
        ([Description("The city.")] string city) => """{"temperature": 21, "condition": "sunny"}""",
        "get_weather", "Get the current weather in a city.");

    private static readonly AIFunction Add = AIFunctionFactory.Create(
        ([Description("First number.")] int a, [Description("Second number.")] int b) => $$"""{"sum": {{a + b}}}""",
        "add", "Add two numbers.");

    private static readonly ChatMessage Question = new(ChatRole.User, "What is the weather like in Rome?");

    private readonly HShareChatClient _client = tiny.Client;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_question_becomes_a_call_and_its_result_an_answer()
    {
        List<ChatMessage> history = [Question];
        ChatResponse answer = await InvokeFunctionsAsync(history, new ChatOptions { Tools = [Add, Weather], MaxOutputTokens = 60 });
        Assert.Equal(
            [ChatRole.User, ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], history.Select(message => message.Role));
        var call = Assert.IsType<FunctionCallContent>(Assert.Single(history[1].Contents));
        Assert.Equal(("get_weather", "Rome"), (call.Name, call.Arguments!["city"]!.ToString()));
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Contains("21", answer.Text, StringComparison.Ordinal);
        Assert.Contains("sunny", answer.Text, StringComparison.Ordinal);
        Assert.True(answer.Usage!.CachedInputTokenCount > 100, "The first round's prompt and call are in the cache.");
        await tiny.AssertIdleAsync();
    }

    [Fact]
    public async Task Arguments_have_the_types_of_JSON()
    {
        List<ChatMessage> history = [new(ChatRole.User, "What is 12 plus 30?")];
        ChatResponse answer = await InvokeFunctionsAsync(history, new ChatOptions { Tools = [Weather, Add], MaxOutputTokens = 60 });
        Assert.Contains("42", answer.Text, StringComparison.Ordinal);
        var call = Assert.IsType<FunctionCallContent>(Assert.Single(history[1].Contents));
        Assert.Equal(JsonValueKind.Number, Assert.IsType<JsonElement>(call.Arguments!["a"]).ValueKind);
    }

    [Fact]
    public async Task A_call_is_one_update_with_the_ids_of_all()
    {
        List<ChatResponseUpdate> updates =
            await HShareChatClientTests.CollectAsync(_client, [Question], new ChatOptions { Tools = [Weather] });
        Assert.Equal(2, updates.Count);
        Assert.IsType<FunctionCallContent>(Assert.Single(updates[0].Contents));
        Assert.False(string.IsNullOrEmpty(updates[0].MessageId));
        Assert.Equal(updates[1].MessageId, updates[0].MessageId);
        Assert.Equal((updates[1].ResponseId, ChatRole.Assistant), (updates[0].ResponseId, updates[0].Role));
        Assert.Equal((null, ChatFinishReason.ToolCalls), (updates[0].FinishReason, updates[1].FinishReason));
        Assert.IsType<UsageContent>(Assert.Single(updates[1].Contents));
    }

    [Fact]
    public async Task A_declaration_is_enough_and_no_tool_is_shown_where_none_may_be_called()
    {
        AIFunctionDeclaration declared = AIFunctionFactory.CreateDeclaration(Weather.Name, Weather.Description, Weather.JsonSchema);
        ChatResponse free = await _client.GetResponseAsync(
            [Question], new() { Tools = [declared], ToolMode = ChatToolMode.Auto }, TestToken);
        Assert.Equal(ChatFinishReason.ToolCalls, free.FinishReason);

        ChatOptions none = TinyClient.Tokens(1);
        long plain = (await _client.GetResponseAsync([Question], none, TestToken)).Usage!.InputTokenCount!.Value;
        none.Tools = [declared];
        none.ToolMode = ChatToolMode.None;
        Assert.Equal(plain, (await _client.GetResponseAsync([Question], none, TestToken)).Usage!.InputTokenCount);
        Assert.True(free.Usage!.InputTokenCount > plain + 50);
    }

    [Fact]
    public async Task Only_one_call_comes_where_more_are_not_allowed()
    {
        // Past its end of sequence the model would go on for long.
        ChatOptions options = TinyClient.Tokens(400);
        (options.Tools, options.AllowMultipleToolCalls) = ([Weather], false);
        ChatResponse response = await _client.GetResponseAsync([Question], options, TestToken);
        Assert.IsType<FunctionCallContent>(Assert.Single(response.Messages.Single().Contents));
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
        Assert.True(response.Usage!.OutputTokenCount < 100, $"{response.Usage.OutputTokenCount} tokens");
        await tiny.AssertIdleAsync();
    }

    [Fact]
    public async Task A_call_that_the_limit_cuts_off_is_text()
    {
        ChatResponse response = await _client.GetResponseAsync(
            [Question], new() { Tools = [Weather], MaxOutputTokens = 6 }, TestToken);
        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.StartsWith("<tool_call>\n{", Assert.IsType<TextContent>(Assert.Single(response.Messages.Single().Contents)).Text);
    }

    [Fact]
    public async Task Stop_texts_are_not_looked_for_in_calls()
    {
        ChatResponse response = await _client.GetResponseAsync(
            [Question], new() { Tools = [Weather], StopSequences = ["Rome", "{"] }, TestToken);
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
    }

    [Fact]
    public async Task Functions_answer_side_by_side_requests()
    {
        string[] cities = ["Rome", "Oslo", "Paris", "Madrid"];
        ChatResponse[] responses = await Task.WhenAll(cities.Select(city => _client.GetResponseAsync(
            $"What is the weather like in {city}?", new ChatOptions { Tools = [Weather, Add] }, TestToken)));
        FunctionCallContent[] calls = [.. responses.SelectMany(r => r.Messages.Single().Contents).OfType<FunctionCallContent>()];
        Assert.Equal(cities, calls.Select(call => call.Arguments!["city"]!.ToString()));
        Assert.Equal(calls.Length, calls.Select(call => call.CallId).Distinct().Count());
    }

    [Fact]
    public async Task A_model_that_cannot_think_is_not_asked_to()
    {
        var error = await Assert.ThrowsAsync<NotSupportedException>(() => _client.GetResponseAsync(
            "Hi", new() { Reasoning = new() { Effort = ReasoningEffort.High } }, TestToken));
        Assert.Contains("Reasoning.Effort", error.Message, StringComparison.Ordinal);
        ChatOptions none = TinyClient.Tokens(1);
        none.Reasoning = new() { Effort = ReasoningEffort.None };
        Assert.Null((await _client.GetResponseAsync("Hi", none, TestToken)).Usage!.ReasoningTokenCount);
    }

    private Task<ChatResponse> InvokeFunctionsAsync(List<ChatMessage> history, ChatOptions options) =>
        new InvokingLoop(_client, streaming: false).AskAsync(history, options, TestToken);
}
