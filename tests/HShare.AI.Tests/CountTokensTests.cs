using HShare.AI.Engine;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace HShare.AI.Tests;

/// <summary>Prompts counted before they are sent, on the bundled model.</summary>
[Collection(nameof(TinyClient))]
public class CountTokensTests(TinyClient tiny)
{
    private static readonly AIFunction Weather =
        AIFunctionFactory.Create((string city) => "sunny", "get_weather", "Get the current weather in a city.");

    private readonly HShareChatClient _client = tiny.Client;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_count_is_what_the_request_then_reports()
    {
        ChatMessage[] conversation =
        [
            new(ChatRole.User, "What is the weather like in Rome?"),
            new(ChatRole.Assistant, [new FunctionCallContent("c1", "get_weather", new Dictionary<string, object?> { ["city"] = "Rome" })]),
            new(ChatRole.Tool, [new FunctionResultContent("c1", """{"condition": "sunny"}""")]),
        ];
        ChatOptions plain = TinyClient.Tokens(1), full = TinyClient.Tokens(1);
        (full.Tools, full.Instructions) = ([Weather], "Be brief.");
        foreach (ChatOptions options in new[] { plain, full })
        {
            int count = _client.CountTokens(conversation, options);
            Assert.Equal(count, await _client.CountTokensAsync(conversation, options, TestToken));
            Assert.Equal(count, (await _client.GetResponseAsync(conversation, options, TestToken)).Usage!.InputTokenCount);
        }

        Assert.True(_client.CountTokens(conversation, full) > _client.CountTokens(conversation, plain) + 50);
        Assert.Equal(_client.CountTokens(conversation), _client.CountTokens(conversation, plain));
    }

    [Fact]
    public async Task Counting_runs_nothing_and_may_be_done_by_many_at_once()
    {
        long steps = tiny.Engine.GetStatistics().Steps;
        ChatMessage[] questions = [.. Enumerable.Range(0, 8).Select(i => TinyClient.Ask(new string('a', 50 * i)))];
        int[] alone = [.. questions.Select(question => _client.CountTokens([question]))];
        int[] together = await Task.WhenAll(questions.Select(question => _client.CountTokensAsync([question], null, TestToken)));
        Assert.Equal(alone, together);
        Assert.Equal(steps, tiny.Engine.GetStatistics().Steps);
    }

    [Fact]
    public async Task What_a_request_refuses_is_not_counted()
    {
        Assert.Throws<ArgumentNullException>("messages", () => _client.CountTokens(null!));
        Assert.Throws<ArgumentException>(() => _client.CountTokens([]));
        Assert.Throws<ArgumentException>(() => _client.CountTokens([new(ChatRole.User, "Hi")], new() { ModelId = "gpt" }));
        await Assert.ThrowsAsync<NotSupportedException>(() => _client.CountTokensAsync(
            [new(ChatRole.User, [new UriContent("https://example.org/cat.png", "image/png")])], null, TestToken));
        await Assert.ThrowsAsync<NotSupportedException>(() => _client.CountTokensAsync(
            [new(ChatRole.User, "Hi")], new() { Reasoning = new() { Effort = ReasoningEffort.High } }, TestToken));
    }

    [Fact]
    public async Task Counting_loads_the_model_where_it_may_wait_for_it()
    {
        await using ServiceProvider provider = new ServiceCollection()
            .AddHShareChatClient(options =>
                (options.Backend, options.MaxContext, options.KvCacheMegabytes, options.Threads) = (HShareBackend.Cpu, 256, 4, 1))
            .BuildServiceProvider();
        var client = provider.GetRequiredService<HShareChatClient>();
        ChatMessage[] hello = [new(ChatRole.User, "Hello")];
        var error = Assert.Throws<InvalidOperationException>(() => client.CountTokens(hello));
        Assert.Contains("CountTokensAsync", error.Message, StringComparison.Ordinal);
        Assert.Null(client.GetService(typeof(LanguageModel)));
        Assert.Equal(await client.CountTokensAsync(hello, null, TestToken), client.CountTokens(hello));
        Assert.NotNull(client.GetService(typeof(InferenceEngine)));
    }

    [Fact]
    public async Task The_error_of_a_prompt_over_the_context_names_what_was_counted()
    {
        ChatMessage[] book = [new(ChatRole.User, string.Concat(Enumerable.Repeat(TinyClient.Document, 30)))];
        var error = await Assert.ThrowsAsync<PromptTooLongException>(
            () => _client.GetResponseAsync(book, new() { MaxOutputTokens = 100 }, TestToken));
        Assert.Equal((_client.CountTokens(book), 100, 2048), (error.PromptTokens, error.RequestedOutputTokens, error.Limit));
        foreach (int number in new[] { error.PromptTokens, 100, 2048 })
            Assert.Contains($"{number}", error.Message, StringComparison.Ordinal);
    }
}
