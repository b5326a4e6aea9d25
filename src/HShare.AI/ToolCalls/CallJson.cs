using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace HShare.AI.ToolCalls;

/// <summary>The JSON that models write for a call: an object with a name and arguments, not always well-formed.</summary>
internal static class CallJson
{
    /// <summary>
    /// Reads a call as far as it is well-formed. One whose name can be read but whose arguments are broken is still a call: its arguments
    /// are the broken rest.
    /// </summary>
    /// <param name="json">One object, perhaps with white space around it.</param>
    /// <param name="name">Value of <c>name</c>; some models write <c>function</c>.</param>
    /// <param name="arguments">Value of <c>arguments</c> or <c>parameters</c> as JSON; an empty object where there is none.</param>
    /// <param name="id">Value of <c>id</c>, or null.</param>
    public static bool TryRead(ReadOnlySpan<char> json, out string name, out string arguments, out string? id)
    {
        byte[] utf8 = new byte[Encoding.UTF8.GetByteCount(json)];
        Encoding.UTF8.GetBytes(json, utf8);
        (string? foundName, string? foundArguments, id) = (null, null, null);
        int begin = -1; // of arguments that are not read to their end
        var reader = new Utf8JsonReader(utf8);
        try
        {
            reader.Read();
            while (reader.TokenType != JsonTokenType.None && reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string key = reader.GetString()!;
                bool isArguments = key is "arguments" or "parameters";
                begin = isArguments ? (int)reader.BytesConsumed : -1;
                reader.Read();
                if (isArguments)
                    foundArguments = ReadArguments(ref reader, utf8);
                else if (key is "name" or "function" && reader.TokenType == JsonTokenType.String)
                    foundName = reader.GetString();
                else if (key == "id" && reader.TokenType == JsonTokenType.String)
                    id = reader.GetString();
                reader.Skip();
                begin = -1;
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            if (begin >= 0)
                foundArguments = Encoding.UTF8.GetString(utf8.AsSpan(begin)).Trim();
        }

        name = foundName ?? "";
        arguments = foundArguments ?? "{}";
        return name.Length > 0;
    }

    /// <summary>Arguments by name, their values as JSON.</summary>
    /// <exception cref="JsonException">They are no JSON object.</exception>
    public static IDictionary<string, object?>? ParseArguments(string json) => (IDictionary<string, object?>?)JsonSerializer.Deserialize(
        json, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IDictionary<string, object?>)));

    /// <summary>
    /// Length of the object that a text begins with, or -1 where it has no end yet. Only braces and strings are looked at.
    /// </summary>
    public static int ObjectLength(ReadOnlySpan<char> text)
    {
        int depth = 0;
        bool inString = false;
        for (int i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '"':
                    inString = !inString;
                    break;
                case '\\' when inString:
                    i++;
                    break;
                case '{' when !inString:
                    depth++;
                    break;
                case '}' when !inString && --depth == 0:
                    return i + 1;
            }
        }

        return -1;
    }

    /// <summary>Whether a text ends inside a JSON string.</summary>
    /// <param name="text">A piece of JSON.</param>
    /// <param name="inString">Whether it begins inside one.</param>
    public static bool EndsInString(ReadOnlySpan<char> text, bool inString)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '"')
                inString = !inString;
            else if (text[i] == '\\' && inString)
                i++;
        }

        return inString;
    }

    /// <summary>Whether a text is one JSON value.</summary>
    public static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        try
        {
            JsonElement.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Arguments as JSON. Some models write them as a string that holds the object.</summary>
    private static string ReadArguments(ref Utf8JsonReader reader, byte[] utf8)
    {
        if (reader.TokenType == JsonTokenType.String)
            return reader.GetString() is { Length: > 0 } text ? text : "{}";

        int begin = (int)reader.TokenStartIndex;
        reader.Skip();
        string json = Encoding.UTF8.GetString(utf8.AsSpan(begin, (int)reader.BytesConsumed - begin));
        return json == "null" ? "{}" : json;
    }
}
