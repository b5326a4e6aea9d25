using System.Text.Json.Nodes;
using HShare.AI.ChatTemplates;
using HShare.AI.ChatTemplates.Jinja.Runtime;
using HShare.AI.ChatTemplates.Jinja.Syntax;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.Tests.ChatTemplates;

/// <summary>The templates that real models ship, read from the third-party test data.</summary>
public sealed class SharedTemplateTests
{
    /// <summary>
    /// This template prints its tools as a Python list, in Python's quotes; the expected text has JSON's instead, which neither Python's
    /// jinja2 nor transformers writes. It is compared but for the quotes.
    /// </summary>
    private const string DiffersFromPython = "MadeAgents/Hammer2.1";

    private static readonly FixedClock Clock = new(new DateTimeOffset(2025, 7, 10, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void All_end_to_end_cases_render_equal()
    {
        string path = TestFiles.Shared("assets", "chat-templates", "huggingface.js-jinja", "e2e.cases.json");
        int equal = 0, equalButForQuotes = 0;
        foreach (JsonNode? item in JsonNode.Parse(File.ReadAllText(path))!.AsArray())
        {
            string name = item!["name"]!.GetValue<string>();
            string expected = item["target"]!.GetValue<string>();
            string rendered = Render(item["chat_template"]!.GetValue<string>(), item["data"]!.AsObject());
            if (name == DiffersFromPython)
            {
                Assert.Equal(WithOneQuote(expected), WithOneQuote(rendered));
                equalButForQuotes++;
                continue;
            }

            Assert.True(expected == rendered, $"{name}: expected\n{expected}\nrendered\n{rendered}");
            equal++;
        }

        Assert.Equal(39, equal);
        Assert.Equal(1, equalButForQuotes);
    }

    [Fact]
    public void All_golden_conversations_of_the_bundled_model_render_equal()
    {
        string path = TestFiles.Shared("assets", "hshare-tiny", "golden", "chat_golden.json");
        ChatTemplate template = ChatTemplate.Load(TestFiles.TinyModel);
        JsonArray cases = JsonNode.Parse(File.ReadAllText(path))!.AsArray();
        foreach (JsonNode? item in cases)
        {
            JsonArray messages = item!["messages"]!.AsArray();
            JsonArray? tools = item["tools"]?.AsArray();
            Assert.Equal(item["text"]!.GetValue<string>(), template.Render(messages, tools, addGenerationPrompt: false));
            Assert.Equal(item["text_with_generation_prompt"]!.GetValue<string>(), template.Render(messages, tools));
        }

        Assert.Equal(12, cases.Count);
    }

    /// <summary>
    /// Some need more than messages, in Python too: those for tool use need tools, and one reads variables of its server.
    /// </summary>
    [Fact]
    public void All_further_templates_render_a_simple_conversation()
    {
        string folder = TestFiles.Shared("assets", "chat-templates");
        string[] paths = [.. Directory.EnumerateFiles(folder, "*.jinja", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        Dictionary<string, string> tokens = new() { ["bos_token"] = "<s>", ["eos_token"] = "</s>" };
        JsonArray messages = [new JsonObject { ["role"] = "user", ["content"] = "How high is the tide?" }];
        foreach (string path in paths)
        {
            ChatTemplate template = new(File.ReadAllText(path), tokens, Clock);
            JsonArray? tools = path.Contains("tool_use") ? [] : null;
            JsonObject variables = new() { ["functions"] = "[]", ["datetime"] = "today" };
            Assert.Contains("How high is the tide?", template.Render(messages, tools, variables: variables));
        }

        Assert.Equal(45, paths.Length);
    }

    /// <summary>The cases leave variables undefined that a conversation always has, so they go to the engine as they are.</summary>
    private static string Render(string template, JsonObject data) => Interpreter.Render(
        Parser.Parse(template), data.Select(entry => KeyValuePair.Create(entry.Key, JsonInput.From(entry.Value))), Clock).Content;

    private static string WithOneQuote(string text) => text.Replace("\\\"", "\"").Replace('\'', '"');
}
