using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.ToolCalls;

public class ToolDefinitionsTests
{
    [Fact]
    public void Functions_are_defined_as_templates_expect_them()
    {
        AIFunction tide = AIFunctionFactory.Create(
            ([Description("The port.")] string port, int days = 3) => port + days, "tide", "Tell the tide.");
        AIFunctionDeclaration wind = AIFunctionFactory.CreateDeclaration(
            "wind", null, JsonElement.Parse("""{"$schema": "x", "type": "object", "properties": {"a": {"enum": ["b"]}}}"""));
        AIFunctionDeclaration none = AIFunctionFactory.CreateDeclaration("none", "Nothing.", default);
        ToolDefinitions definitions = ToolDefinitions.From([tide, wind, none]);
        JsonNode expected = JsonNode.Parse(
            """
            [{"type": "function", "function": {"name": "tide", "description": "Tell the tide.", "parameters": {"type": "object",
                "properties": {"port": {"type": "string", "description": "The port."}, "days": {"type": "integer", "default": 3}},
                "required": ["port"]}}},
             {"type": "function", "function": {"name": "wind", "description": "", "parameters": {"type": "object",
                "properties": {"a": {"enum": ["b"]}}}}},
             {"type": "function", "function": {"name": "none", "description": "Nothing.", "parameters": {"type": "object",
                "properties": {}}}}]
            """)!;
        Assert.True(JsonNode.DeepEquals(expected, definitions.Json), definitions.Json.ToJsonString());
        Assert.Equal(["none", "tide", "wind"], definitions.Names.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_description_that_the_schema_repeats_as_a_condition_is_told_once()
    {
        static JsonNode? Parameters(string condition) => ToolDefinitions.From([AIFunctionFactory.CreateDeclaration(
            "tide", "Tell the tide.", JsonElement.Parse($$"""{"type": "object", "properties": {}, "condition": {{condition}} }"""))])
            .Json[0]!["function"]!["parameters"]!["condition"];
        Assert.Null(Parameters("\"Tell the tide.\""));
        Assert.NotNull(Parameters("\"At low water.\""));
        Assert.NotNull(Parameters("{}"));
    }

    [Fact]
    public void What_is_no_function_is_refused_by_name()
    {
        var error = Assert.Throws<NotSupportedException>(() => ToolDefinitions.From([new HostedCodeInterpreterTool()]));
        Assert.Contains("'code_interpreter'", error.Message, StringComparison.Ordinal);
        Assert.Contains("HostedCodeInterpreterTool", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_functions_with_one_name_are_refused()
    {
        AIFunction one = AIFunctionFactory.Create(() => 1, "one");
        Assert.Contains(
            "'one'", Assert.Throws<ArgumentException>(() => ToolDefinitions.From([one, one])).Message, StringComparison.Ordinal);
    }
}
