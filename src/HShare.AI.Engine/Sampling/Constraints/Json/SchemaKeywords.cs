using System.Text.Json;

namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>What becomes of each keyword of a schema. One that is in no list is refused: a limit must not be lost silently.</summary>
internal static class SchemaKeywords
{
    private static readonly HashSet<string> Enforced =
    [
        "$ref", "allOf", "anyOf", "oneOf", "type", "enum", "const",
        "properties", "required", "additionalProperties", "unevaluatedProperties", "minProperties", "maxProperties",
        "items", "prefixItems", "minItems", "maxItems", "uniqueItems",
        "minLength", "maxLength", "pattern", "format",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    ];

    // Notes to readers, and containers of schemas that count where they are referred to.
    private static readonly HashSet<string> Annotations =
    [
        "$schema", "$id", "id", "$comment", "$defs", "definitions", "$anchor", "$vocabulary", "title", "description", "default", "examples",
        "example", "deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType", "contentSchema", "strict",
    ];

    private static readonly HashSet<string> Numbers = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
    private static readonly HashSet<string> Strings = ["minLength", "maxLength", "pattern"];
    private static readonly HashSet<string> Arrays = ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"];

    private static readonly HashSet<string> Objects =
        ["properties", "required", "additionalProperties", "unevaluatedProperties", "minProperties", "maxProperties"];

    /// <summary>Makes sure that a schema says nothing that is not heeded.</summary>
    /// <exception cref="NotSupportedException">It does; the message names the keyword.</exception>
    /// <exception cref="ArgumentException">It is no schema.</exception>
    public static void Check(SchemaPart part)
    {
        if (part.Constant is not null)
            return;
        if (part.Element.ValueKind != JsonValueKind.Object)
            throw new ArgumentException($"{part.Name} is damaged: what stands at {part.Path} is neither an object nor true nor false.");

        foreach (JsonProperty keyword in part.Element.EnumerateObject())
        {
            bool isNote = Annotations.Contains(keyword.Name) || keyword.Name.StartsWith("x-", StringComparison.Ordinal);
            if (!isNote && !Enforced.Contains(keyword.Name))
                throw part.Unsupported(keyword.Name, "is a keyword that this version does not enforce. Leave it out");
        }
    }

    /// <summary>The types that a schema without <c>type</c> speaks of; null where it speaks of none in particular.</summary>
    public static JsonTypes? Implied(SchemaPart part)
    {
        if (part.Constant is not null)
            return null;

        JsonTypes types = JsonTypes.None;
        foreach (JsonProperty keyword in part.Element.EnumerateObject())
        {
            types |= Numbers.Contains(keyword.Name) ? JsonTypes.Number
                : Strings.Contains(keyword.Name) ? JsonTypes.String
                : Arrays.Contains(keyword.Name) ? JsonTypes.Array
                : Objects.Contains(keyword.Name) ? JsonTypes.Object
                : JsonTypes.None;
            if (keyword.NameEquals("format"))
                types |= StringFormats.IsOfNumbers(part) ? JsonTypes.Number : JsonTypes.String;
        }

        return types == JsonTypes.None ? null : types;
    }
}
