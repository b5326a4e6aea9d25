using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace HShare.AI.Engine.Tests.Sampling.Constraints;

/// <summary>A plain JSON schema validator, written from the specification and sharing nothing with the grammars it judges.</summary>
internal sealed class SchemaValidator(JsonElement root)
{
    public static bool IsValid(string schema, string text)
    {
        JsonElement root = JsonElement.Parse(schema);
        return new SchemaValidator(root).IsValid(root, JsonElement.Parse(text));
    }

    public bool IsValid(JsonElement schema, JsonElement value)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return schema.ValueKind == JsonValueKind.True;
        return schema.EnumerateObject().All(keyword => Holds(schema, keyword.Name, keyword.Value, value));
    }

    private bool Holds(JsonElement schema, string keyword, JsonElement rule, JsonElement value)
    {
        switch (keyword)
        {
            case "$ref":
                return IsValid(Resolve(rule.GetString()!), value);
            case "allOf":
                return rule.EnumerateArray().All(one => IsValid(one, value));
            case "anyOf":
                return rule.EnumerateArray().Any(one => IsValid(one, value));
            case "oneOf":
                return rule.EnumerateArray().Count(one => IsValid(one, value)) == 1;
            case "type":
                return rule.ValueKind == JsonValueKind.Array
                    ? rule.EnumerateArray().Any(type => HasType(type.GetString()!, value))
                    : HasType(rule.GetString()!, value);
            case "enum":
                return rule.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value));
            case "const":
                return JsonElement.DeepEquals(rule, value);
            default:
                return value.ValueKind switch
                {
                    JsonValueKind.String => HoldsForString(keyword, rule, value.GetString()!),
                    JsonValueKind.Number => HoldsForNumber(keyword, rule, value),
                    JsonValueKind.Array => HoldsForArray(schema, keyword, rule, value),
                    JsonValueKind.Object => HoldsForObject(schema, keyword, rule, value),
                    _ => true,
                };
        }
    }

    private static bool HoldsForString(string keyword, JsonElement rule, string text) => keyword switch
    {
        "minLength" => text.EnumerateRunes().Count() >= rule.GetInt32(),
        "maxLength" => text.EnumerateRunes().Count() <= rule.GetInt32(),
        "pattern" => Regex.IsMatch(OneUnitEach(text), rule.GetString()!, RegexOptions.ECMAScript),
        "format" => rule.GetString() switch
        {
            "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
            "time" => JsonElement.Parse($"\"0001-01-01T{text}\"").TryGetDateTime(out _),
            "date-time" => JsonElement.Parse($"\"{text}\"").TryGetDateTimeOffset(out _),
            "uuid" => Guid.TryParseExact(text, "D", out _),
            "email" => System.Net.Mail.MailAddress.TryCreate(text, out _),
            "uri" => Uri.TryCreate(text, UriKind.Absolute, out _),
            "ipv4" => System.Net.IPAddress.TryParse(text, out _),
            _ => false,
        },
        _ => true,
    };

    // Patterns are of characters, and .NET's of UTF-16 units: a pair becomes one letter, which no pattern here tells from it.
    private static string OneUnitEach(string text) =>
        string.Concat(text.EnumerateRunes().Select(rune => rune.IsBmp ? (char)rune.Value : '文'));

    private static bool HoldsForNumber(string keyword, JsonElement rule, JsonElement value) => keyword switch
    {
        "minimum" => value.GetDouble() >= rule.GetDouble(),
        "exclusiveMinimum" => value.GetDouble() > rule.GetDouble(),
        "maximum" => value.GetDouble() <= rule.GetDouble(),
        "exclusiveMaximum" => value.GetDouble() < rule.GetDouble(),
        "multipleOf" => value.GetDecimal() % rule.GetDecimal() == 0,
        _ => double.IsFinite(value.GetDouble()),
    };

    private bool HoldsForArray(JsonElement schema, string keyword, JsonElement rule, JsonElement value)
    {
        int special = schema.TryGetProperty("prefixItems", out JsonElement prefix) ? prefix.GetArrayLength() : 0;
        return keyword switch
        {
            "minItems" => value.GetArrayLength() >= rule.GetInt32(),
            "maxItems" => value.GetArrayLength() <= rule.GetInt32(),
            "prefixItems" => value.EnumerateArray().Zip(rule.EnumerateArray()).All(pair => IsValid(pair.Second, pair.First)),
            "items" => value.EnumerateArray().Skip(special).All(item => IsValid(rule, item)),
            _ => true,
        };
    }

    private bool HoldsForObject(JsonElement schema, string keyword, JsonElement rule, JsonElement value)
    {
        JsonProperty[] properties = [.. value.EnumerateObject()];
        return keyword switch
        {
            "properties" => properties.All(
                property => !rule.TryGetProperty(property.Name, out JsonElement own) || IsValid(own, property.Value)),
            "required" => rule.EnumerateArray().All(name => value.TryGetProperty(name.GetString()!, out _)),
            "minProperties" => properties.DistinctBy(property => property.Name).Count() >= rule.GetInt32(),
            "maxProperties" => properties.Length <= rule.GetInt32(),
            "additionalProperties" => properties
                .Where(property => !schema.TryGetProperty("properties", out JsonElement own) || !own.TryGetProperty(property.Name, out _))
                .All(property => IsValid(rule, property.Value)),
            _ => true,
        };
    }

    private static bool HasType(string type, JsonElement value) => type switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        _ => false,
    };

    private JsonElement Resolve(string reference)
    {
        JsonElement element = root;
        foreach (string step in reference.Split('/').Skip(1).Select(step => step.Replace("~1", "/").Replace("~0", "~")))
        {
            element = element.ValueKind == JsonValueKind.Array
                ? element[int.Parse(step, CultureInfo.InvariantCulture)]
                : element.GetProperty(step);
        }

        return element;
    }
}
