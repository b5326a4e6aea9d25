namespace HShare.AI.Tests.ToolCalls;

public class HermesParserTests
{
    [Theory]
    [InlineData("The tide is high.", "text: The tide is high.")]
    [InlineData(" \n ", "text:  \n ")]
    [InlineData("a < b and <tool_calls>, <tool_cal", "text: a < b and <tool_calls>, <tool_cal")]
    [InlineData(
        "<tool_call>\n{\"name\": \"tide\", \"arguments\": {\"port\": \"Varn\", \"day\": 3}}\n</tool_call>",
        "call: tide {\"port\":\"Varn\",\"day\":3}")]
    [InlineData("<tool_call>{\"arguments\":{},\"name\":\"tide\"}</tool_call>\n", "call: tide {}")]
    [InlineData("<tool_call>{\"name\": \"tide\"}</tool_call>", "call: tide {}")]
    [InlineData("<tool_call>{\"name\": \"tide\", \"arguments\": null}</tool_call>", "call: tide {}")]
    [InlineData("<tool_call>{\"name\": \"tide\", \"arguments\": \"{\\\"day\\\": 1}\"}</tool_call>", "call: tide {\"day\":1}")]
    [InlineData("<tool_call>{\"name\": \"unknown\", \"parameters\": {\"a\": [1, {}]}}</tool_call>", "call: unknown {\"a\":[1,{}]}")]
    public void An_answer_is_text_or_a_call(string answer, string expected) =>
        ParserRun.AssertReads(ToolCallFormat.Hermes, answer, expected);

    [Fact]
    public void Text_and_calls_take_turns_and_the_white_space_around_calls_is_markup() => ParserRun.AssertReads(
        ToolCallFormat.Hermes,
        """
        I look.

        <tool_call>
        {"name": "tide", "arguments": {"day": 1}}
        </tool_call>
        <tool_call>
        {"name": "wind", "arguments": {"day": 2}}
        </tool_call>
        That is all.
        <tool_call>
        {"name": "tide", "arguments": {"day": 3}}
        </tool_call>

        """,
        "text: I look.",
        "call: tide {\"day\":1}",
        "call: wind {\"day\":2}",
        "text: \nThat is all.",
        "call: tide {\"day\":3}");

    [Fact]
    public void A_mark_in_an_argument_closes_nothing() => ParserRun.AssertReads(
        ToolCallFormat.Hermes,
        """<tool_call>{"name": "tide", "arguments": {"port": "</tool_call> \" <tool_call>"}}</tool_call>!""",
        "call: tide {\"port\":\"\\u003C/tool_call\\u003E \\u0022 \\u003Ctool_call\\u003E\"}",
        "text: !");

    [Theory]
    [InlineData("{\"name\": \"tide\", \"arguments\": {\"day\": 1,}}", "broken: tide {\"day\": 1,}}")]
    [InlineData("{\"name\": \"tide\", \"arguments\": {\"day\": 1", "broken: tide {\"day\": 1")]
    [InlineData("{\"name\": \"tide\", \"arguments\": {\"day\": \"1}}", "broken: tide {\"day\": \"1}}")]
    [InlineData("{\"name\": \"tide\", \"arguments\": [1]}", "broken: tide [1]")]
    [InlineData("{\"name\": \"tide\", \"arguments\": 'day'}", "broken: tide 'day'}")]
    [InlineData("{\"name\": \"tide\", \"arguments\": \"day\"}", "broken: tide day")]
    [InlineData("{\"name\": \"tide\", \"arguments\": {\"day\": 1}", "call: tide {\"day\":1}")]
    public void Malformed_arguments_are_the_calls_error(string json, string expected) => ParserRun.AssertReads(
        ToolCallFormat.Hermes,
        $$"""Now:<tool_call>{{json}}</tool_call><tool_call>{"name": "wind"}</tool_call>""",
        "text: Now:",
        expected,
        "call: wind {}");

    [Theory]
    [InlineData("I look. <tool_call>")]
    [InlineData("I look. <tool_call>\n{\"name\": \"tide\", \"argu")]
    [InlineData("<tool_call>{\"name\": \"tide\", \"arguments\": {}}")]
    [InlineData("<tool_call>{\"name\": \"tide\", \"arguments\": {}}</tool_call")]
    [InlineData("<tool_call></tool_call>")]
    [InlineData("<tool_call>tide</tool_call> and more")]
    [InlineData("<tool_call>{\"arguments\": {}}</tool_call>")]
    [InlineData("<tool_call>{\"name\": 3}</tool_call>")]
    [InlineData("<tool_call>[{\"name\": \"tide\"}]</tool_call>")]
    [InlineData("</tool_call><tool_call><tool_call>")]
    public void What_is_no_complete_call_is_text(string answer) => ParserRun.AssertReads(ToolCallFormat.Hermes, answer, "text: " + answer);

    [Fact]
    public void A_call_behind_one_that_never_completes_is_found() => ParserRun.AssertReads(
        ToolCallFormat.Hermes,
        """<tool_call>{"name <tool_call>{"name": "tide", "arguments": {}}</tool_call>""",
        "text: <tool_call>{\"name",
        "call: tide {}");

    [Fact]
    public void Text_streams_at_once_and_a_call_comes_when_it_is_complete()
    {
        var parser = HShare.AI.ToolCalls.ToolCallParser.Create(ToolCallFormat.Hermes, new(), new HashSet<string>());
        Assert.Equal(["text: I"], ParserRun.Lines(parser.Append("I")));
        Assert.Equal(["text:  look"], ParserRun.Lines(parser.Append(" look")));
        Assert.Empty(parser.Append("\n<tool"));
        Assert.Equal(["text: \n<tools>"], ParserRun.Lines(parser.Append("s>")));
        Assert.Empty(parser.Append("<tool_call>{\"name\": \"tide\"}</tool_call"));
        Assert.Equal(["call: tide {}"], ParserRun.Lines(parser.Append(">")));
        Assert.Empty(parser.Append("\n"));
        Assert.Empty(parser.Flush());
    }
}
