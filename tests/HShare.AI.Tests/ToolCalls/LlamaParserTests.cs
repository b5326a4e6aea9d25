namespace HShare.AI.Tests.ToolCalls;

public class LlamaParserTests
{
    [Theory]
    [InlineData("The tide is high.", "text: The tide is high.")]
    [InlineData("{\"name\": \"tide\", \"parameters\": {\"port\": \"Varn\"}}", "call: tide {\"port\":\"Varn\"}")]
    [InlineData("\n{ \"type\": \"function\", \"name\": \"tide\", \"parameters\": {\"a\": \"}{\"}}\n", "call: tide {\"a\":\"}{\"}")]
    [InlineData("{\"function\": \"tide\", \"parameters\": {}}", "call: tide {}")]
    [InlineData("<|python_tag|>{\"name\": \"tide\", \"parameters\": {\"day\": 1}}", "call: tide {\"day\":1}")]
    [InlineData("<|python_tag|>{\"parameters\": {}, \"name\": \"unknown\"}", "call: unknown {}")]
    [InlineData("{\"name\": \"tide\", \"parameters\": {\"day\": 01}}", "broken: tide {\"day\": 01}}")]
    public void An_answer_is_text_or_a_call(string answer, string expected) =>
        ParserRun.AssertReads(ToolCallFormat.Llama, answer, expected);

    [Theory]
    [InlineData("{\"name\": \"tide\", \"parameters\": {\"day\": 1}}; {\"name\": \"wind\", \"parameters\": {}}")]
    [InlineData("{\"name\": \"tide\", \"parameters\": {\"day\": 1}}\n{\"name\": \"wind\", \"parameters\": {}}\n")]
    [InlineData("<|python_tag|>{\"name\": \"tide\", \"parameters\": {\"day\": 1}};{\"name\": \"wind\", \"parameters\": {}}")]
    [InlineData("<|python_tag|>{\"name\": \"tide\", \"parameters\": {\"day\": 1}}<|python_tag|>{\"name\": \"wind\", \"parameters\": {}}")]
    public void Calls_follow_each_other(string answer) =>
        ParserRun.AssertReads(ToolCallFormat.Llama, answer, "call: tide {\"day\":1}", "call: wind {}");

    [Fact]
    public void The_tag_makes_a_call_behind_text_too() => ParserRun.AssertReads(
        ToolCallFormat.Llama,
        """I look. <|python_tag|>{"name": "tide", "parameters": {}} Done: {"name": "wind"}""",
        "text: I look.",
        "call: tide {}",
        "text:  Done: {\"name\": \"wind\"}");

    [Theory]
    [InlineData("{\"tide\": \"high\"}")]
    [InlineData("{\"name\": \"Varn\", \"parameters\": {}} is a port.")]
    [InlineData("{\"name\": \"tide\"")]
    [InlineData("{curly} {\"name\": \"tide\", \"parameters\": {}}")]
    [InlineData("As JSON: {\"name\": \"tide\", \"parameters\": {}}")]
    [InlineData("<|python_tag|>print(\"tide\")")]
    [InlineData("<|python_tag|>{\"name\": \"tide\", \"parameters\": {")]
    [InlineData("<|python_ta")]
    [InlineData("{}")]
    [InlineData("{")]
    [InlineData("; {")]
    public void What_is_no_complete_call_is_text(string answer) => ParserRun.AssertReads(ToolCallFormat.Llama, answer, "text: " + answer);

    [Fact]
    public void An_answer_that_is_other_JSON_streams()
    {
        var parser = HShare.AI.ToolCalls.ToolCallParser.Create(ToolCallFormat.Llama, new(), new HashSet<string> { "tide" });
        Assert.Empty(parser.Append("{ \""));
        Assert.Equal(["text: { \"port\":"], ParserRun.Lines(parser.Append("port\":")));
        Assert.Equal(["text:  \"Varn\""], ParserRun.Lines(parser.Append(" \"Varn\"")));
    }
}
