using HShare.AI.Engine;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests;

/// <summary>Long conversations made to fit, on the bundled model.</summary>
[Collection(nameof(TinyClient))]
public class TokenBudgetChatReducerTests(TinyClient tiny)
{
    private static readonly ChatMessage Document = new(ChatRole.System, $"<document>\n{TinyClient.Document}\n</document>");

    private readonly HShareChatClient _client = tiny.Client;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_conversation_that_fits_stays_as_it_is()
    {
        ChatMessage[] all = [Document, .. Turn(1), .. Turn(2), Question(3)];
        int exact = _client.CountTokens(all) + 1;
        Assert.Equal(all, await ReduceAsync(all, exact));
        Assert.NotEqual(all, await ReduceAsync(all, exact - 1));
        Assert.Equal(all, await ReduceAsync(all, null));
    }

    [Fact]
    public async Task The_oldest_turns_go_and_the_document_stays()
    {
        ChatMessage[] all = [Document, .. Turn(1), .. Turn(2), .. Turn(3), .. Turn(4), Question(5)];
        for (int kept = 0; kept <= 4; kept++)
        {
            ChatMessage[] expected = [Document, .. all[^(2 * kept + 1)..]];
            int budget = _client.CountTokens(expected) + 1;
            Assert.Equal(expected, await ReduceAsync(all, budget));
            Assert.Equal(expected, await ReduceAsync(all, budget + 3)); // room, but not for another turn
        }
    }

    [Fact]
    public async Task Calls_and_their_results_stay_or_go_together()
    {
        ChatMessage[] all = [Document, Question(1), .. Round("a"), .. Round("b"), .. Answer(1), Question(2), .. Round("c"), .. Round("d")];
        int shortest = _client.CountTokens([Document, Question(2), .. Round("d")]) + 1, whole = _client.CountTokens(all) + 1;
        for (int budget = shortest; budget <= whole; budget += 5)
        {
            ChatMessage[] reduced = await ReduceAsync(all, budget);
            Assert.True(_client.CountTokens(reduced) < budget);
            Assert.Equal([all[0], .. all[^2..]], [reduced[0], .. reduced[^2..]]);
            Assert.Contains(all[^5], reduced); // the newest question
            string[] calls = [.. Contents<FunctionCallContent>(reduced).Select(call => call.CallId)];
            Assert.Equal(calls, Contents<FunctionResultContent>(reduced).Select(result => result.CallId));
        }

        ChatMessage[] least = await ReduceAsync(all, shortest);
        Assert.Equal([all[0], .. all[^5..^4], .. all[^2..]], least);
    }

    [Fact]
    public async Task What_the_options_bring_along_counts()
    {
        ChatMessage[] all = [Document, .. Turn(1), .. Turn(2), Question(3)];
        int budget = _client.CountTokens(all) + 1;
        Assert.Equal(4, (await ReduceAsync(all, budget, new() { MaxOutputTokens = 5 })).Length);
        Assert.Equal(4, (await ReduceAsync(all, budget, new() { Instructions = "Be brief." })).Length);
    }

    [Fact]
    public async Task The_result_is_answered_where_the_whole_is_refused()
    {
        ChatMessage[] all = [Document, .. Enumerable.Range(0, 200).SelectMany(Turn), Question(200)];
        ChatOptions options = TinyClient.Tokens(4);
        await Assert.ThrowsAsync<PromptTooLongException>(() => _client.GetResponseAsync(all, options, TestToken));
        ChatMessage[] reduced = await ReduceAsync(all, null, options);
        ChatResponse response = await _client.GetResponseAsync(reduced, options, TestToken);
        Assert.InRange(response.Usage!.InputTokenCount!.Value, 2048 - 4 - 40, 2048 - 4);
    }

    [Fact]
    public async Task Where_not_even_the_newest_turn_fits_the_error_has_the_numbers()
    {
        ChatMessage[] least = [Document, Question(2)];
        var error = await Assert.ThrowsAsync<PromptTooLongException>(
            () => ReduceAsync([Document, .. Turn(1), Question(2)], 60, new() { MaxOutputTokens = 10 }));
        Assert.Equal((_client.CountTokens(least), 10, 60), (error.PromptTokens, error.RequestedOutputTokens, error.Limit));
    }

    [Fact]
    public async Task Unusual_conversations_keep_their_order()
    {
        ChatMessage greeting = new(ChatRole.Assistant, "Welcome."), late = new(ChatRole.System, "Be brief.");
        ChatMessage[] all = [greeting, .. Turn(1), late, Question(2), Question(3)];
        Assert.Equal([late, .. all[^2..]], await ReduceAsync(all, _client.CountTokens([late, .. all[^2..]]) + 1));
        Assert.Equal(all[1..], await ReduceAsync(all, _client.CountTokens(all)));
        Assert.Empty(await ReduceAsync([], 10));
        await Assert.ThrowsAsync<ArgumentNullException>(() => new TokenBudgetChatReducer(_client).ReduceAsync(null!, TestToken));
        Assert.Throws<ArgumentOutOfRangeException>("maxTokens", () => new TokenBudgetChatReducer(_client, 1));
        Assert.Throws<ArgumentNullException>("client", () => new TokenBudgetChatReducer(null!));
    }

    private static IEnumerable<T> Contents<T>(ChatMessage[] messages) => messages.SelectMany(message => message.Contents).OfType<T>();

    private static ChatMessage Question(int number) => new(ChatRole.User, $"What is in the chest with the number {number}?");

    private static ChatMessage[] Answer(int number) => [new(ChatRole.Assistant, $"Nothing but {number} old coats and a lantern.")];

    private static ChatMessage[] Turn(int number) => [Question(number), .. Answer(number)];

    private static ChatMessage[] Round(string id) =>
    [
        new(ChatRole.Assistant, [new FunctionCallContent(id, "open", new Dictionary<string, object?> { ["chest"] = id })]),
        new(ChatRole.Tool, [new FunctionResultContent(id, "It is locked.")]),
    ];

    private async Task<ChatMessage[]> ReduceAsync(ChatMessage[] messages, int? budget, ChatOptions? options = null) =>
        [.. await new TokenBudgetChatReducer(_client, budget, options).ReduceAsync(messages, TestToken)];
}
