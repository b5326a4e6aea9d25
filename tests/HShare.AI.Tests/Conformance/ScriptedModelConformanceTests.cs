using System.Text.Json;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.Conformance;

/// <summary>The scripted model, as it is examined.</summary>
internal static class ScriptedModelSubject
{
    public static readonly AIFunction Tide = AIFunctionFactory.Create((string port) => "high #answer", "tide", "The tide in a port.");

    public static readonly AIFunction Now = AIFunctionFactory.Create(() => "noon #answer", "now", "The time.");

    public static ConformanceSubject Of(ScriptedClient scripted) =>
        new(scripted.Client, ScriptedClient.Say(""), ScriptedClient.Say("#now"), Now, "high at Varn");
}

/// <summary>Answers of a scripted model.</summary>
public class ScriptedModelConformanceTests(ScriptedClient scripted)
    : ChatClientConformance(ScriptedModelSubject.Of(scripted)), IClassFixture<ScriptedClient>;

/// <summary>Required function calls of a scripted model, which has other words to say.</summary>
public class ScriptedModelRequiredCallTests(ScriptedClient scripted)
    : RequiredCallConformance(ScriptedModelSubject.Of(scripted)), IClassFixture<ScriptedClient>;

/// <summary>JSON answers of a scripted model, which has other words to say.</summary>
public class ScriptedModelStructuredOutputTests(ScriptedClient scripted)
    : StructuredOutputConformance(ScriptedModelSubject.Of(scripted)), IClassFixture<ScriptedClient>;

/// <summary>Function calls of a scripted model, and those that the bundled one is too small for.</summary>
public class ScriptedModelToolConformanceTests(ScriptedClient scripted)
    : ToolConformance(ScriptedModelSubject.Of(scripted)), IClassFixture<ScriptedClient>
{
    private readonly HShareChatClient _client = scripted.Client;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Text_comes_before_several_calls_in_one_answer()
    {
        List<ChatMessage> history = [ScriptedClient.Say("#two")];
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in _client.GetStreamingResponseAsync(
            history, new() { Tools = [ScriptedModelSubject.Tide] }, TestToken))
            updates.Add(update);
        AIContent[] contents = [.. updates.SelectMany(update => update.Contents)];
        Assert.Equal("I look it up.", string.Concat(contents.OfType<TextContent>().Select(text => text.Text)));
        FunctionCallContent[] calls = [.. contents.OfType<FunctionCallContent>()];
        Assert.Equal(["Varn", "Orr"], calls.Select(call => call.Arguments!["port"]!.ToString()));
        Assert.Equal(2, calls.Select(call => call.CallId).Distinct().Count());
        Assert.True(Array.FindLastIndex(contents, c => c is TextContent) < Array.FindIndex(contents, c => c is FunctionCallContent));

        ChatResponse answer = await new InvokingLoop(_client, streaming: true).AskAsync(
            history, new ChatOptions { Tools = [ScriptedModelSubject.Tide] }, TestToken);
        Assert.Equal("The water is high at Varn.", answer.Text);
        Assert.Equal(2, history[2].Contents.Count);
    }

    [Fact]
    public async Task Only_the_first_call_comes_where_more_are_not_allowed()
    {
        ChatResponse response = await _client.GetResponseAsync(
            [ScriptedClient.Say("#two")], new() { Tools = [ScriptedModelSubject.Tide], AllowMultipleToolCalls = false }, TestToken);
        FunctionCallContent call = Assert.Single(response.Messages.Single().Contents.OfType<FunctionCallContent>());
        Assert.Equal("Varn", call.Arguments!["port"]!.ToString());
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
    }

    [Fact]
    public async Task A_function_without_parameters_is_called()
    {
        ChatResponse response = await _client.GetResponseAsync(
            [ScriptedClient.Say("#now")], new() { Tools = [ScriptedModelSubject.Now] }, TestToken);
        Assert.Empty(Assert.Single(response.Messages.Single().Contents.OfType<FunctionCallContent>()).Arguments!);
    }

    [Fact]
    public async Task Nested_and_array_arguments_bind_and_optional_ones_may_be_missing()
    {
        (ToolConformance.Berth, string[], int)? booked = null;
        AIFunction book = AIFunctionFactory.Create(
            (ToolConformance.Berth berth, string[] boats, int nights = 3) =>
            {
                booked = (berth, boats, nights);
                return "done #answer";
            },
            "book", "Books a berth.", JsonSerializerOptions.Web);
        ChatResponse answer = await new InvokingLoop(_client, streaming: false).AskAsync(
            [ScriptedClient.Say("#book")], new ChatOptions { Tools = [book] }, TestToken);
        Assert.Equal("The water is high at Varn.", answer.Text);
        (ToolConformance.Berth where, string[] boats, int nights) = Assert.NotNull(booked);
        Assert.Equal((new ToolConformance.Berth("north", 7), 3), (where, nights));
        Assert.Equal(["Jolly", "Kettle"], boats);
    }
}
