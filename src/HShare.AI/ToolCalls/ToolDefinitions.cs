using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using HShare.AI.Engine.Tokenization;
using Microsoft.Extensions.AI;

namespace HShare.AI.ToolCalls;

/// <summary>
/// Functions in the form that the chat templates of Hugging Face models expect:
/// <c>{"type": "function", "function": {"name", "description", "parameters"}}</c>.
/// </summary>
internal sealed partial class ToolDefinitions
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    private ToolDefinitions()
    {
    }

    /// <summary>The definitions as JSON.</summary>
    public JsonArray Json { get; } = [];

    /// <summary>The functions' names.</summary>
    public IReadOnlySet<string> Names => _names;

    /// <summary>Converts the tools of a request.</summary>
    /// <exception cref="NotSupportedException">A tool is no function: nothing here could run it.</exception>
    /// <exception cref="ArgumentException">Two functions have the same name.</exception>
    public static ToolDefinitions From(IEnumerable<AITool> tools)
    {
        var definitions = new ToolDefinitions();
        foreach (AITool tool in tools)
        {
            if (tool is not AIFunctionDeclaration function)
            {
                throw new NotSupportedException(
                    $"ChatOptions.Tools holds '{tool.Name}', a {tool.GetType().Name}, which this client cannot offer to the model. Give "
                    + $"functions ({nameof(AIFunction)} or {nameof(AIFunctionDeclaration)}).");
            }

            if (!definitions._names.Add(function.Name))
                throw new ArgumentException($"ChatOptions.Tools holds two functions named '{function.Name}'.", nameof(tools));

            definitions.Json.Add(ToJson(function));
        }

        return definitions;
    }

    /// <summary>Makes sure that a prompt shows the functions to the model.</summary>
    /// <param name="prompt">The rendered prompt.</param>
    /// <param name="templateSource">The template that rendered it.</param>
    /// <exception cref="NotSupportedException">The template left them out.</exception>
    public void RequireIn(IReadOnlyList<TextSegment> prompt, string templateSource)
    {
        string text = string.Concat(prompt.Select(segment => segment.Text));
        if (!ToolsVariable().IsMatch(templateSource) || !_names.All(name => text.Contains(name, StringComparison.Ordinal)))
        {
            throw new NotSupportedException(
                "ChatOptions.Tools cannot be honoured: this model's chat template does not show them to the model. Use a model made for "
                + "tools, or remove them.");
        }
    }

    [GeneratedRegex(@"\btools\b", RegexOptions.CultureInvariant)]
    private static partial Regex ToolsVariable();

    private static JsonObject ToJson(AIFunctionDeclaration function) => new()
    {
        ["type"] = "function",
        ["function"] = new JsonObject
        {
            ["name"] = function.Name,
            ["description"] = function.Description,
            ["parameters"] = Parameters(function),
        },
    };

    /// <summary>Templates read <c>type</c> and <c>properties</c> without asking, so these are always there.</summary>
    private static JsonObject Parameters(AIFunctionDeclaration function)
    {
        JsonElement schema = function.JsonSchema;
        JsonObject given = schema.ValueKind == JsonValueKind.Object ? JsonObject.Create(schema)! : [];
        given.Remove("$schema");

        // Semantic Kernel says the function's description once more, under a keyword that JSON schema does not have.
        if (given["condition"] is JsonValue text && text.TryGetValue(out string? repeated) && repeated == function.Description)
            given.Remove("condition");
        given.TryAdd("type", "object");
        given.TryAdd("properties", new JsonObject());
        return given;
    }
}
