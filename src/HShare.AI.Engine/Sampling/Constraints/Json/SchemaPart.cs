using System.Globalization;
using System.Text.Json;

namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>One schema of a document, with its place in it.</summary>
/// <param name="Element">The schema: an object or a boolean.</param>
/// <param name="Path">Its place as a JSON pointer: "#/properties/name". Equal places are equal schemas.</param>
/// <param name="Name">What messages call the document.</param>
internal sealed record SchemaPart(JsonElement Element, string Path, string Name)
{
    private const int MaxCount = 60_000;

    /// <summary>Whether the schema holds for everything (true), nothing (false), or says more.</summary>
    public bool? Constant => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    /// <summary>The value of a keyword, or null.</summary>
    public JsonElement? Find(string keyword) =>
        Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(keyword, out JsonElement value) ? value : null;

    /// <summary>The schema under a keyword, or null.</summary>
    public SchemaPart? Child(string keyword) => Find(keyword) is { } value ? Child(value, keyword) : null;

    /// <summary>The schemas of a list under a keyword; none where it is not there.</summary>
    public IReadOnlyList<SchemaPart> Children(string keyword)
    {
        if (Find(keyword) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array)
            throw Damaged(keyword, "must be a list of schemas");
        return [.. value.EnumerateArray().Select((item, i) => Child(item, $"{keyword}/{i.ToString(CultureInfo.InvariantCulture)}"))];
    }

    /// <summary>The schemas of an object under a keyword, by name; none where it is not there.</summary>
    public IEnumerable<(string Name, SchemaPart Schema)> NamedChildren(string keyword)
    {
        if (Find(keyword) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Object)
            throw Damaged(keyword, "must be an object of schemas");
        return value.EnumerateObject().Select(entry => (entry.Name, Child(entry.Value, $"{keyword}/{Escape(entry.Name)}")));
    }

    /// <summary>A whole number of 0 or more under a keyword, or null.</summary>
    public int? Count(string keyword)
    {
        if (Find(keyword) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDecimal(out decimal number) || number < 0 || number % 1 != 0)
            throw Damaged(keyword, "must be a whole number of 0 or more");
        return number <= MaxCount
            ? (int)number
            : throw Unsupported(keyword, $"is above {MaxCount}, more than this version counts to. Lower it or leave it out");
    }

    /// <summary>Whether a keyword is there and true.</summary>
    public bool Flag(string keyword) => Find(keyword) switch
    {
        null or { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.True } => true,
        _ => throw Damaged(keyword, "must be true or false"),
    };

    /// <summary>A text under a keyword, or null.</summary>
    public string? Text(string keyword) => Find(keyword) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        _ => throw Damaged(keyword, "must be a text"),
    };

    /// <summary>The error of a keyword that cannot be enforced.</summary>
    /// <param name="keyword">The keyword.</param>
    /// <param name="reason">What is the matter with it, as the rest of a sentence that begins with the keyword.</param>
    public NotSupportedException Unsupported(string keyword, string reason) =>
        new($"{Name} cannot be enforced: '{keyword}' at {Path} {reason}.");

    /// <summary>The error of a keyword that is no valid JSON schema.</summary>
    /// <inheritdoc cref="Unsupported"/>
    public ArgumentException Damaged(string keyword, string reason) => new($"{Name} is damaged: '{keyword}' at {Path} {reason}.");

    private SchemaPart Child(JsonElement element, string step)
    {
        if (element.ValueKind is not (JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False))
            throw Damaged(step, "must be a schema: an object, true or false");
        return this with { Element = element, Path = $"{Path}/{step}" };
    }

    private static string Escape(string name) =>
        name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
