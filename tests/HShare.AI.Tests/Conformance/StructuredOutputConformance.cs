using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.Conformance;

/// <summary>What apps rely on where an answer must be JSON, whatever the model would rather say.</summary>
public abstract class StructuredOutputConformance(ConformanceSubject subject)
{
    private readonly HShareChatClient _client = subject.Client;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_object_comes_with_all_its_properties()
    {
        Visit visit = await AnswerAsync<Visit>(subject.Question);
        Assert.InRange(visit.Name.Length, 0, 12);
        Assert.InRange(visit.Nights, 1, 9);
        Assert.InRange(visit.Boats.Length, 0, 2);
        Assert.True(Enum.IsDefined(visit.Quay));
    }

    [Fact]
    public async Task An_integer_a_truth_value_and_an_enumeration_come_without_an_object_around_them()
    {
        await AnswerAsync<long>(subject.Question);
        await AnswerAsync<bool>(subject.Question);
        Assert.True(Enum.IsDefined(await AnswerAsync<Quay>(subject.Question)));
    }

    [Fact]
    public async Task A_list_or_a_text_is_complete_or_ends_at_the_output_limit()
    {
        ChatResponse list = await _client.GetResponseAsync([subject.Question], Format<Quay[]>(), TestToken);
        ChatResponse text = await _client.GetResponseAsync([subject.Question], Format<string>(), TestToken);
        Assert.StartsWith("[", list.Text, StringComparison.Ordinal);
        Assert.StartsWith("\"", text.Text, StringComparison.Ordinal);
        if (IsComplete(list))
            Assert.All(Read<Quay[]>(list), quay => Assert.True(Enum.IsDefined(quay)));
        if (IsComplete(text))
            Read<string>(text);
    }

    [Fact]
    public async Task JSON_without_a_schema_is_an_object()
    {
        ChatOptions options = new() { ResponseFormat = ChatResponseFormat.Json, MaxOutputTokens = 24 };
        ChatResponse response = await _client.GetResponseAsync([subject.Question], options, TestToken);
        Assert.StartsWith("{", response.Text, StringComparison.Ordinal);
        if (IsComplete(response))
            Assert.Equal(JsonValueKind.Object, JsonElement.Parse(response.Text).ValueKind);
    }

    [Fact]
    public async Task The_pieces_of_a_streamed_answer_are_the_answer()
    {
        ChatOptions options = Format<Visit>();
        ChatResponse whole = await _client.GetResponseAsync([subject.Question], options, TestToken);
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in _client.GetStreamingResponseAsync([subject.Question], options, TestToken))
            updates.Add(update);
        Assert.Equal(whole.Text, string.Concat(updates.Select(update => update.Text)));
        Assert.True(updates.Count > 3, "JSON comes as it is written.");
    }

    [Fact]
    public async Task With_tools_beside_it_an_answer_is_a_call_or_JSON()
    {
        foreach (ChatMessage message in new[] { subject.Question, subject.ToolQuestion })
        {
            ChatOptions options = Format<Quay>();
            (options.Tools, options.AllowMultipleToolCalls) = ([subject.Tool], false);
            ChatResponse response = await _client.GetResponseAsync([message], options, TestToken);
            if (response.FinishReason == ChatFinishReason.ToolCalls)
                Assert.Equal(subject.Tool.Name, Assert.Single(response.Messages.Single().Contents.OfType<FunctionCallContent>()).Name);
            else
                Assert.True(Enum.IsDefined(Read<Quay>(response)));
        }
    }

    [Fact]
    public async Task After_a_call_and_its_result_the_answer_is_JSON()
    {
        ChatOptions options = Format<Quay>();
        (options.Tools, options.ToolMode) = ([subject.Tool], ChatToolMode.None);
        ChatMessage[] history =
        [
            subject.ToolQuestion,
            new(ChatRole.Assistant, [new FunctionCallContent("abcDEF123", subject.Tool.Name, new Dictionary<string, object?>())]),
            new(ChatRole.Tool, [new FunctionResultContent("abcDEF123", subject.ToolAnswer)]),
        ];
        Assert.True(Enum.IsDefined(Read<Quay>(await _client.GetResponseAsync(history, options, TestToken))));
    }

    private async Task<T> AnswerAsync<T>(ChatMessage message) => Read<T>(await _client.GetResponseAsync([message], Format<T>(), TestToken));

    private static T Read<T>(ChatResponse response)
    {
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        T? value = JsonSerializer.Deserialize<T>(response.Text, AIJsonUtilities.DefaultOptions);
        return Assert.IsType<T>(value);
    }

    /// <summary>Whether an answer came to its end; one that did not is the beginning of a value, which nobody closed by force.</summary>
    private static bool IsComplete(ChatResponse response)
    {
        if (response.FinishReason == ChatFinishReason.Stop)
            return true;

        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.ThrowsAny<JsonException>(() => JsonElement.Parse(response.Text));
        return false;
    }

    private static ChatOptions Format<T>() =>
        new() { ResponseFormat = ChatResponseFormat.ForJsonSchema<T>(AIJsonUtilities.DefaultOptions), MaxOutputTokens = 220 };

    internal enum Quay
    {
        North,
        South,
    }

    internal sealed record Visit(
        [property: StringLength(12)] string Name,
        [property: Range(1, 9)] int Nights,
        Quay Quay,
        bool IsPaid,
        [property: MaxLength(2)] long[] Boats);
}
