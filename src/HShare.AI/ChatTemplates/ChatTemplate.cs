using System.Text.Json.Nodes;
using HShare.AI.ChatTemplates.Jinja.Runtime;
using HShare.AI.ChatTemplates.Jinja.Syntax;
using HShare.AI.ChatTemplates.Jinja.Values;
using HShare.AI.Engine;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.ChatTemplates;

/// <summary>
/// A model's own chat template (Jinja), as Hugging Face folders ship it. Renders character for character what transformers'
/// <c>apply_chat_template</c> does. Thread-safe.
/// </summary>
public sealed class ChatTemplate
{
    private static readonly string[] Reserved = ["messages", "tools", "add_generation_prompt"];

    private readonly Block _template;
    private readonly Block _toolTemplate;
    private readonly IReadOnlyDictionary<string, string> _variables;
    private readonly TimeProvider _clock;

    /// <summary>Parses a template.</summary>
    /// <param name="source">The Jinja source.</param>
    /// <param name="variables">Variables every rendering sees: bos_token and the like. They count as the template's own text.</param>
    /// <param name="clock">What <c>strftime_now</c> reads; the system's clock by default.</param>
    /// <exception cref="ChatTemplateException">The template does not parse; the message has line and column.</exception>
    public ChatTemplate(string source, IReadOnlyDictionary<string, string>? variables = null, TimeProvider? clock = null)
        : this(source, toolSource: null, variables, clock)
    {
    }

    internal ChatTemplate(string source, string? toolSource, IReadOnlyDictionary<string, string>? variables, TimeProvider? clock)
    {
        ArgumentNullException.ThrowIfNull(source);
        Source = source;
        ToolSource = toolSource ?? source;
        _template = Parser.Parse(source);
        _toolTemplate = toolSource is null ? _template : Parser.Parse(toolSource);
        _variables = variables ?? new Dictionary<string, string>();
        _clock = clock ?? TimeProvider.System;
    }

    /// <summary>
    /// Reads the template of a model folder: <c>chat_template.jinja</c>, or the one in <c>tokenizer_config.json</c>. Where that file lists
    /// several, <c>tool_use</c> renders conversations that have tools and <c>default</c> all others. Special tokens (<c>bos_token</c> and
    /// the like) come from <c>tokenizer_config.json</c>.
    /// </summary>
    /// <param name="directory">The model's folder.</param>
    /// <param name="clock">What <c>strftime_now</c> reads; the system's clock by default.</param>
    /// <exception cref="ModelLoadException">The folder has no chat template, or it does not parse.</exception>
    public static ChatTemplate Load(string directory, TimeProvider? clock = null) => ChatTemplateFolder.Load(directory, clock);

    /// <summary>The Jinja source; where there are several templates, of the default one.</summary>
    public string Source { get; }

    /// <summary>The source that renders conversations with tools.</summary>
    internal string ToolSource { get; }

    /// <summary>Renders a conversation.</summary>
    /// <param name="messages">Messages as the template expects them: role, content, tool_calls and so on.</param>
    /// <param name="tools">Tool definitions, or null.</param>
    /// <param name="addGenerationPrompt">Whether to end with the start of the assistant's turn.</param>
    /// <param name="variables">Further variables (enable_thinking, documents).</param>
    /// <exception cref="ChatTemplateException">The template raised an exception, or cannot render these messages.</exception>
    public string Render(JsonArray messages, JsonArray? tools = null, bool addGenerationPrompt = true, JsonObject? variables = null) =>
        RenderText(messages, tools, addGenerationPrompt, variables).Content;

    /// <summary>
    /// Renders a conversation as segments, so that nobody can forge a turn: an occurrence of a special token counts only if the template
    /// wrote all of it. One with a character that came from a string of the conversation (a value or key of <paramref name="messages"/>,
    /// <paramref name="tools"/> or <paramref name="variables"/>), also one put together from several, is a segment of plain text. Roles
    /// that are plain words count as the template's own, since templates build tokens such as <c>&lt;|user|&gt;</c> from them.
    /// The concatenated segments equal <see cref="Render"/>.
    /// </summary>
    /// <inheritdoc cref="Render"/>
    /// <param name="messages"><inheritdoc cref="Render" path="/param[@name='messages']"/></param>
    /// <param name="tools"><inheritdoc cref="Render" path="/param[@name='tools']"/></param>
    /// <param name="addGenerationPrompt"><inheritdoc cref="Render" path="/param[@name='addGenerationPrompt']"/></param>
    /// <param name="variables"><inheritdoc cref="Render" path="/param[@name='variables']"/></param>
    /// <param name="specialTokens">The tokenizer's special tokens.</param>
    public IReadOnlyList<TextSegment> RenderSegments(
        JsonArray messages, JsonArray? tools, bool addGenerationPrompt, JsonObject? variables, IReadOnlyCollection<string> specialTokens)
    {
        ArgumentNullException.ThrowIfNull(specialTokens);
        return SpecialTokenSegments.Split(RenderText(messages, tools, addGenerationPrompt, variables), specialTokens);
    }

    private Text RenderText(JsonArray messages, JsonArray? tools, bool addGenerationPrompt, JsonObject? variables)
    {
        ArgumentNullException.ThrowIfNull(messages);
        Dictionary<string, Value> all = [];
        foreach ((string name, string token) in _variables)
            all[name] = Text.FromTemplate(token);
        // transformers passes these always, so templates find them defined.
        all["documents"] = None.Value;
        foreach ((string name, JsonNode? value) in variables ?? [])
        {
            if (Reserved.Contains(name))
                throw new ArgumentException($"'{name}' has a parameter of its own and cannot be a variable.", nameof(variables));
            all[name] = JsonInput.From(value);
        }

        all["messages"] = JsonInput.FromMessages(messages);
        all["tools"] = JsonInput.From(tools);
        all["add_generation_prompt"] = Bool.From(addGenerationPrompt);
        return Interpreter.Render(tools is null ? _template : _toolTemplate, all, _clock);
    }
}
