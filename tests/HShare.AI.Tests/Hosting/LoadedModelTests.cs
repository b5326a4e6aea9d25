using HShare.AI.ChatTemplates;
using HShare.AI.Hosting;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.Hosting;

/// <summary>What a model can do by its chat template.</summary>
[Collection(nameof(TinyClient))]
public class LoadedModelTests(TinyClient tiny)
{
    private const string Turns = "{% for m in messages %}{{ m.role + ': ' + m.content }}\n{% endfor %}";
    private const string Tools = "{% for t in tools %}{{ t.function.name }}{% endfor %}";

    private static readonly TemplateMessages Question = TemplateMessages.From([new(ChatRole.User, "Tide? <think>")], null);

    private static readonly ToolDefinitions Tide = ToolDefinitions.From([AIFunctionFactory.Create(() => "high", "tide")]);

    [Theory]
    [InlineData(Turns, null)]
    [InlineData(Turns + "assistant: {# <think> #}", false)]
    [InlineData(Turns + "assistant: <think>\n", true)]
    [InlineData(Turns + "assistant: {{ '[THINK]' }}", true)]
    [InlineData(Turns + "assistant: <think>\n\n</think>\n\n", false)]
    public void The_prompt_tells_whether_the_answer_begins_with_reasoning(string template, bool? isInside)
    {
        LoadedModel model = With(template);
        Assert.Equal(isInside, model.CreateReasoningSplitter(model.EncodePrompt(Question, null))?.IsInside);
    }

    [Theory]
    [InlineData(Turns, true)]
    [InlineData(Turns + "<think>\n", false)]
    public void Thinking_that_cannot_be_switched_is_refused(string template, bool thinking)
    {
        With(template).RequireThinking(!thinking);
        var error = Assert.Throws<NotSupportedException>(() => With(template).RequireThinking(thinking));
        Assert.Contains("ChatOptions.Reasoning.Effort", error.Message, StringComparison.Ordinal);
        With(template + "{% if enable_thinking %}{% endif %}").RequireThinking(thinking);
    }

    [Theory]
    [InlineData(Turns)]
    [InlineData(Turns + "{# tools #}")]
    public void A_template_that_does_not_show_tools_refuses_them(string template)
    {
        With(Tools + Turns).EncodePrompt(Question, null, Tide);
        var error = Assert.Throws<NotSupportedException>(() => With(template).EncodePrompt(Question, null, Tide));
        Assert.Contains("ChatOptions.Tools", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_whose_calls_have_an_unknown_form_refuses_tools_until_the_form_is_given()
    {
        var error = Assert.Throws<NotSupportedException>(() => With(Tools + Turns).CreateToolCallParser(Tide));
        Assert.Contains("HShareOptions.ToolCallFormat", error.Message, StringComparison.Ordinal);
        LoadedModel given = With(Tools + Turns) with { ToolCallFormat = ToolCallFormat.Llama };
        Assert.IsType<LlamaParser>(given.CreateToolCallParser(Tide));
        Assert.IsType<HermesParser>(tiny.Model.CreateToolCallParser(Tide));
    }

    private LoadedModel With(string template) => new(tiny.Engine, tiny.Model.Tokenizer, new ChatTemplate(template));
}
