using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace HShare.AI;

/// <summary>
/// A conversation in the form that the chat templates of Hugging Face models expect: <c>role</c>, <c>content</c>, <c>tool_calls</c>,
/// and a message with the role <c>tool</c> for each result of a call.
/// </summary>
internal sealed class TemplateMessages
{
    private static readonly JsonSerializerOptions Compact = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    private readonly Dictionary<string, string> _functionNames = new(StringComparer.Ordinal); // by call id

    private string? _instructions; // until the first message is there

    private TemplateMessages(string? instructions) => _instructions = instructions;

    /// <summary>Whether an assistant's turn holds function calls; a template without a place for them would drop them.</summary>
    public bool HasToolCalls => _functionNames.Count > 0;

    /// <summary>The messages as JSON.</summary>
    public JsonArray Json { get; } = [];

    /// <summary>Converts a conversation. Reasoning of earlier turns is left out, as models are trained to expect.</summary>
    /// <param name="messages">The conversation; enumerated once, not changed.</param>
    /// <param name="instructions">System text to put first; joined with a leading system message, as many templates take only one.</param>
    /// <exception cref="ArgumentException">There is no message, or one is null.</exception>
    /// <exception cref="NotSupportedException">A message has a role or a content that this client cannot give to the model.</exception>
    public static TemplateMessages From(IEnumerable<ChatMessage> messages, string? instructions)
    {
        var result = new TemplateMessages(instructions);
        int index = 0;
        foreach (ChatMessage? message in messages)
        {
            if (message is null)
                throw new ArgumentException($"messages[{index}] is null.", nameof(messages));

            result.Add(message, index++);
        }

        if (index == 0)
            throw new ArgumentException("There are no messages. Send at least one, for example a user's question.", nameof(messages));

        return result;
    }

    /// <summary>
    /// Adds a text behind the leading system message, or as one: behind, so that a long document in front of it is still found in the
    /// cache.
    /// </summary>
    public void AddToSystem(string text)
    {
        if ((string?)Json[0]!["role"] == "system")
            Json[0]!["content"] = (string?)Json[0]!["content"] is { Length: > 0 } before ? $"{before}\n\n{text}" : text;
        else
            Json.Insert(0, Turn("system", text, []));
    }

    private void Add(ChatMessage message, int index)
    {
        string role = RoleName(message.Role, index);
        var text = new StringBuilder();
        var calls = new JsonArray();
        List<FunctionResultContent> results = [];
        foreach (AIContent content in message.Contents)
        {
            switch (content)
            {
                case TextContent part:
                    text.Append(part.Text);
                    break;
                case FunctionCallContent call when role == "assistant":
                    calls.Add(ToJson(call));
                    break;
                case FunctionResultContent result when role != "assistant":
                    results.Add(result);
                    break;
                case TextReasoningContent or UsageContent:
                    break;
                default:
                    throw new NotSupportedException(
                        $"messages[{index}] ({role}) holds a {Describe(content)}, which this client cannot give to the model. It reads "
                        + "text, function calls of the assistant, and their results.");
            }
        }

        if (results.Count == 0 || text.Length > 0)
            Add(Turn(role, text.ToString(), calls));
        foreach (FunctionResultContent result in results)
            Add(ToJson(result, index));
    }

    private void Add(JsonObject message)
    {
        if (!string.IsNullOrEmpty(_instructions))
        {
            if ((string?)message["role"] == "system")
                message["content"] = (string?)message["content"] is { Length: > 0 } text ? $"{_instructions}\n\n{text}" : _instructions;
            else
                Json.Add(Turn("system", _instructions, []));
        }

        _instructions = null;
        Json.Add(message);
    }

    private static JsonObject Turn(string role, string text, JsonArray calls)
    {
        var message = new JsonObject { ["role"] = role, ["content"] = text };
        if (calls.Count > 0)
            message["tool_calls"] = calls;
        return message;
    }

    private JsonObject ToJson(FunctionCallContent call)
    {
        _functionNames[call.CallId] = call.Name;
        return new JsonObject
        {
            ["id"] = call.CallId,
            ["type"] = "function",
            ["function"] = new JsonObject
            {
                ["name"] = call.Name,
                ["arguments"] = call.Arguments is null ? new JsonObject() : Serialize(call.Arguments, typeof(IDictionary<string, object?>)),
            },
        };
    }

    private JsonObject ToJson(FunctionResultContent result, int index)
    {
        var message = new JsonObject { ["role"] = "tool", ["content"] = ResultText(result, index), ["tool_call_id"] = result.CallId };
        if (_functionNames.TryGetValue(result.CallId, out string? name))
            message["name"] = name;
        return message;
    }

    private static string ResultText(FunctionResultContent content, int index) => content.Result switch
    {
        null when content.Exception is { } error => $"Error: {error.Message}",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString()!,
        TextContent part => part.Text,
        AIContent other => throw new NotSupportedException(
            $"messages[{index}] holds a function result that is a {Describe(other)}, which this client cannot give to the model. "
            + "Return text or data."),
        var value => Serialize(value, value?.GetType() ?? typeof(object))?.ToJsonString(Compact) ?? "null",
    };

    private static JsonNode? Serialize(object? value, Type type) =>
        JsonSerializer.SerializeToNode(value, Compact.GetTypeInfo(type));

    private static string RoleName(ChatRole role, int index) =>
        role == ChatRole.User ? "user"
        : role == ChatRole.Assistant ? "assistant"
        : role == ChatRole.System ? "system"
        : role == ChatRole.Tool ? "tool"
        : throw new NotSupportedException($"messages[{index}] has the role '{role}'. Use system, user, assistant or tool.");

    private static string Describe(AIContent content) => content switch
    {
        DataContent data => $"{nameof(DataContent)} ({data.MediaType})",
        UriContent uri => $"{nameof(UriContent)} ({uri.MediaType})",
        _ => content.GetType().Name,
    };
}
