using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests;

public class TemplateMessagesTests
{
    [Fact]
    public void Turns_become_roles_and_contents() => AssertJson(
        """
        [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi you"},
         {"role": "user", "content": ""}]
        """,
        [
            new(ChatRole.System, "Be kind."),
            new(ChatRole.User, "Hi"),
            new(ChatRole.Assistant, [new TextReasoningContent("Hm"), new TextContent("Hi"), new TextContent(" you"), new UsageContent()]),
            new(ChatRole.User, []),
        ]);

    [Fact]
    public void Instructions_come_first() => AssertJson(
        """[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]""", [new(ChatRole.User, "Hi")], "Be brief.");

    [Fact]
    public void Instructions_are_joined_with_a_leading_system_message_only() => AssertJson(
        """
        [{"role": "system", "content": "Be brief.\n\nBe kind."}, {"role": "system", "content": "Be fair."},
         {"role": "user", "content": "Hi"}]
        """,
        [new(ChatRole.System, "Be kind."), new(ChatRole.System, "Be fair."), new(ChatRole.User, "Hi")],
        "Be brief.");

    [Fact]
    public void Instructions_stand_alone_beside_an_empty_system_message() => AssertJson(
        """[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]""",
        [new(ChatRole.System, []), new(ChatRole.User, "Hi")],
        "Be brief.");

    [Fact]
    public void Calls_and_their_results_become_tool_turns() => AssertJson(
        """
        [{"role": "user", "content": "Tides?"},
         {"role": "assistant", "content": "I look.", "tool_calls": [
           {"id": "c1", "type": "function", "function": {"name": "tide", "arguments": {"port": "Varn", "day": 3}}},
           {"id": "c2", "type": "function", "function": {"name": "wind", "arguments": {}}}]},
         {"role": "tool", "content": "high", "tool_call_id": "c1", "name": "tide"},
         {"role": "tool", "content": "{\"knots\":12,\"from\":\"süd\"}", "tool_call_id": "c2", "name": "wind"}]
        """,
        [
            new(ChatRole.User, "Tides?"),
            new(ChatRole.Assistant,
            [
                new TextContent("I look."),
                new FunctionCallContent("c1", "tide", new Dictionary<string, object?> { ["port"] = "Varn", ["day"] = 3 }),
                new FunctionCallContent("c2", "wind"),
            ]),
            new(ChatRole.Tool,
            [
                new FunctionResultContent("c1", "high"),
                new FunctionResultContent("c2", new Dictionary<string, object?> { ["knots"] = 12, ["from"] = "süd" }),
            ]),
        ]);

    [Fact]
    public void Results_are_written_as_text()
    {
        object?[] results =
            [null, 12.5, true, JsonElement.Parse("\"plain\""), JsonElement.Parse("[1, 2]"), new TextContent("text"), new JsonArray(1)];
        var message = new ChatMessage(ChatRole.Tool, [.. results.Select(result => new FunctionResultContent("c", result))]);
        JsonArray json = TemplateMessages.From([message], null).Json;
        Assert.Equal(["null", "12.5", "true", "plain", "[1,2]", "text", "[1]"], json.Select(result => (string?)result!["content"]));

        var failed = new FunctionResultContent("c", null) { Exception = new IOException("no such port") };
        Assert.Equal("Error: no such port", (string?)TemplateMessages.From([new(ChatRole.Tool, [failed])], null).Json[0]!["content"]);
    }

    [Fact]
    public void The_conversation_is_enumerated_once()
    {
        int enumerations = 0;
        TemplateMessages.From(Messages(), null);
        Assert.Equal(1, enumerations);

        IEnumerable<ChatMessage> Messages()
        {
            enumerations++;
            yield return new ChatMessage(ChatRole.User, "Hi");
        }
    }

    [Fact]
    public void What_cannot_be_given_to_the_model_is_named()
    {
        Refused(new(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]), "messages[0]", "DataContent", "image/png");
        Refused(new(ChatRole.User, [new UriContent("http://localhost/a.pdf", "application/pdf")]), "UriContent", "application/pdf");
        Refused(new(ChatRole.User, [new HostedFileContent("f")]), "HostedFileContent");
        Refused(new(ChatRole.User, [new ErrorContent("e")]), "ErrorContent");
        Refused(new(ChatRole.User, [new FunctionCallContent("c", "f")]), "user", "FunctionCallContent");
        Refused(new(ChatRole.Tool, [new FunctionResultContent("c", new DataContent(new byte[] { 1 }, "image/png"))]), "DataContent");
        Refused(new(new ChatRole("narrator"), "Once"), "narrator");
    }

    [Fact]
    public void No_message_and_null_messages_are_refused()
    {
        Assert.Throws<ArgumentException>(() => TemplateMessages.From([], null));
        Assert.Throws<ArgumentException>(() => TemplateMessages.From([], "Instructions alone ask nothing."));
        Assert.Contains(
            "messages[1]",
            Assert.Throws<ArgumentException>(() => TemplateMessages.From([new(ChatRole.User, "Hi"), null!], null)).Message,
            StringComparison.Ordinal);
    }

    private static void Refused(ChatMessage message, params string[] named)
    {
        var error = Assert.Throws<NotSupportedException>(() => TemplateMessages.From([message], null));
        Assert.All(named, name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
    }

    private static void AssertJson(string expected, ChatMessage[] messages, string? instructions = null)
    {
        JsonArray actual = TemplateMessages.From(messages, instructions).Json;
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), actual), actual.ToJsonString());
    }
}
