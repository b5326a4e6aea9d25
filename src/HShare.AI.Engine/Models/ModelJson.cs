using System.Text.Json;

namespace HShare.AI.Engine.Models;

/// <summary>
/// A JSON object of a model folder, read by key. A key that is absent and one that is null both read as null; every error
/// names the file and the key.
/// </summary>
internal sealed class ModelJson
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private readonly JsonElement _object;
    private readonly string _prefix; // "rope_scaling." inside a nested object, so that errors name the whole way to a key

    private ModelJson(string file, JsonElement element, string prefix)
    {
        File = file;
        _object = element;
        _prefix = prefix;
    }

    /// <summary>Path of the file.</summary>
    public string File { get; }

    /// <summary>Keys and values of the object, in the file's order.</summary>
    public IEnumerable<JsonProperty> Properties => _object.EnumerateObject();

    /// <summary>Reads a file that has to be there.</summary>
    /// <exception cref="ModelLoadException">It is missing, unreadable, or not a JSON object.</exception>
    public static ModelJson Read(string file)
    {
        try
        {
            return Parse(file, System.IO.File.ReadAllBytes(file));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ModelLoadException(file, "The file is missing.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelLoadException(file, $"The file could not be read: {e.Message}", e);
        }
    }

    /// <summary>Reads a file, or gives null where there is none.</summary>
    /// <exception cref="ModelLoadException">It is unreadable, or not a JSON object.</exception>
    public static ModelJson? ReadOptional(string file) => System.IO.File.Exists(file) ? Read(file) : null;

    /// <summary>Reads JSON text in UTF-8 that lies in (or is) a file.</summary>
    /// <exception cref="ModelLoadException">It is not a JSON object.</exception>
    public static ModelJson Parse(string file, ReadOnlySpan<byte> utf8)
    {
        try
        {
            JsonElement root = JsonElement.Parse(utf8, Strict);
            return root.ValueKind == JsonValueKind.Object
                ? new ModelJson(file, root, "")
                : throw new ModelLoadException(file, $"A JSON object was expected, not {Describe(root)}.");
        }
        catch (JsonException e)
        {
            throw new ModelLoadException(file, $"This is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>Whether a key is there, be its value null.</summary>
    public bool Has(string key) => _object.TryGetProperty(key, out _);

    /// <summary>The kind of a key's value, or Undefined where the key is absent.</summary>
    public JsonValueKind KindOf(string key) =>
        _object.TryGetProperty(key, out JsonElement value) ? value.ValueKind : JsonValueKind.Undefined;

    /// <summary>A whole number.</summary>
    public int? Int32(string key) => Find(key) is { } value ? AsInt32(value) ?? throw Unexpected(key, value, "a whole number") : null;

    /// <summary>A number.</summary>
    public double? Number(string key) => Find(key) is { } value ? AsNumber(value) ?? throw Unexpected(key, value, "a number") : null;

    /// <summary>True or false.</summary>
    public bool? Boolean(string key) => Find(key) is { } value
        ? value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Unexpected(key, value, "true or false")
        : null;

    /// <summary>A string.</summary>
    public string? Text(string key) => Find(key) is { } value ? AsText(value) ?? throw Unexpected(key, value, "a string") : null;

    /// <summary>A nested object.</summary>
    public ModelJson? Object(string key) => Find(key) is { } value ? AsObject(key, value) : null;

    /// <summary>The elements of an array.</summary>
    public IReadOnlyList<JsonElement>? Array(string key) => Find(key) is { } value
        ? value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : throw Unexpected(key, value, "an array")
        : null;

    /// <summary>The objects of an array.</summary>
    public IReadOnlyList<ModelJson>? Objects(string key) => Array(key)?.Select((value, i) => AsObject($"{key}[{i}]", value)).ToList();

    /// <summary>The strings of an array.</summary>
    public IReadOnlyList<string>? Texts(string key) => Array(key)?.Select((value, i) =>
        AsText(value) ?? throw Unexpected($"{key}[{i}]", value, "a string")).ToList();

    /// <summary>The whole numbers of an array.</summary>
    public IReadOnlyList<int>? Int32s(string key) => Array(key)?.Select((value, i) =>
        AsInt32(value) ?? throw Unexpected($"{key}[{i}]", value, "a whole number")).ToList();

    /// <summary>The numbers of an array.</summary>
    public IReadOnlyList<float>? Singles(string key) => Array(key)?.Select((value, i) =>
        (float?)AsNumber(value) ?? throw Unexpected($"{key}[{i}]", value, "a number")).ToList();

    /// <summary>An error about a key: "key message".</summary>
    public ModelLoadException Error(string key, string message) => new(File, $"{_prefix}{key} {message}");

    private static int? AsInt32(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : null;

    private static double? AsNumber(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : null;

    private static string? AsText(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private ModelJson AsObject(string key, JsonElement value) => value.ValueKind == JsonValueKind.Object
        ? new ModelJson(File, value, $"{_prefix}{key}.")
        : throw Unexpected(key, value, "an object");

    private JsonElement? Find(string key) =>
        _object.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private ModelLoadException Unexpected(string key, JsonElement value, string expected) =>
        Error(key, $"is {Describe(value)}; {expected} was expected.");

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        _ => value.GetRawText() is { Length: <= 80 } text ? text : value.GetRawText()[..80] + "...",
    };
}
