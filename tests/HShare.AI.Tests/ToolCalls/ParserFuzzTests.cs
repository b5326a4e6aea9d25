using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.ToolCalls;

/// <summary>Streams put together from the parts that parsers look for, in orders that no model would choose.</summary>
public class ParserFuzzTests
{
    private const string Json = "{\"name\": \"tide\", \"arguments\": {\"a\": 1}}";

    private static readonly string[] Parts =
    [
        Json, $"<tool_call>{Json}</tool_call>", $"<|python_tag|>{Json};", $"[TOOL_CALLS][{Json}, ", "[TOOL_CALLS]tide[ARGS]{\"a\": 1}",
        "<tool_call>\n{\"name\": \"tide\", \"arguments\": {\"a\": \"",
        "<tool_call>", "</tool_call>", "<tool_", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "[", "]", "<|python_tag|>", "<|python", "{", "}",
        "\"", "\\", "\"name\": ", "\"tide\"", "\"arguments\": ", "\"parameters\": {}", ", ", ";", "tide", " ", "\n", "{}", "é😀",
        "{\"name\": \"tide\", \"parameters\": {",
    ];

    [Theory]
    [InlineData(ToolCallFormat.Hermes)]
    [InlineData(ToolCallFormat.Llama)]
    [InlineData(ToolCallFormat.Mistral)]
    public void However_a_stream_is_cut_the_same_comes_out_and_no_text_is_lost(ToolCallFormat format)
    {
        int calls = 0;
        for (int seed = 0; seed < 600; seed++)
        {
            var random = new Random(seed);
            string answer = string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => Parts[random.Next(Parts.Length)]));
            List<AIContent> whole = ParserRun.Run(format, [answer]);
            List<string> lines = ParserRun.Lines(whole);
            Assert.Equal(lines, ParserRun.Lines(ParserRun.Run(format, answer.Select(c => c.ToString()))));
            Assert.Equal(lines, ParserRun.Lines(ParserRun.Run(format, ParserRun.Cut(answer, random))));

            calls += whole.OfType<FunctionCallContent>().Count();
            if (whole.All(content => content is TextContent))
                Assert.Equal(answer, string.Concat(whole));
            int at = 0;
            foreach (TextContent text in whole.OfType<TextContent>())
            {
                at = answer.IndexOf(text.Text, at, StringComparison.Ordinal);
                Assert.True(at >= 0, $"{seed}: '{text.Text}' is no part of '{answer}'.");
                at += text.Text.Length;
            }
        }

        Assert.True(calls > 100, $"{calls} calls");
    }

    [Theory]
    [InlineData(ToolCallFormat.Hermes, "<tool_call>\"", "</tool_call>")]
    [InlineData(ToolCallFormat.Hermes, "", "<tool_call>")]
    [InlineData(ToolCallFormat.Llama, "{\"name\": \"tide\", \"parameters\": ", "{\"a\": ")]
    [InlineData(ToolCallFormat.Mistral, "[TOOL_CALLS][{\"name\": \"tide\"}, ", "{\"a\": ")]
    public void A_long_answer_made_to_be_held_back_is_read_in_time(ToolCallFormat format, string begin, string repeated)
    {
        string answer = begin + string.Concat(Enumerable.Repeat(repeated, 2000));
        long started = TimeProvider.System.GetTimestamp();
        List<AIContent> contents = ParserRun.Run(format, answer.Chunk(8).Select(piece => new string(piece)));
        TimeSpan time = TimeProvider.System.GetElapsedTime(started);
        Assert.EndsWith(repeated.TrimEnd(), string.Concat(contents.OfType<TextContent>()).TrimEnd());
        Assert.True(time < TimeSpan.FromSeconds(5), $"{time} for {answer.Length} characters");
    }
}
