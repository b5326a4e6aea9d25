using System.Diagnostics;
using System.Text.Json.Nodes;
using HShare.AI.ChatTemplates;

namespace HShare.AI.Tests.ChatTemplates;

/// <summary>Rendering conversations.</summary>
public sealed class ChatTemplateTests
{
    private const string ChatMl = """
        {%- for message in messages %}
        <|im_start|>{{ message.role }}
        {{ message.content }}<|im_end|>
        {% endfor %}
        {%- if add_generation_prompt %}
        <|im_start|>assistant
        {% endif %}
        """;

    private static readonly JsonArray Greeting = [new JsonObject { ["role"] = "user", ["content"] = "Hello" }];

    [Fact]
    public void A_conversation_renders_with_and_without_generation_prompt()
    {
        ChatTemplate template = new(ChatMl);
        Assert.Equal("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", template.Render(Greeting));
        Assert.Equal("<|im_start|>user\nHello<|im_end|>\n", template.Render(Greeting, addGenerationPrompt: false));
    }

    [Fact]
    public void Variables_reach_the_template_and_those_of_the_call_win()
    {
        Dictionary<string, string> variables = new() { ["bos_token"] = "<s>", ["thinking"] = "always" };
        ChatTemplate template = new("{{ bos_token }}{{ thinking }}{{ documents is none }}{{ tools is none }}", variables);
        Assert.Equal("<s>alwaysTrueTrue", template.Render(Greeting));
        Assert.Equal("<s>FalseTrueFalse", template.Render(Greeting, tools: [], variables: new JsonObject { ["thinking"] = false }));
    }

    [Fact]
    public void Variables_cannot_stand_in_for_parameters()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => new ChatTemplate(ChatMl).Render(Greeting, variables: new JsonObject { ["messages"] = "x" }));
        Assert.Contains("'messages'", error.Message);
    }

    [Fact]
    public void Null_arguments_are_refused()
    {
        Assert.Throws<ArgumentNullException>("source", () => new ChatTemplate(null!));
        ChatTemplate template = new(ChatMl);
        Assert.Throws<ArgumentNullException>("messages", () => template.Render(null!));
        Assert.Throws<ArgumentNullException>("specialTokens", () => template.RenderSegments(Greeting, null, true, null, null!));
    }

    [Fact]
    public void One_template_renders_on_many_threads()
    {
        const string Sum = "{% set ns = namespace(n=0) %}{% for i in range(99) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}";
        ChatTemplate template = new(Sum + ChatMl);
        string expected = template.Render(Greeting);
        Parallel.For(0, 200, _ => Assert.Equal(expected, template.Render((JsonArray)Greeting.DeepClone())));
    }

    [Fact]
    public void A_long_document_costs_milliseconds()
    {
        string document = string.Concat(Enumerable.Repeat("The harbour master said: \"<b>tide</b> at 6\".\n", 700));
        JsonArray messages = [new JsonObject { ["role"] = "user", ["content"] = document }];
        ChatTemplate template = new(ChatMl + "{{ messages | tojson }}{{ messages[0].content | trim | upper }}");
        template.RenderSegments(messages, null, true, null, ["<|im_start|>", "<|im_end|>"]);

        TimeSpan best = TimeSpan.MaxValue;
        for (int attempt = 0; attempt < 10; attempt++)
        {
            long start = Stopwatch.GetTimestamp();
            template.RenderSegments(messages, null, true, null, ["<|im_start|>", "<|im_end|>"]);
            TimeSpan time = Stopwatch.GetElapsedTime(start);
            best = time < best ? time : best;
        }

        Assert.True(best < TimeSpan.FromMilliseconds(50), $"30,000 characters took {best.TotalMilliseconds} ms.");
    }
}
