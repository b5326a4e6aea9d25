using System.Text.Json.Nodes;
using HShare.AI.ChatTemplates;
using HShare.AI.ToolCalls;

namespace HShare.AI.Tests.ToolCalls;

public class ToolCallFormatsTests
{
    private static readonly Dictionary<string, ToolCallFormat?> Expected = new()
    {
        ["mistralai/Mistral-7B-Instruct-v0.3 (JSON Schema)"] = ToolCallFormat.Mistral,
        ["CISCai/Mistral-7B-Instruct-v0.3-SOTA-GGUF"] = ToolCallFormat.Mistral,
        ["NousResearch/Hermes-2-Pro-Llama-3-8B (JSON Schema)"] = ToolCallFormat.Hermes,
        ["Qwen/Qwen3-0.6B"] = ToolCallFormat.Hermes,
        ["HuggingFaceTB/SmolLM3-3B"] = ToolCallFormat.Hermes,
        ["meta-llama/Llama-3.1-8B-Instruct"] = ToolCallFormat.Llama,
        ["meta-llama/Llama-3.2-11B-Vision-Instruct"] = ToolCallFormat.Llama,

        // They write the arguments as XML.
        ["Qwen/Qwen3.5-4B"] = null,
        ["zai-org/GLM-5.1"] = null,
    };

    [Fact]
    public void The_bundled_model_writes_Hermes_blocks() =>
        Assert.Equal(ToolCallFormat.Hermes, ToolCallFormats.Detect(ChatTemplate.Load(TestFiles.TinyModel).ToolSource));

    [Fact]
    public void The_templates_of_real_models_tell_their_format()
    {
        string path = TestFiles.Shared("assets", "chat-templates", "huggingface.js-jinja", "e2e.cases.json");
        JsonArray cases = JsonNode.Parse(File.ReadAllText(path))!.AsArray();
        foreach (JsonNode? item in cases)
        {
            string name = (string)item!["name"]!;
            Assert.Equal((name, Expected.GetValueOrDefault(name)), (name, ToolCallFormats.Detect((string)item["chat_template"]!)));
        }

        Assert.Equal(40, cases.Count);
    }

    [Theory]
    [InlineData("NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja", ToolCallFormat.Hermes)]
    [InlineData("Qwen-Qwen2.5-7B-Instruct.jinja", ToolCallFormat.Hermes)]
    [InlineData("meta-llama-Llama-3.2-3B-Instruct.jinja", ToolCallFormat.Llama)]
    [InlineData("meta-llama-Llama-3.3-70B-Instruct.jinja", ToolCallFormat.Llama)]
    [InlineData("mistralai-Mistral-Nemo-Instruct-2407.jinja", ToolCallFormat.Mistral)]
    [InlineData("meetkai-functionary-medium-v3.1.jinja", null)]
    [InlineData("google-gemma-2-2b-it.jinja", null)]
    [InlineData("deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja", null)]
    public void So_do_others(string file, ToolCallFormat? format) => Assert.Equal(
        format, ToolCallFormats.Detect(File.ReadAllText(TestFiles.Shared("assets", "chat-templates", "llama.cpp", file))));
}
