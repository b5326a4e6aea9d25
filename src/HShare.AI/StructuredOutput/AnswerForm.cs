using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using HShare.AI.Engine.Sampling.Constraints;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;

namespace HShare.AI.StructuredOutput;

/// <summary>What an answer must be, where it is not free text: JSON, calls of functions, or either.</summary>
internal sealed class AnswerForm
{
    private const int MaxChecked = 64;
    private const string ResponseSchema = "The schema of ChatOptions.ResponseFormat";

    private static readonly JsonElement AnyObject = JsonElement.Parse("""{"type": "object"}""");

    private static readonly Lock Gate = new();
    private static readonly HashSet<string> Checked = new(StringComparer.Ordinal); // keys of forms that can be enforced

    private AnswerForm(JsonElement? schema, IReadOnlyList<CallableTool> tools, bool allowsMultipleCalls)
    {
        Answer = schema is null ? null : new GrammarPart.Json(schema.Value, ResponseSchema);
        Tools = tools;
        AllowsMultipleCalls = allowsMultipleCalls;
        IEnumerable<string> functions = tools.Select(tool => $"{tool.Name} {tool.Parameters}");
        Key = string.Join('\n', [schema?.GetRawText() ?? "", $"{allowsMultipleCalls}", .. functions]);
    }

    /// <summary>What a JSON answer is, or null where only a call will do.</summary>
    public GrammarPart? Answer { get; }

    /// <summary>The functions that may be called.</summary>
    public IReadOnlyList<CallableTool> Tools { get; }

    /// <summary>Whether the answer may hold several calls.</summary>
    public bool AllowsMultipleCalls { get; }

    /// <summary>The same for equal forms only.</summary>
    public string Key { get; }

    /// <summary>
    /// What the model is told of its answer, as it sees no more of the constraint; null where calls are all it may write.
    /// </summary>
    public string? Instruction { get; private init; }

    /// <summary>Reads the form that a request asks for; null where the answer is free.</summary>
    /// <param name="options">The request's options.</param>
    /// <param name="tools">The functions that may be called, or null.</param>
    /// <exception cref="NotSupportedException">A schema asks for what cannot be enforced; the message names the keyword and its place.
    /// </exception>
    /// <exception cref="ArgumentException">A call is required of what is no tool, or a schema is damaged or has no value.</exception>
    public static AnswerForm? Read(ChatOptions options, ToolDefinitions? tools)
    {
        var json = options.ResponseFormat as ChatResponseFormatJson;
        var required = options.ToolMode as RequiredChatToolMode;
        if (json is null && required is null)
            return null;

        List<CallableTool> callable = tools is null ? [] : [.. tools.Json.Select(tool => CallableTool.From(tool!["function"]!.AsObject()))];
        if (required is not null)
            callable = Required(callable, required.RequiredFunctionName);
        JsonElement? schema = required is null ? json!.Schema ?? AnyObject : null;
        var form = new AnswerForm(schema, callable, options.AllowMultipleToolCalls != false)
        {
            Instruction = schema is null ? null : InstructionFor(json!, callable.Count > 0),
        };
        form.Check();
        return form;
    }

    /// <summary>
    /// Compiles every schema, so that one that cannot be enforced is refused before anything is done. Apps ask for a few forms again and
    /// again: those that passed lately are not compiled anew.
    /// </summary>
    private void Check()
    {
        lock (Gate)
        {
            if (Checked.Contains(Key))
                return;
        }

        if (Answer is not null)
            Grammar.Compile(Answer);
        foreach (CallableTool tool in Tools)
            Grammar.Compile(tool.Arguments);
        lock (Gate)
        {
            if (Checked.Count >= MaxChecked)
                Checked.Clear();
            Checked.Add(Key);
        }
    }

    private static List<CallableTool> Required(List<CallableTool> tools, string? name)
    {
        if (tools.Count == 0)
        {
            throw new ArgumentException(
                "ChatOptions.ToolMode requires a call, but ChatOptions.Tools holds no function. Add one, or use ChatToolMode.Auto.",
                "options");
        }

        if (name is null)
            return tools;
        List<CallableTool> named = tools.FindAll(tool => tool.Name == name);
        return named.Count > 0
            ? named
            : throw new ArgumentException(
                $"ChatOptions.ToolMode requires a call of '{name}', but ChatOptions.Tools holds no function of that name.", "options");
    }

    private static string InstructionFor(ChatResponseFormatJson format, bool mayCall)
    {
        string begin = mayCall ? "Unless you call a function, answer with" : "Answer with";
        if (format.Schema is not { } schema)
            return $"{begin} one JSON object and nothing else.";

        string described = string.IsNullOrWhiteSpace(format.SchemaDescription) ? "" : $" ({format.SchemaDescription.Trim()})";
        return $"{begin} JSON and nothing else. It must satisfy this JSON schema{described}:\n{Compact(schema)}";
    }

    private static string Compact(JsonElement schema)
    {
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            schema.WriteTo(writer);
        return Encoding.UTF8.GetString(text.ToArray());
    }
}

/// <summary>A function that may be called.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">The JSON schema of its arguments.</param>
internal sealed record CallableTool(string Name, JsonElement Parameters)
{
    /// <summary>The grammar of its arguments.</summary>
    public GrammarPart Arguments => new GrammarPart.Json(Parameters, $"The schema of the tool '{Name}'");

    /// <summary>The grammar of its name in quotes.</summary>
    public GrammarPart QuotedName =>
        new GrammarPart.Json(JsonElement.Parse(new JsonObject { ["const"] = Name }.ToJsonString()), $"The name of the tool '{Name}'");

    /// <summary>Reads a definition: name, description and parameters.</summary>
    public static CallableTool From(JsonObject function) =>
        new((string)function["name"]!, JsonElement.Parse(function["parameters"]!.ToJsonString()));
}
