using System.ComponentModel;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.Conformance;

/// <summary>What apps and middleware rely on where functions are called, whatever the model.</summary>
public abstract class ToolConformance(ConformanceSubject subject)
{
    private readonly HShareChatClient _client = subject.Client;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public void Parameters_of_every_kind_reach_the_prompt()
    {
        AIFunction none = AIFunctionFactory.Create(() => "noon", "now", "The time.");
        AIFunction optional = AIFunctionFactory.Create(
            ([Description("The port.")] string port, [Description("The day.")] string day = "today") => port + day, "tide", "The tide.");
        AIFunction nested = AIFunctionFactory.Create((Berth berth, string[] boats) => boats.Length, "book", "Books a berth.");
        string prompt = subject.RenderPrompt([subject.ToolQuestion], [none, optional, nested]);
        string Line(string name) => prompt.Split('\n').Single(line => line.Contains($"\"name\": \"{name}\"", StringComparison.Ordinal));

        Assert.Contains("The time.", Line("now"), StringComparison.Ordinal);
        Assert.Contains("\"properties\": {}", Line("now"), StringComparison.Ordinal);
        Assert.All(["The port.", "The day.", "\"default\": \"today\"", "\"required\": [\"port\"]"],
            text => Assert.Contains(text, Line("tide"), StringComparison.Ordinal));
        Assert.All(["\"berth\"", "\"quay\"", "\"number\"", "\"type\": \"array\"", "\"items\": {\"type\": \"string\"}"],
            text => Assert.Contains(text, Line("book"), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_question_is_answered_through_a_call_and_its_result(bool streaming)
    {
        List<ChatMessage> history = [subject.ToolQuestion];
        ChatResponse answer = await new InvokingLoop(_client, streaming).AskAsync(
            history, new ChatOptions { Tools = [subject.Tool] }, TestToken);
        Assert.Equal([ChatRole.User, ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], history.Select(message => message.Role));
        Assert.Equal(subject.Tool.Name, Assert.Single(history[1].Contents.OfType<FunctionCallContent>()).Name);
        Assert.Contains(subject.ToolAnswer, answer.Text, StringComparison.Ordinal);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.NotEqual(history[1].MessageId, history[3].MessageId);
        Assert.True(answer.Usage!.CachedInputTokenCount > 0, "The first round is in the cache.");
    }

    [Fact]
    public async Task A_call_ends_the_answer_with_ToolCalls_and_a_declaration_is_enough()
    {
        AIFunctionDeclaration declared =
            AIFunctionFactory.CreateDeclaration(subject.Tool.Name, subject.Tool.Description, subject.Tool.JsonSchema);
        foreach (AITool tool in new AITool[] { subject.Tool, declared })
        {
            ChatResponse response = await _client.GetResponseAsync([subject.ToolQuestion], new() { Tools = [tool] }, TestToken);
            Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
            FunctionCallContent call = Assert.Single(response.Messages.Single().Contents.OfType<FunctionCallContent>());
            Assert.Null(call.Exception);
            Assert.False(string.IsNullOrEmpty(call.CallId));
        }
    }

    [Fact]
    public async Task Call_ids_are_unique_and_reach_the_prompt_with_their_results_in_order()
    {
        ChatOptions options = new() { Tools = [subject.Tool] };
        ChatResponse first = await _client.GetResponseAsync([subject.ToolQuestion], options, TestToken);
        ChatResponse second = await _client.GetResponseAsync([subject.ToolQuestion], options, TestToken);
        FunctionCallContent[] calls =
            [.. new[] { first, second }.Select(response => response.Messages[0].Contents.OfType<FunctionCallContent>().Single())];
        Assert.NotEqual(calls[0].CallId, calls[1].CallId);

        string prompt = subject.RenderPrompt(
            [
                subject.ToolQuestion,
                new(ChatRole.Assistant, [.. calls]),
                new(ChatRole.Tool,
                    [new FunctionResultContent(calls[0].CallId, "first result"), new FunctionResultContent(calls[1].CallId, "second")]),
            ],
            [subject.Tool]);
        Assert.True(
            prompt.IndexOf("first result", StringComparison.Ordinal) < prompt.IndexOf("\nsecond\n", StringComparison.Ordinal), prompt);
    }

    [Fact]
    public async Task No_tool_is_shown_where_none_may_be_called()
    {
        ChatOptions options = TinyClient.Tokens(1);
        (options.Tools, options.ToolMode) = ([subject.Tool], ChatToolMode.None);
        ChatResponse response = await _client.GetResponseAsync([subject.ToolQuestion], options, TestToken);
        Assert.Equal(_client.CountTokens([subject.ToolQuestion]), response.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task An_agent_whose_history_grows_over_the_context_goes_on_with_a_reducer()
    {
        var options = new ChatOptions { Tools = [subject.Tool], MaxOutputTokens = 60 };
        var reducer = new TokenBudgetChatReducer(_client, maxTokens: 700, options);
        List<ChatMessage> history = [];
        for (int turn = 0; turn < 8; turn++)
        {
            history.Add(subject.ToolQuestion);
            history = [.. await reducer.ReduceAsync(history, TestToken)];
            ChatResponse answer = await new InvokingLoop(_client, streaming: false).AskAsync(history, options, TestToken);
            Assert.Contains(subject.ToolAnswer, answer.Text, StringComparison.Ordinal);
        }

        Assert.True(history.Count < 8 * 4, "Old turns are gone.");
    }

    internal sealed record Berth(string Quay, int Number);
}
