using System.Text;
using System.Text.Json;
using HShare.AI.Engine.Sampling.Constraints;
using HShare.AI.StructuredOutput;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.StructuredOutput;

/// <summary>Each format's grammar against the parser of the same format.</summary>
public class CallGrammarTests
{
    private static readonly CallableTool[] Tools =
    [
        new("add", JsonElement.Parse("""{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}""")),
        new("größe", JsonElement.Parse("""{"type": "object", "properties": {}}""")),
    ];

    [Theory]
    [InlineData(ToolCallFormat.Hermes, "", "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>", 1)]
    [InlineData(ToolCallFormat.Hermes, "",
        "<tool_call>\n{\"name\": \"größe\", \"arguments\": {}}\n</tool_call>\n"
        + "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\":-5}}\n</tool_call>", 2)]
    [InlineData(ToolCallFormat.Llama, "", """{"name": "add", "parameters": {"a": 1}}""", 1)]
    [InlineData(ToolCallFormat.Llama, "", """{"name": "add", "parameters": {"a": 1}}; {"name": "größe", "parameters": {}}""", 2)]
    [InlineData(ToolCallFormat.Mistral, "",
        """[TOOL_CALLS] [{"name": "add", "arguments": {"a": 1}}, {"name": "add", "arguments": {"a": 2}}]""", 2)]
    [InlineData(ToolCallFormat.Mistral, "", """[TOOL_CALLS][{"name": "add", "arguments": {"a": 1}}]""", 1)]
    [InlineData(ToolCallFormat.Mistral, "[ARGS]", """[TOOL_CALLS]add[ARGS]{"a": 1}[TOOL_CALLS]add[ARGS]{"a": 2}""", 2)]
    [InlineData(ToolCallFormat.Mistral, "[ARGS][CALL_ID]", """[TOOL_CALLS]add[CALL_ID]abcDEF123[ARGS]{"a": 1}""", 1)]
    public void What_the_grammar_takes_the_parser_reads(ToolCallFormat format, string template, string text, int calls)
    {
        Assert.Equal(calls == 1, Accepts(format, template, text, multiple: false));
        Assert.True(Accepts(format, template, text, multiple: true));
        var parser = ToolCallParser.Create(format, new CallIds(), new HashSet<string>(["add", "größe"]));
        AIContent[] contents = [.. parser.Append(text), .. parser.Flush()];
        Assert.Equal(calls, contents.Length);
        Assert.All(contents, content => Assert.Null(Assert.IsType<FunctionCallContent>(content).Exception));
    }

    [Theory]
    [InlineData(ToolCallFormat.Hermes, "<tool_call>\n{\"name\": \"sub\", \"arguments\": {\"a\": 1}}\n</tool_call>")]
    [InlineData(ToolCallFormat.Hermes, "<tool_call>\n{\"name\": \"add\", \"arguments\": {}}\n</tool_call>")]
    [InlineData(ToolCallFormat.Hermes, "<tool_call>\n{\"name\": \"größe\", \"arguments\": {\"a\": 1}}\n</tool_call>")]
    [InlineData(ToolCallFormat.Hermes, "I will call.")]
    [InlineData(ToolCallFormat.Llama, """{"name": "add", "arguments": {"a": 1}}""")]
    [InlineData(ToolCallFormat.Mistral, """[{"name": "add", "arguments": {"a": 1}}]""")]
    public void Anything_else_is_not_taken(ToolCallFormat format, string text) => Assert.False(Accepts(format, "", text, multiple: true));

    private static bool Accepts(ToolCallFormat format, string template, string text, bool multiple)
    {
        var grammar = new CallGrammar(format, mark => new GrammarPart.Literal(mark), template);
        var matcher = new GrammarMatcher(Grammar.Compile(grammar.Of(Tools, multiple)));
        return matcher.Step(matcher.Start, Encoding.UTF8.GetBytes(text)).IsComplete;
    }
}
