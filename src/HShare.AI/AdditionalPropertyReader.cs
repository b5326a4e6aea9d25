using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace HShare.AI;

/// <summary>
/// Reads typed values out of <see cref="ChatOptions.AdditionalProperties"/>, whose values come as whatever the caller's layer made of them:
/// a double for an integer, a string, a <see cref="JsonElement"/>. A value that does not mean what the key needs is refused.
/// </summary>
internal readonly struct AdditionalPropertyReader(AdditionalPropertiesDictionary properties)
{
    public float? Single(string key)
    {
        if (Number(key) is not { } number)
            return null;

        return double.IsFinite(number) ? (float)number : throw Refused(key, number, "a finite number");
    }

    public int? Int32(string key)
    {
        if (Number(key) is not { } number)
            return null;

        bool whole = number == Math.Floor(number) && Math.Abs(number) <= int.MaxValue;
        return whole ? (int)number : throw Refused(key, number, "a whole number");
    }

    public bool? Boolean(string key) => Value(key) switch
    {
        null => null,
        bool value => value,
        string text when bool.TryParse(text, out bool value) => value,
        var other => throw Refused(key, other, "true or false"),
    };

    public string? String(string key) => Value(key) switch
    {
        null => null,
        string text => text,
        var other => throw Refused(key, other, "a string"),
    };

    private double? Number(string key) => Value(key) switch
    {
        null => null,
        string text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) => value,
        IConvertible number and (sbyte or byte or short or ushort or int or uint or long or ulong or float or double or decimal) =>
            number.ToDouble(CultureInfo.InvariantCulture),
        var other => throw Refused(key, other, "a number"),
    };

    /// <summary>The value with JSON's wrapping taken off: null, bool, string, double or the object itself.</summary>
    private object? Value(string key) => properties.GetValueOrDefault(key) switch
    {
        JsonElement { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => null,
        JsonElement { ValueKind: JsonValueKind.True } => true,
        JsonElement { ValueKind: JsonValueKind.False } => false,
        JsonElement { ValueKind: JsonValueKind.Number } json => json.GetDouble(),
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString(),
        var value => value,
    };

    private static ArgumentException Refused(string key, object value, string expected) => new(
        string.Create(
            CultureInfo.InvariantCulture,
            $"ChatOptions.AdditionalProperties[\"{key}\"] is '{value}'. Set it to {expected}, or remove it."),
        "options");
}
