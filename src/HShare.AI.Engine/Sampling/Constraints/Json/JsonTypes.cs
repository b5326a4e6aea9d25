using System.Text.Json;

namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>The types of JSON values. A schema's "number" is <see cref="Number"/>: integers and the others.</summary>
[Flags]
internal enum JsonTypes
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>null.</summary>
    Null = 1,

    /// <summary>true and false.</summary>
    Boolean = 2,

    /// <summary>Strings.</summary>
    String = 4,

    /// <summary>Whole numbers.</summary>
    Integer = 8,

    /// <summary>All other numbers.</summary>
    Fraction = 16,

    /// <summary>Numbers.</summary>
    Number = Integer | Fraction,

    /// <summary>Arrays.</summary>
    Array = 32,

    /// <summary>Objects.</summary>
    Object = 64,

    /// <summary>All of them.</summary>
    Any = Null | Boolean | String | Number | Array | Object,
}

/// <summary>Reads types.</summary>
internal static class JsonTypesReading
{
    /// <summary>The type of a value.</summary>
    public static JsonTypes Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Array => JsonTypes.Array,
        JsonValueKind.Object => JsonTypes.Object,
        _ => value.TryGetDecimal(out decimal number) && number == decimal.Truncate(number) ? JsonTypes.Integer : JsonTypes.Fraction,
    };

    /// <summary>The type with a schema's name for it.</summary>
    public static JsonTypes? Named(string? name) => name switch
    {
        "null" => JsonTypes.Null,
        "boolean" => JsonTypes.Boolean,
        "string" => JsonTypes.String,
        "integer" => JsonTypes.Integer,
        "number" => JsonTypes.Number,
        "array" => JsonTypes.Array,
        "object" => JsonTypes.Object,
        _ => null,
    };
}
