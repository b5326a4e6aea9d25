using System.Text.Json;

namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>Finds what <c>$ref</c> refers to: a place of the same document.</summary>
internal sealed class SchemaReferences(SchemaPart root)
{
    private readonly Dictionary<string, SchemaPart> _found = new(StringComparer.Ordinal) { ["#"] = root };

    /// <summary>The schema that a part's <c>$ref</c> refers to, or null where it has none.</summary>
    public SchemaPart? TargetOf(SchemaPart part)
    {
        if (part.Text("$ref") is not { } reference)
            return null;
        if (_found.TryGetValue(reference, out SchemaPart? known))
            return known;
        if (!reference.StartsWith("#/", StringComparison.Ordinal))
            throw part.Unsupported("$ref", $"is '{reference}'; only places of the same document, '#' and '#/…', are looked up");

        JsonElement element = root.Element;
        foreach (string step in reference[2..].Split('/'))
        {
            string name = Unescape(step);
            if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement member))
                element = member;
            else if (element.ValueKind == JsonValueKind.Array && uint.TryParse(name, out uint index) && index < element.GetArrayLength())
                element = element[(int)index];
            else
                throw part.Damaged("$ref", $"is '{reference}', but there is no '{name}' on the way there");
        }

        var target = root with { Element = element, Path = reference };
        SchemaKeywords.Check(target);
        _found.Add(reference, target);
        return target;
    }

    private static string Unescape(string step) =>
        Uri.UnescapeDataString(step).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
}
