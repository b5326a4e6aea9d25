using HShare.AI.Engine.Scheduling;
using HShare.AI.Engine.Tokenization;
using HShare.AI.Tests.ToolCalls;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;

namespace HShare.AI.Tests;

/// <summary>What becomes of the tokens of an answer: reasoning, text and calls.</summary>
public class AnswerTests
{
    private static readonly Tokenizer Tiny = Tokenizer.Load(Path.Combine(TestFiles.TinyModel, "tokenizer.json"));

    private static readonly Lazy<Tokenizer> Llama =
        new(() => Tokenizer.Load(TestFiles.Shared("assets", "tokenizers", "llama-3.1", "tokenizer.json")));

    private static readonly ReasoningMarks Think = new("<think>", "</think>");

    [Fact]
    public void Reasoning_comes_first_and_is_counted()
    {
        ChatResponse response = Read(Tiny, "<think>\nHm, high?\n</think>\n\nIt is high.", new(), Think);
        ChatMessage message = Assert.Single(response.Messages);
        Assert.Equal("Hm, high?", Assert.IsType<TextReasoningContent>(message.Contents[0]).Text);
        Assert.Equal("It is high.", Assert.IsType<TextContent>(message.Contents[1]).Text);
        Assert.Equal(2, message.Contents.Count);
        Assert.Equal("It is high.", response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.InRange(response.Usage!.ReasoningTokenCount!.Value, 3, response.Usage.OutputTokenCount!.Value - 4);
    }

    [Fact]
    public void Reasoning_that_nobody_wants_to_see_is_counted_all_the_same()
    {
        var options = new ChatOptions { Reasoning = new() { Output = ReasoningOutput.None } };
        ChatResponse response = Read(Tiny, "<think>Hm</think>High.", options, Think);
        Assert.IsType<TextContent>(Assert.Single(response.Messages[0].Contents));
        Assert.True(response.Usage!.ReasoningTokenCount > 0);
    }

    [Fact]
    public void A_model_that_does_not_think_aloud_has_no_reasoning()
    {
        ChatResponse response = Read(Tiny, "<think>Hm</think>High.", new(), marks: null);
        Assert.Equal("<think>Hm</think>High.", response.Text);
        Assert.Null(response.Usage!.ReasoningTokenCount);
    }

    [Fact]
    public void Reasoning_text_and_calls_keep_their_order_and_calls_in_reasoning_are_none()
    {
        const string Answer = """
            <think>I could <tool_call>{"name": "wind"}</tool_call>.</think>
            I look.
            <tool_call>{"name": "tide", "arguments": {"text": "<think>"}}</tool_call>
            """;
        ChatResponse response = Read(Tiny, Answer, WithTide(), Think, ToolCallFormat.Hermes);
        IList<AIContent> contents = response.Messages.Single().Contents;
        Assert.Equal("""I could <tool_call>{"name": "wind"}</tool_call>.""", Assert.IsType<TextReasoningContent>(contents[0]).Text);
        Assert.Equal(["text: I look.", "call: tide {\"text\":\"\\u003Cthink\\u003E\"}"], ParserRun.Lines(contents.Skip(1)));
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
    }

    [Fact]
    public void Stop_texts_end_the_text_only_and_do_not_reach_over_a_call()
    {
        const string Answer =
            """<think>one END</think>EN<tool_call>{"name": "tide", "arguments": {"a": "END"}}</tool_call>D two END three""";
        ChatOptions options = WithTide();
        options.StopSequences = ["END"];
        ChatResponse response = Read(Tiny, Answer, options, Think, ToolCallFormat.Hermes);
        IList<AIContent> contents = response.Messages.Single().Contents;
        Assert.Equal("one END", Assert.IsType<TextReasoningContent>(contents[0]).Text);
        Assert.Equal(["text: EN", "call: tide {\"a\":\"END\"}", "text: D two "], ParserRun.Lines(contents.Skip(1)));
    }

    [Fact]
    public void Nothing_follows_the_only_call_allowed()
    {
        ChatOptions options = WithTide();
        options.AllowMultipleToolCalls = false;
        const string Answer = "I look. [TOOL_CALLS][{\"name\": \"tide\"}, {\"name\": \"tide\"}] Done.";
        ChatResponse response = Read(Tiny, Answer, options, format: ToolCallFormat.Mistral);
        Assert.Equal(["text: I look.", "call: tide {}"], ParserRun.Lines(response.Messages.Single().Contents));
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
        Assert.True(response.Usage!.OutputTokenCount < Tiny.Encode(Answer).Count - 5);
    }

    [Theory]
    [InlineData("<|python_tag|>{\"name\": \"tide\", \"parameters\": {}}", "call: tide {}")]
    [InlineData("<|python_tag|>tide()", "text: <|python_tag|>tide()")]
    [InlineData("High.<|python_tag|>{\"name\": \"tide\"}", "text: High.", "call: tide {}")]
    public void Marks_that_are_special_tokens_count(string answer, params string[] expected)
    {
        ChatResponse response = Read(Llama.Value, answer, WithTide(), format: ToolCallFormat.Llama);
        Assert.Equal(expected, ParserRun.Lines(response.Messages.Single().Contents));
        Assert.DoesNotContain("<|python_tag|>", Read(Llama.Value, answer, new()).Text, StringComparison.Ordinal);
    }

    private static ChatOptions WithTide() => new() { Tools = [AIFunctionFactory.Create(() => "high", "tide")] };

    /// <summary>Reads a text as the tokens of a model, with the end that the client's loop makes.</summary>
    private static ChatResponse Read(
        Tokenizer tokenizer, string text, ChatOptions options, ReasoningMarks? marks = null, ToolCallFormat? format = null)
    {
        RequestOptions request = RequestOptions.Read(
            options, new HShareChatClient(new HShareOptions { ModelId = "m" }, logger: null), "m", NullLogger.Instance);
        var answer = new Answer(
            "m", tokenizer, request, marks is null ? null : new ReasoningSplitter(marks, isOpen: false),
            format is { } known ? ToolCallParser.Create(known, new CallIds(), request.Tools!.Names) : null);
        List<ChatResponseUpdate> updates = [];
        foreach (int id in tokenizer.EncodeWithSpecialTokens(text))
        {
            updates.AddRange(answer.Append(new GeneratedToken(id, null, null)));
            if (answer.HasEnded)
                break;
        }

        if (!answer.HasEnded)
            updates.AddRange(answer.Append(new GeneratedToken(0, GenerationEnd.Stop, null)));
        updates.AddRange(answer.Finish(1, 0));
        Assert.Single(updates.Select(update => (update.MessageId, update.ResponseId)).Distinct());
        Assert.All(updates, update => Assert.Single(update.Contents));
        return updates.ToChatResponse();
    }
}
