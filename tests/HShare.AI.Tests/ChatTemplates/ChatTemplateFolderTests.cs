using System.Text.Json.Nodes;
using HShare.AI.ChatTemplates;
using HShare.AI.Engine;

namespace HShare.AI.Tests.ChatTemplates;

/// <summary>Finding a model folder's template.</summary>
public sealed class ChatTemplateFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hshare-template-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_jinja_file_comes_before_the_configuration_and_uses_its_tokens()
    {
        Write("tokenizer_config.json", """
            {"chat_template": "config", "bos_token": "<s>", "eos_token": {"content": "</s>"}, "pad_token": null, "add_bos_token": true}
            """);
        Assert.Equal("config", ChatTemplate.Load(_folder).Source);
        Write("chat_template.jinja", "{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}{{ add_bos_token is defined }}");
        Assert.Equal("<s></s>FalseFalse", ChatTemplate.Load(_folder).Render([]));
    }

    [Fact]
    public void Of_several_templates_the_one_for_tools_is_used_with_tools()
    {
        Write("tokenizer_config.json", """
            {"chat_template": [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "tools {{ tools | length }}"}]}
            """);
        ChatTemplate template = ChatTemplate.Load(_folder);
        Assert.Equal("plain", template.Render([]));
        Assert.Equal("tools 1", template.Render([], [new JsonObject()]));
        Assert.Equal("plain", template.Source);
    }

    [Theory]
    [InlineData(null, "no chat template")]
    [InlineData("{}", "no chat template")]
    [InlineData("""{"chat_template": null}""", "no chat template")]
    [InlineData("""{"chat_template": [{"name": "rag", "template": "x"}]}""", "'rag'")]
    [InlineData("""{"chat_template": 5}""", "neither a string nor a list")]
    [InlineData("""{"chat_template": [{"name": "default"}]}""", "neither a string nor a list")]
    [InlineData("""{"chat_template": "a\n{% if %}"}""", "line 2, column 7")]
    [InlineData("[]", "no JSON object")]
    [InlineData("{", "not valid JSON")]
    public void A_folder_without_a_usable_template_is_refused(string? config, string what)
    {
        if (config is not null)
            Write("tokenizer_config.json", config);
        ModelLoadException error = Assert.Throws<ModelLoadException>(() => ChatTemplate.Load(_folder));
        Assert.Contains(what, error.Message);
        Assert.StartsWith(_folder, error.File);
    }

    [Fact]
    public void The_bundled_models_template_loads()
    {
        JsonArray messages = [new JsonObject { ["role"] = "user", ["content"] = "Hello!" }];
        string rendered = ChatTemplate.Load(TestFiles.TinyModel).Render(messages);
        Assert.Equal("<|im_start|>user\nHello!<|im_end|>\n<|im_start|>assistant\n", rendered);
    }

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(_folder, name), content);
}
