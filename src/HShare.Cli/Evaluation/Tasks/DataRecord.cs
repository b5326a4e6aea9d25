using System.Text.Json;

namespace HShare.Cli.Evaluation.Tasks;

/// <summary>One JSON object of a data file, with errors that name its place.</summary>
/// <param name="Json">The object.</param>
/// <param name="Place">Where it stands, <c>file:line</c>.</param>
internal sealed record DataRecord(JsonElement Json, string Place)
{
    /// <summary>The records of a JSONL file, one a line; empty lines do not count.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limit">Most records, or null for all.</param>
    /// <exception cref="InputException">The file cannot be read or holds nothing, or a line is no JSON object.</exception>
    public static IReadOnlyList<DataRecord> ReadLines(string path, int? limit)
    {
        List<DataRecord> records = [];
        int line = 0;
        foreach (string text in Read(path, File.ReadLines))
        {
            line++;
            if (records.Count == limit)
                break;
            if (!string.IsNullOrWhiteSpace(text))
                records.Add(new DataRecord(Parse(text, JsonValueKind.Object, $"{path}:{line}"), $"{path}:{line}"));
        }

        return records.Count > 0 ? records : throw new InputException($"{path} holds no records.");
    }

    /// <summary>The records of a file that is one JSON array; their place is <c>file[index]</c>, from 0.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limit">Most records, or null for all.</param>
    /// <exception cref="InputException">The file cannot be read, is no JSON array of objects, or an empty one.</exception>
    public static IReadOnlyList<DataRecord> ReadArray(string path, int? limit)
    {
        JsonElement array = Parse(Read(path, File.ReadAllText), JsonValueKind.Array, path);
        DataRecord[] records =
        [
            .. array.EnumerateArray().Take(limit ?? int.MaxValue).Select((item, i) => new DataRecord(item, $"{path}[{i}]")),
        ];
        if (records.FirstOrDefault(record => record.Json.ValueKind != JsonValueKind.Object) is { } wrong)
            throw new InputException($"{wrong.Place} must be a JSON object, but is {wrong.Json.ValueKind}.");
        return records.Length > 0 ? records : throw new InputException($"{path} holds no records.");
    }

    /// <summary>A member that is a string.</summary>
    /// <exception cref="InputException">It is not there or no string.</exception>
    public string Text(string name) => Member(name, JsonValueKind.String, "a string").GetString()!;

    /// <summary>A member that is an array of strings.</summary>
    /// <exception cref="InputException">It is not there, no array, or holds something else.</exception>
    public IReadOnlyList<string> Texts(string name)
    {
        JsonElement array = Member(name, JsonValueKind.Array, "an array of strings");
        return array.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. array.EnumerateArray().Select(item => item.GetString()!)]
            : throw Error($"\"{name}\" must be an array of strings");
    }

    /// <summary>A member that is an array of objects.</summary>
    /// <exception cref="InputException">It is not there, no array, or holds something else.</exception>
    public IReadOnlyList<DataRecord> Records(string name)
    {
        JsonElement array = Member(name, JsonValueKind.Array, "an array of objects");
        return array.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Object)
            ? [.. array.EnumerateArray().Select(item => this with { Json = item })]
            : throw Error($"\"{name}\" must be an array of objects");
    }

    /// <summary>Whether there is a member, other than null.</summary>
    public bool Has(string name) => Json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>An error of this record.</summary>
    /// <param name="problem">What is wrong, without the place.</param>
    public InputException Error(string problem) => new($"{Place}: {problem}.");

    private JsonElement Member(string name, JsonValueKind kind, string what) =>
        Json.TryGetProperty(name, out JsonElement value) && value.ValueKind == kind ? value : throw Error($"\"{name}\" must be {what}");

    private static T Read<T>(string path, Func<string, T> read)
    {
        try
        {
            return read(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InputException($"{path} cannot be read: {error.Message}", error);
        }
    }

    private static JsonElement Parse(string text, JsonValueKind kind, string place)
    {
        try
        {
            JsonElement parsed = JsonSerializer.Deserialize<JsonElement>(text);
            return parsed.ValueKind == kind
                ? parsed
                : throw new InputException($"{place} must be a JSON {kind}, but is {parsed.ValueKind}.");
        }
        catch (JsonException error)
        {
            throw new InputException($"{place} is not JSON: {error.Message}", error);
        }
    }
}
