using System.Text;
using System.Text.Json;

namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>Fixed JSON values as text: as Python's <c>json.dumps</c> writes them, with a space behind colons and commas.</summary>
internal static class JsonText
{
    /// <summary>A value as text.</summary>
    public static string Of(JsonElement value)
    {
        var text = new StringBuilder();
        Append(text, value);
        return text.ToString();
    }

    /// <summary>A string in quotes, with the escapes that JSON demands.</summary>
    public static string Of(string value)
    {
        var text = new StringBuilder(value.Length + 2);
        Append(text, value);
        return text.ToString();
    }

    private static void Append(StringBuilder text, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                Append(text, value.GetString()!);
                break;
            case JsonValueKind.Array:
                AppendEach(text.Append('['), value.EnumerateArray(), item => Append(text, item));
                text.Append(']');
                break;
            case JsonValueKind.Object:
                AppendEach(text.Append('{'), value.EnumerateObject(), property =>
                {
                    Append(text, property.Name);
                    Append(text.Append(": "), property.Value);
                });
                text.Append('}');
                break;
            default:
                text.Append(value.GetRawText());
                break;
        }
    }

    private static void AppendEach<T>(StringBuilder text, IEnumerable<T> items, Action<T> append)
    {
        bool isFirst = true;
        foreach (T item in items)
        {
            if (!isFirst)
                text.Append(", ");
            append(item);
            isFirst = false;
        }
    }

    private static void Append(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (char character in value)
        {
            _ = character switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                '\b' => text.Append("\\b"),
                '\f' => text.Append("\\f"),
                < ' ' => text.Append("\\u").Append(((int)character).ToString("x4")),
                _ => text.Append(character),
            };
        }

        text.Append('"');
    }
}
