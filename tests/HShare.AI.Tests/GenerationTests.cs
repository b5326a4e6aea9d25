using Microsoft.Extensions.AI;

namespace HShare.AI.Tests;

/// <summary>How answers are drawn, cut and reported, on the bundled model.</summary>
[Collection(nameof(TinyClient))]
public class GenerationTests(TinyClient tiny)
{
    private static readonly ChatMessage Question = TinyClient.Ask("Tell me about the harbour.");

    private readonly HShareChatClient _client = tiny.Client;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_output_limit_is_hard_and_ends_with_Length()
    {
        for (int limit = 1; limit <= 3; limit++)
        {
            ChatResponse response = await _client.GetResponseAsync([Question], new() { MaxOutputTokens = limit }, TestToken);
            Assert.Equal((ChatFinishReason.Length, limit), (response.FinishReason, response.Usage!.OutputTokenCount));
        }
    }

    [Fact]
    public async Task Without_a_limit_the_context_ends_the_answer_with_Length()
    {
        await using HShareChatClient client = await HShareChatClient.CreateAsync(
            new HShareOptions { Backend = HShareBackend.Cpu, MaxContext = 64, KvCacheMegabytes = 8, Threads = 2 },
            cancellationToken: TestToken);
        ChatOptions endless = new() { RawRepresentationFactory = _ => new GenerationOptions { IgnoreEndOfSequence = true } };
        ChatResponse response = await client.GetResponseAsync("Hello", endless, TestToken);
        Assert.Equal((ChatFinishReason.Length, 64), (response.FinishReason, response.Usage!.TotalTokenCount));
    }

    [Fact]
    public async Task A_limit_that_the_answer_just_reaches_is_a_Stop()
    {
        ChatMessage question = TinyClient.Ask("What is the password of the chapel?");
        ChatResponse free = await _client.GetResponseAsync([question], cancellationToken: TestToken);
        int tokens = (int)free.Usage!.OutputTokenCount!.Value;
        ChatResponse exact = await _client.GetResponseAsync([question], new() { MaxOutputTokens = tokens }, TestToken);
        Assert.Equal((ChatFinishReason.Stop, free.Text), (exact.FinishReason, exact.Text));
        ChatResponse cut = await _client.GetResponseAsync([question], new() { MaxOutputTokens = tokens - 1 }, TestToken);
        Assert.Equal((ChatFinishReason.Length, free.Text), (cut.FinishReason, cut.Text));
    }

    [Fact]
    public async Task Stop_texts_end_the_answer_across_token_borders()
    {
        string full = (await _client.GetResponseAsync([Question], TinyClient.Tokens(24), TestToken)).Text;
        for (int start = 1; start + 5 < full.Length; start += 4)
        {
            string stop = full.Substring(start, 5);
            ChatOptions options = TinyClient.Tokens(24);
            options.StopSequences = ["no such text", stop];
            List<ChatResponseUpdate> updates = await HShareChatClientTests.CollectAsync(_client, [Question], options);
            Assert.Equal(full[..full.IndexOf(stop, StringComparison.Ordinal)], string.Concat(updates.Select(update => update.Text)));
            Assert.Equal(ChatFinishReason.Stop, updates[^1].FinishReason);
        }

        await tiny.AssertIdleAsync();
    }

    [Fact]
    public async Task A_stop_text_that_never_comes_loses_no_text()
    {
        string full = (await _client.GetResponseAsync([Question], TinyClient.Tokens(24), TestToken)).Text;
        ChatOptions options = TinyClient.Tokens(24);
        options.StopSequences = [full[^3..] + "#"];
        ChatResponse response = await _client.GetResponseAsync([Question], options, TestToken);
        Assert.Equal((full, ChatFinishReason.Length), (response.Text, response.FinishReason));
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_answer()
    {
        async Task<string> Answer(long seed)
        {
            ChatOptions options = TinyClient.Tokens(24);
            (options.Temperature, options.Seed) = (1, seed);
            return (await _client.GetResponseAsync([Question], options, TestToken)).Text;
        }

        string first = await Answer(7);
        Assert.Equal(first, await Answer(7));
        Assert.NotEqual(first, await Answer(8));
        Assert.NotEqual(first, await Answer(7 + (1L << 32)));
    }

    [Fact]
    public async Task Temperature_zero_is_greedy_whatever_else_is_set()
    {
        string greedy = (await _client.GetResponseAsync([Question], TinyClient.Tokens(16), TestToken)).Text;
        ChatOptions options = TinyClient.Tokens(16);
        (options.Temperature, options.TopP, options.TopK) = (0, 0.9f, 40);
        Assert.Equal(greedy, (await _client.GetResponseAsync([Question], options, TestToken)).Text);
        (options.Temperature, options.TopK) = (1.5f, 1);
        Assert.Equal(greedy, (await _client.GetResponseAsync([Question], options, TestToken)).Text);
    }

    [Fact]
    public async Task Penalties_change_the_answer()
    {
        string greedy = (await _client.GetResponseAsync([Question], TinyClient.Tokens(32), TestToken)).Text;
        ChatOptions options = TinyClient.Tokens(32);
        options.AdditionalProperties![GenerationOptionKeys.RepetitionPenalty] = 1.8;
        Assert.NotEqual(greedy, (await _client.GetResponseAsync([Question], options, TestToken)).Text);
    }

    [Fact]
    public async Task Logprobs_come_with_each_update_and_whole_with_the_message()
    {
        ChatOptions options = TinyClient.Tokens(8);
        options.AdditionalProperties![GenerationOptionKeys.TopLogprobs] = 3.0;
        List<ChatResponseUpdate> updates = await HShareChatClientTests.CollectAsync(_client, [Question], options);
        var pieces = updates.SelectMany(update => Assert.IsAssignableFrom<IReadOnlyList<TokenLogprob>>(update.RawRepresentation)).ToList();
        ChatResponse response = updates.ToChatResponse();
        var all = Assert.IsAssignableFrom<IReadOnlyList<TokenLogprob>>(
            response.Messages.Single().AdditionalProperties![GenerationOptionKeys.Logprobs]);
        Assert.Equal(pieces, all);
        Assert.Equal(8, all.Count);
        Assert.All(all, token =>
        {
            Assert.Equal(3, token.Top.Count);
            Assert.Equal((token.Id, token.Logprob), (token.Top[0].Id, token.Top[0].Logprob)); // greedy
            Assert.True(token.Logprob <= 0 && token.Top[0].Logprob >= token.Top[1].Logprob && token.Top[1].Logprob >= token.Top[2].Logprob);
        });

        Assert.Null((await _client.GetResponseAsync([Question], TinyClient.Tokens(2), TestToken)).Messages.Single().AdditionalProperties);
    }

    [Fact]
    public async Task Reading_the_prompt_is_reported()
    {
        var progress = new ListProgress();
        string document = string.Concat(Enumerable.Range(0, 10).Select(i => $"Year {i}. {TinyClient.Document}\n"));
        ChatOptions options = TinyClient.Tokens(2);
        options.RawRepresentationFactory = _ => new GenerationOptions { PromptProgress = progress };
        ChatResponse response = await _client.GetResponseAsync(document, options, TestToken);
        int total = (int)response.Usage!.InputTokenCount!.Value;
        Assert.All(progress.Values, value => Assert.Equal(total, value.TotalTokens));
        Assert.Equal(progress.Values.Select(value => value.TokensRead).Order(), progress.Values.Select(value => value.TokensRead));
        Assert.Equal(new PromptProgress(total, total, (int)response.Usage.CachedInputTokenCount!.Value), progress.Values[^1]);
    }

    [Fact]
    public async Task An_error_of_the_progress_callback_ends_the_request_and_is_the_one_thrown()
    {
        ChatOptions options = TinyClient.Tokens(500);
        options.RawRepresentationFactory = _ => new GenerationOptions { PromptProgress = new FailingProgress() };
        string document = string.Concat(Enumerable.Range(20, 10).Select(i => $"Year {i}. {TinyClient.Document}\n"));
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => _client.GetResponseAsync(document, options, TestToken));
        Assert.Equal("No room on the screen.", error.Message);
        await tiny.AssertIdleAsync();
    }

    private sealed class FailingProgress : IProgress<PromptProgress>
    {
        public void Report(PromptProgress value) => throw new InvalidDataException("No room on the screen.");
    }

    private sealed class ListProgress : IProgress<PromptProgress>
    {
        public List<PromptProgress> Values { get; } = [];

        public void Report(PromptProgress value) => Values.Add(value);
    }
}
