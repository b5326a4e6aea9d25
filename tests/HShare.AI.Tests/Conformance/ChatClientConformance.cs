using System.Text.Json;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.Conformance;

/// <summary>What apps and middleware rely on in any <see cref="IChatClient"/>, whatever its model: answers, updates and usage.</summary>
/// <remarks>
/// Function calls are examined by <see cref="ToolConformance"/>, required ones by <see cref="RequiredCallConformance"/>, and
/// answers in JSON by <see cref="StructuredOutputConformance"/>.
/// </remarks>
public abstract class ChatClientConformance(ConformanceSubject subject)
{
    private const IEnumerable<ChatMessage> NoMessages = null!;

    private readonly HShareChatClient _client = subject.Client;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_empty_message_is_answered()
    {
        foreach (ChatMessage empty in new ChatMessage[] { new(ChatRole.User, ""), new(ChatRole.User, []) })
        {
            ChatResponse response = await _client.GetResponseAsync([empty], TinyClient.Tokens(3), TestToken);
            Assert.Equal((ChatRole.Assistant, 3), (Assert.Single(response.Messages).Role, response.Usage!.OutputTokenCount));
        }
    }

    [Fact]
    public async Task An_answer_has_a_text_a_finish_reason_and_its_usage()
    {
        ChatResponse response = await _client.GetResponseAsync([subject.Question], cancellationToken: TestToken);
        Assert.NotEmpty(response.Text);
        Assert.DoesNotContain("<|", response.Text, StringComparison.Ordinal);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        UsageDetails usage = response.Usage!;
        Assert.True(usage.InputTokenCount > 0 && usage.OutputTokenCount > 1);
        Assert.Equal(usage.InputTokenCount + usage.OutputTokenCount, usage.TotalTokenCount);
        Assert.InRange(usage.CachedInputTokenCount!.Value, 0, usage.InputTokenCount!.Value);
        Assert.Equal(_client.CountTokens([subject.Question]), usage.InputTokenCount);
    }

    [Fact]
    public async Task Streaming_gives_what_not_streaming_gives()
    {
        ChatResponse whole = await _client.GetResponseAsync([subject.Question], cancellationToken: TestToken);
        List<ChatResponseUpdate> updates = await CollectAsync([subject.Question]);
        ChatResponse streamed = updates.ToChatResponse();
        Assert.Equal(whole.Text, string.Concat(updates.Select(update => update.Text)));
        Assert.Equal((whole.Text, whole.FinishReason, whole.ModelId), (streamed.Text, streamed.FinishReason, streamed.ModelId));
        Assert.Equal(whole.Usage!.InputTokenCount, streamed.Usage!.InputTokenCount);
        Assert.Equal(whole.Usage.OutputTokenCount, streamed.Usage.OutputTokenCount);
        Assert.Single(updates.SelectMany(update => update.Contents).OfType<UsageContent>());
        Assert.True(updates.Count > 2, "Text comes as it is written.");
    }

    [Fact]
    public async Task The_updates_of_an_answer_have_its_ids_and_another_answer_has_others()
    {
        List<ChatResponseUpdate> first = await CollectAsync([subject.Question]), second = await CollectAsync([subject.Question]);
        foreach (List<ChatResponseUpdate> updates in new[] { first, second })
        {
            Assert.Single(updates.Select(u => (u.MessageId, u.ResponseId, u.ModelId, u.CreatedAt, u.Role, u.ConversationId)).Distinct());
            Assert.Equal(ChatRole.Assistant, updates[0].Role);
            Assert.NotNull(updates[0].CreatedAt);
            Assert.All(updates.SkipLast(1), update => Assert.Null(update.FinishReason));
            Assert.NotNull(updates[^1].FinishReason);
        }

        Assert.Equal(4, new[] { first[0].MessageId, first[0].ResponseId, second[0].MessageId, second[0].ResponseId }.Distinct().Count());
    }

    [Fact]
    public async Task A_response_appended_to_the_history_is_part_of_the_next_prompt()
    {
        List<ChatMessage> history = [new(ChatRole.System, "Be brief."), subject.Question];
        ChatResponse first = await _client.GetResponseAsync(history, cancellationToken: TestToken);
        history.AddMessages(first);
        history.Add(new ChatMessage(ChatRole.User, "And what else?"));
        Assert.Contains(first.Text, subject.RenderPrompt(history), StringComparison.Ordinal);
        ChatResponse second = await _client.GetResponseAsync(history, TinyClient.Tokens(2), TestToken);
        Assert.True(second.Usage!.InputTokenCount > first.Usage!.TotalTokenCount);
        Assert.Equal(4, history.Count);
    }

    [Fact]
    public void Metadata_and_services_are_stable_and_a_key_finds_nothing()
    {
        var metadata = _client.GetRequiredService<ChatClientMetadata>();
        Assert.Same(metadata, _client.GetService(typeof(ChatClientMetadata)));
        Assert.Matches("^[a-z0-9_.-]+$", metadata.ProviderName);
        Assert.False(string.IsNullOrEmpty(metadata.DefaultModelId));
        Assert.Same(_client, _client.GetService(typeof(IChatClient)));
        Assert.Null(_client.GetService(typeof(IChatClient), "key"));
        Assert.Null(_client.GetService(typeof(Uri)));
        Assert.Throws<ArgumentNullException>(() => _client.GetService(null!));
    }

    [Fact]
    public async Task The_model_of_a_response_is_that_of_the_metadata_and_may_be_asked_for()
    {
        string id = _client.GetRequiredService<ChatClientMetadata>().DefaultModelId!;
        ChatOptions options = TinyClient.Tokens(1);
        options.ModelId = id;
        Assert.Equal(id, (await _client.GetResponseAsync([subject.Question], options, TestToken)).ModelId);
    }

    [Fact]
    public async Task Options_and_messages_come_back_as_they_were()
    {
        ChatOptions options = new()
        {
            Instructions = "Be brief.",
            Temperature = 0.5f,
            TopP = 0.9f,
            TopK = 40,
            Seed = 7,
            MaxOutputTokens = 2,
            PresencePenalty = 0.1f,
            FrequencyPenalty = 0.1f,
            StopSequences = ["###"],
            Tools = [subject.Tool],
            ToolMode = ChatToolMode.Auto,
            AllowMultipleToolCalls = false,
            AdditionalProperties = new() { [GenerationOptionKeys.MinP] = 0.01 },
        };
        ChatMessage[] messages = [subject.Question, new(ChatRole.Assistant, "Yes."), new(ChatRole.User, "Go on.")];
        string before = Describe();
        int enumerations = 0;
        await _client.GetResponseAsync(Once(), options, TestToken);
        Assert.Equal((before, 1), (Describe(), enumerations));

        string Describe() => JsonSerializer.Serialize(options, AIJsonUtilities.DefaultOptions)
            + JsonSerializer.Serialize(messages, AIJsonUtilities.DefaultOptions) + options.Tools!.Count;

        IEnumerable<ChatMessage> Once()
        {
            enumerations++;
            foreach (ChatMessage message in messages)
                yield return message;
        }
    }

    [Fact]
    public async Task A_limit_ends_the_answer_with_Length_and_a_stop_text_with_Stop()
    {
        string full = (await _client.GetResponseAsync([subject.Question], cancellationToken: TestToken)).Text;
        ChatResponse cut = await _client.GetResponseAsync([subject.Question], new() { MaxOutputTokens = 2 }, TestToken);
        Assert.Equal((ChatFinishReason.Length, 2), (cut.FinishReason, cut.Usage!.OutputTokenCount));
        Assert.StartsWith(cut.Text, full, StringComparison.Ordinal);

        string stop = full[(full.Length / 2)..(full.Length / 2 + 3)];
        ChatResponse stopped = await _client.GetResponseAsync([subject.Question], new() { StopSequences = [stop] }, TestToken);
        Assert.Equal((full[..full.IndexOf(stop, StringComparison.Ordinal)], ChatFinishReason.Stop), (stopped.Text, stopped.FinishReason));
    }

    [Fact]
    public void Null_is_refused_at_the_call_also_when_streaming()
    {
        Assert.Throws<ArgumentNullException>("messages", () => _client.GetStreamingResponseAsync(NoMessages, null, TestToken));
        Assert.Throws<ArgumentNullException>("messages", () => { _ = _client.GetResponseAsync(NoMessages, null, TestToken); });
    }

    [Fact]
    public void What_cannot_be_honoured_is_refused_by_name()
    {
        (ChatOptions Options, string Name)[] refused =
        [
            (new() { ConversationId = "c" }, "ConversationId"),
            (new() { Reasoning = new() { Output = ReasoningOutput.Summary } }, "Reasoning.Output"),
        ];
        foreach ((ChatOptions options, string name) in refused)
        {
            var error = Assert.Throws<NotSupportedException>(
                () => _client.GetStreamingResponseAsync([subject.Question], options, TestToken));
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Cancelling_ends_an_answer_before_it_starts_and_while_it_comes()
    {
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _client.GetResponseAsync([subject.Question], null, cancelled));

        ChatOptions endless = TinyClient.Tokens(1500);
        using var cancel = new CancellationTokenSource();
        int count = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in _client.GetStreamingResponseAsync([subject.Question], endless, cancel.Token))
            {
                if (++count == 3)
                    await cancel.CancelAsync();
            }
        });
        Assert.InRange(count, 3, 1400);

        await foreach (ChatResponseUpdate _ in _client.GetStreamingResponseAsync([subject.Question], endless, TestToken))
            break;
        await subject.AssertIdleAsync();
    }

    [Fact]
    public async Task Callers_at_once_get_the_answers_they_get_alone()
    {
        ChatMessage[] questions = [subject.Question, new(ChatRole.User, "Hello"), subject.ToolQuestion, new(ChatRole.User, "")];
        List<string> alone = [];
        foreach (ChatMessage question in questions)
            alone.Add((await _client.GetResponseAsync([question], TinyClient.Tokens(12), TestToken)).Text);
        ChatResponse[] together = await Task.WhenAll(
            questions.Select(question => Task.Run(() => _client.GetResponseAsync([question], TinyClient.Tokens(12), TestToken))));
        Assert.Equal(alone, together.Select(response => response.Text));
    }

    [Fact]
    public async Task A_cache_around_it_gives_back_what_it_gave()
    {
        var cache = new CachingClient(_client);
        ChatResponse first = await cache.GetResponseAsync([subject.Question], cancellationToken: TestToken);
        long steps = subject.Engine.GetStatistics().Steps;
        ChatResponse again = await cache.GetResponseAsync([subject.Question], cancellationToken: TestToken);
        Assert.Equal(steps, subject.Engine.GetStatistics().Steps);
        Assert.Equal((first.Text, first.ResponseId, first.FinishReason), (again.Text, again.ResponseId, again.FinishReason));
        Assert.Equal(first.Usage!.CachedInputTokenCount, again.Usage!.CachedInputTokenCount);
        Assert.Equal(first.Messages[0].MessageId, again.Messages[0].MessageId);
        await cache.GetResponseAsync([subject.Question], new() { MaxOutputTokens = 1 }, TestToken);
        Assert.True(subject.Engine.GetStatistics().Steps > steps, "Other options are another question.");
        Assert.Same(_client, cache.GetService(typeof(HShareChatClient)));
    }

    private async Task<List<ChatResponseUpdate>> CollectAsync(ChatMessage[] messages)
    {
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in _client.GetStreamingResponseAsync(messages, cancellationToken: TestToken))
            updates.Add(update);
        return updates;
    }

    /// <summary>What a distributed cache does: keeps responses as JSON, under the JSON of messages and options.</summary>
    private sealed class CachingClient(IChatClient inner) : DelegatingChatClient(inner)
    {
        private readonly Dictionary<string, string> _responses = [];

        public override async Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            ChatMessage[] all = [.. messages];
            string key = JsonSerializer.Serialize(all, AIJsonUtilities.DefaultOptions)
                + JsonSerializer.Serialize(options, AIJsonUtilities.DefaultOptions);
            if (!_responses.TryGetValue(key, out string? json))
            {
                ChatResponse response = await base.GetResponseAsync(all, options, cancellationToken);
                _responses[key] = json = JsonSerializer.Serialize(response, AIJsonUtilities.DefaultOptions);
            }

            return JsonSerializer.Deserialize<ChatResponse>(json, AIJsonUtilities.DefaultOptions)!;
        }
    }
}
