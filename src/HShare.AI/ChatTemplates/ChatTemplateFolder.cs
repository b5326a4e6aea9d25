using System.Text.Json;
using HShare.AI.Engine;

namespace HShare.AI.ChatTemplates;

/// <summary>Finds the chat template in a model's folder.</summary>
internal static class ChatTemplateFolder
{
    public static ChatTemplate Load(string directory, TimeProvider? clock)
    {
        string templatePath = Path.Combine(directory, "chat_template.jinja");
        string configPath = Path.Combine(directory, "tokenizer_config.json");
        using JsonDocument? config = ReadConfig(configPath);
        Dictionary<string, string> tokens = SpecialTokens(config);
        if (ReadText(templatePath) is { } source)
            return Parse(templatePath, source, toolSource: null, tokens, clock);
        if (config is null || !config.RootElement.TryGetProperty("chat_template", out JsonElement template)
            || template.ValueKind == JsonValueKind.Null)
        {
            throw new ModelLoadException(
                directory, "There is no chat template, neither chat_template.jinja nor chat_template in tokenizer_config.json. "
                + "Use the instruction-tuned variant of the model, or put its template beside the model as chat_template.jinja.");
        }

        if (template.ValueKind == JsonValueKind.String)
            return Parse(configPath, template.GetString()!, toolSource: null, tokens, clock);
        Dictionary<string, string> named = ReadList(configPath, template);
        return named.TryGetValue("default", out string? defaultSource)
            ? Parse(configPath, defaultSource, named.GetValueOrDefault("tool_use"), tokens, clock)
            : throw new ModelLoadException(configPath, $"chat_template lists '{string.Join("', '", named.Keys)}', but no 'default'.");
    }

    private static ChatTemplate Parse(
        string path, string source, string? toolSource, Dictionary<string, string> tokens, TimeProvider? clock)
    {
        try
        {
            return new ChatTemplate(source, toolSource, tokens, clock);
        }
        catch (ChatTemplateException error)
        {
            throw new ModelLoadException(path, error.Message, error);
        }
    }

    private static string? ReadText(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelLoadException(path, "The file cannot be read.", error);
        }
    }

    private static JsonDocument? ReadConfig(string path)
    {
        if (ReadText(path) is not { } text)
            return null;
        try
        {
            JsonDocument config = JsonDocument.Parse(text);
            return config.RootElement.ValueKind == JsonValueKind.Object
                ? config
                : throw new ModelLoadException(path, "The file holds no JSON object.");
        }
        catch (JsonException error)
        {
            throw new ModelLoadException(path, $"The file is not valid JSON: {error.Message}", error);
        }
    }

    /// <summary>The older form: <c>[{"name": "default", "template": "..."}, ...]</c>.</summary>
    private static Dictionary<string, string> ReadList(string path, JsonElement list)
    {
        Dictionary<string, string> named = [];
        foreach (JsonElement entry in list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : throw Malformed())
        {
            if (Text(entry, "name") is not { } name || Text(entry, "template") is not { } template)
                throw Malformed();
            named[name] = template;
        }

        return named;

        ModelLoadException Malformed() =>
            new(path, "chat_template is neither a string nor a list of objects with 'name' and 'template'.");
    }

    /// <summary>Every property named <c>…_token</c>, written as a string or as an object with the token as its <c>content</c>.</summary>
    private static Dictionary<string, string> SpecialTokens(JsonDocument? config)
    {
        Dictionary<string, string> tokens = [];
        if (config is null)
            return tokens;
        foreach (JsonProperty property in config.RootElement.EnumerateObject())
        {
            if (!property.Name.EndsWith("_token", StringComparison.Ordinal))
                continue;
            string? token = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString() : Text(property.Value, "content");
            if (token is not null)
                tokens[property.Name] = token;
        }

        return tokens;
    }

    private static string? Text(JsonElement element, string property) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(property, out JsonElement value)
            && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
