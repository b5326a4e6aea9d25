using System.Text.Json;
using System.Text.Json.Nodes;
using HShare.AI.ChatTemplates;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.ToolCalls;

/// <summary>Conversations with calls and results, from chat messages through the templates, against what transformers renders.</summary>
public class ToolHistoryTests
{
    [Fact]
    public void Conversations_of_the_bundled_model_render_as_in_training()
    {
        string path = TestFiles.Shared("assets", "hshare-tiny", "golden", "chat_golden.json");
        ChatTemplate template = ChatTemplate.Load(TestFiles.TinyModel);
        JsonArray cases = JsonNode.Parse(File.ReadAllText(path))!.AsArray();
        foreach (JsonNode? item in cases)
        {
            string rendered = Render(template, item!["messages"]!.AsArray(), item["tools"]?.AsArray());
            Assert.Equal((string)item["text_with_generation_prompt"]!, rendered);
        }

        Assert.Equal(12, cases.Count);
    }

    [Theory]
    [InlineData("mistralai/Mistral-7B-Instruct-v0.3 (JSON Schema)")]
    [InlineData("CISCai/Mistral-7B-Instruct-v0.3-SOTA-GGUF")]
    [InlineData("moonshotai/Kimi-K2-Thinking")]
    public void Conversations_of_other_models_render_equal(string name)
    {
        string path = TestFiles.Shared("assets", "chat-templates", "huggingface.js-jinja", "e2e.cases.json");
        JsonNode item = JsonNode.Parse(File.ReadAllText(path))!.AsArray().Single(item => (string)item!["name"]! == name)!;
        JsonObject data = item["data"]!.AsObject();
        Dictionary<string, string> tokens = [];
        foreach (string token in new[] { "bos_token", "eos_token" })
        {
            if (data[token] is { } value)
                tokens[token] = (string)value!;
        }

        var template = new ChatTemplate((string)item["chat_template"]!, tokens);
        bool prompt = (bool?)data["add_generation_prompt"] ?? false;
        Assert.Equal((string)item["target"]!, Render(template, data["messages"]!.AsArray(), data["tools"]!.AsArray(), prompt));
    }

    [Fact]
    public void Ids_of_several_calls_are_echoed_with_their_results()
    {
        string path = TestFiles.Shared("assets", "chat-templates", "llama.cpp", "mistralai-Mistral-Nemo-Instruct-2407.jinja");
        Dictionary<string, string> tokens = new() { ["bos_token"] = "<s>", ["eos_token"] = "</s>" };
        var template = new ChatTemplate(File.ReadAllText(path), tokens);
        TemplateMessages messages = TemplateMessages.From(
            [
                new(ChatRole.User, "Tides?"),
                new(ChatRole.Assistant,
                [
                    new FunctionCallContent("abcdef001", "tide", new Dictionary<string, object?> { ["port"] = "Varn" }),
                    new FunctionCallContent("abcdef002", "tide", new Dictionary<string, object?> { ["port"] = "Ostrel" }),
                ]),
                new(ChatRole.Tool, [new FunctionResultContent("abcdef001", "high"), new FunctionResultContent("abcdef002", "low")]),
            ],
            null);
        Assert.Equal(
            """
            <s>[INST]Tides?[/INST][TOOL_CALLS][{"name": "tide", "arguments": {"port": "Varn"}, "id": "abcdef001"},
             {"name": "tide", "arguments": {"port": "Ostrel"}, "id": "abcdef002"}]</s>
            [TOOL_RESULTS]{"content": high, "call_id": "abcdef001"}[/TOOL_RESULTS]
            [TOOL_RESULTS]{"content": low, "call_id": "abcdef002"}[/TOOL_RESULTS]
            """.ReplaceLineEndings(""),
            template.Render(messages.Json));
    }

    private static string Render(ChatTemplate template, JsonArray messages, JsonArray? tools, bool prompt = true) => template.Render(
        TemplateMessages.From(ToMessages(messages), null).Json, tools is null ? null : ToolDefinitions.From(ToTools(tools)).Json, prompt);

    private static IEnumerable<AITool> ToTools(JsonArray tools) => tools.Select(tool => tool!["function"]!).Select(
        function => AIFunctionFactory.CreateDeclaration(
            (string)function["name"]!, (string)function["description"]!, JsonElement.Parse(function["parameters"]!.ToJsonString())));

    /// <summary>Each message of the data as a chat message; a result without an id belongs to the first call that has none yet.</summary>
    private static IEnumerable<ChatMessage> ToMessages(JsonArray messages)
    {
        Queue<string> open = new();
        foreach (JsonNode? message in messages)
        {
            var role = new ChatRole((string)message!["role"]!);
            string text = (string?)message["content"] ?? "";
            if (role == ChatRole.Tool)
            {
                yield return new ChatMessage(role, [new FunctionResultContent(open.Dequeue(), text)]);
                continue;
            }

            List<AIContent> contents = text.Length > 0 ? [new TextContent(text)] : [];
            foreach (JsonNode? call in message["tool_calls"]?.AsArray() ?? [])
            {
                string id = (string?)call!["id"] ?? $"c{open.Count}";
                open.Enqueue(id);
                contents.Add(FunctionCallContent.CreateFromParsedArguments(
                    call["function"]!["arguments"]!.ToJsonString(), id, (string)call["function"]!["name"]!, CallJson.ParseArguments));
            }

            yield return new ChatMessage(role, contents);
        }
    }
}
