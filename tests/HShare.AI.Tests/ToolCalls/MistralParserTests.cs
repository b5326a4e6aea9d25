using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.ToolCalls;

public class MistralParserTests
{
    [Theory]
    [InlineData("The tide is [high].", "text: The tide is [high].")]
    [InlineData("[TOOL_CALLS][{\"name\": \"tide\", \"arguments\": {\"day\": 1}}]", "call: tide {\"day\":1}")]
    [InlineData("[TOOL_CALLS] [ {\"name\": \"tide\", \"arguments\": {\"day\": 1}} ] ", "call: tide {\"day\":1}")]
    [InlineData("[TOOL_CALLS]{\"name\": \"tide\", \"arguments\": {\"day\": 1}}", "call: tide {\"day\":1}")]
    [InlineData("[TOOL_CALLS]tide[ARGS]{\"day\": 1}", "call: tide {\"day\":1}")]
    [InlineData("[TOOL_CALLS]tide{\"day\": 1}", "call: tide {\"day\":1}")]
    [InlineData("[TOOL_CALLS]tide[CALL_ID]abcDEF123[ARGS]{\"day\": 1}", "call: tide {\"day\":1}")]
    [InlineData("[TOOL_CALLS]tide[ARGS]{\"day\": 1,}", "broken: tide {\"day\": 1,}")]
    [InlineData("[TOOL_CALLS][{\"name\": \"tide\", \"arguments\": {\"day\": x}}]", "broken: tide {\"day\": x}}")]
    public void An_answer_is_text_or_a_call(string answer, string expected) =>
        ParserRun.AssertReads(ToolCallFormat.Mistral, answer, expected);

    [Theory]
    [InlineData("I look.\n[TOOL_CALLS][{\"name\": \"tide\", \"arguments\": {\"a\": \"]\"}}, {\"name\": \"wind\", \"arguments\": {}}]")]
    [InlineData("I look.[TOOL_CALLS][{\"name\":\"tide\",\"arguments\":{\"a\":\"]\"}},{\"name\":\"wind\",\"arguments\":{}}")] // cut off
    [InlineData("I look.[TOOL_CALLS]tide[ARGS]{\"a\": \"]\"}[TOOL_CALLS]wind[ARGS]{}")]
    [InlineData("I look.[TOOL_CALLS]tide{\"a\": \"]\"}[TOOL_CALLS]wind{}")]
    public void Calls_follow_text_and_each_other(string answer) =>
        ParserRun.AssertReads(ToolCallFormat.Mistral, answer, "text: I look.", "call: tide {\"a\":\"]\"}", "call: wind {}");

    [Fact]
    public void Text_may_follow_a_list() => ParserRun.AssertReads(
        ToolCallFormat.Mistral, """[TOOL_CALLS][{"name": "tide"}] [TOOL_CALLS][{"name": "wind"}] Done.""",
        "call: tide {}", "call: wind {}", "text:  Done.");

    [Fact]
    public void What_follows_a_call_in_a_list_and_is_none_is_text() => ParserRun.AssertReads(
        ToolCallFormat.Mistral, """[TOOL_CALLS][{"name": "tide"}, {"name": "wi""", "call: tide {}", "text: , {\"name\": \"wi");

    [Theory]
    [InlineData("[TOOL_CALLS]")]
    [InlineData("[TOOL_CALLS][]")]
    [InlineData("[TOOL_CALLS][{\"name\": \"tide\", ")]
    [InlineData("[TOOL_CALLS][{\"tide\": 1}]")]
    [InlineData("[TOOL_CALLS]tide[ARGS]{\"day\": ")]
    [InlineData("[TOOL_CALLS]I look at the {tide}.")]
    [InlineData("[TOOL_CALLS]\"tide\"")]
    [InlineData("[TOOL_CALL] [TOOL_")]
    public void What_is_no_complete_call_is_text(string answer) => ParserRun.AssertReads(ToolCallFormat.Mistral, answer, "text: " + answer);

    [Fact]
    public void Calls_of_a_list_come_out_one_by_one()
    {
        var parser = ToolCallParser.Create(ToolCallFormat.Mistral, new(), new HashSet<string>());
        Assert.Equal(["call: tide {}"], ParserRun.Lines(parser.Append("[TOOL_CALLS][{\"name\": \"tide\"}")));
        Assert.Empty(parser.Append(", {\"name\": \"wind\""));
        Assert.Equal(["call: wind {}"], ParserRun.Lines(parser.Append("}")));
        Assert.Empty(parser.Append("]"));
    }

    [Fact]
    public void Ids_have_nine_letters_or_digits_and_are_the_models_own_where_they_can_be()
    {
        string[] answers =
        [
            """[TOOL_CALLS][{"name": "tide", "arguments": {}, "id": "abcdef123"}, {"name": "wind", "arguments": {}, "id": "abcdef123"},"""
            + """ {"name": "wind", "id": "too-short"}, {"name": "wind"}][TOOL_CALLS]tide[CALL_ID]ABCDEF123[ARGS]{}""",
        ];
        string[] ids = [.. ParserRun.Run(ToolCallFormat.Mistral, answers).Cast<FunctionCallContent>().Select(call => call.CallId)];
        Assert.Equal(5, ids.Distinct().Count());
        Assert.Equal(("abcdef123", "ABCDEF123"), (ids[0], ids[4]));
        Assert.All(ids, id => Assert.Matches("^[A-Za-z0-9]{9}$", id));
    }
}
