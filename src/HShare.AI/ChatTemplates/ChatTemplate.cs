using System.Text.Json.Nodes;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.ChatTemplates;

/// <summary>A model's own chat template (Jinja), as Hugging Face folders ship it. Thread-safe.</summary>
public sealed class ChatTemplate
{
    /// <summary>Parses a template.</summary>
    /// <param name="source">The Jinja source.</param>
    /// <param name="variables">Variables every rendering sees: bos_token, eos_token and the like.</param>
    /// <exception cref="ChatTemplateException">The template does not parse; the message has line and column.</exception>
    public ChatTemplate(string source, IReadOnlyDictionary<string, string>? variables = null) => throw new NotImplementedException();

    /// <summary>Reads the template of a model folder: <c>chat_template.jinja</c>, or the one in <c>tokenizer_config.json</c>.</summary>
    /// <exception cref="HShare.AI.Engine.ModelLoadException">The folder has no chat template, or it does not parse.</exception>
    public static ChatTemplate Load(string directory) => throw new NotImplementedException();

    /// <summary>The Jinja source.</summary>
    public string Source => throw new NotImplementedException();

    /// <summary>Renders a conversation.</summary>
    /// <param name="messages">Messages as the template expects them: role, content, tool_calls and so on.</param>
    /// <param name="tools">Tool definitions, or null.</param>
    /// <param name="addGenerationPrompt">Whether to end with the start of the assistant's turn.</param>
    /// <param name="variables">Further variables (enable_thinking, documents).</param>
    /// <exception cref="ChatTemplateException">The template raised an exception, or cannot render these messages.</exception>
    public string Render(JsonArray messages, JsonArray? tools = null, bool addGenerationPrompt = true, JsonObject? variables = null) =>
        throw new NotImplementedException();

    /// <summary>
    /// Renders a conversation as segments: text that comes from string values of <paramref name="messages"/> and <paramref name="tools"/> is
    /// marked as plain, so that a special token written by a user stays plain text, and text of the template itself may use special tokens.
    /// The concatenated segments equal <see cref="Render"/>.
    /// </summary>
    /// <inheritdoc cref="Render"/>
    public IReadOnlyList<TextSegment> RenderSegments(
        JsonArray messages, JsonArray? tools = null, bool addGenerationPrompt = true, JsonObject? variables = null) =>
        throw new NotImplementedException();
}
