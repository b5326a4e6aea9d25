using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>Turns the conversation (messages, tools, variables) into values whose strings, keys too, are marked as input.</summary>
internal static class JsonInput
{
    /// <summary>
    /// Messages. Their roles count as the template's own text if they are plain words: templates build special tokens from them, such as
    /// <c>&lt;|user|&gt;</c>, and the application chooses them, not the user.
    /// </summary>
    public static Value FromMessages(JsonArray messages)
    {
        List<Value> values = new(messages.Count);
        foreach (JsonNode? message in messages)
        {
            Value value = From(message);
            if (value is Dictionary entries && entries.FindItem(RoleKey) is Text role && IsWord(role.Content))
                entries[RoleKey] = Text.FromTemplate(role.Content);
            values.Add(value);
        }

        return new Sequence(values);
    }

    public static Value From(JsonNode? node)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new ChatTemplateException("The conversation's JSON is nested too deeply to render.");
        return node switch
        {
            null => None.Value,
            JsonArray array => new Sequence([.. array.Select(From)]),
            JsonObject entries => FromObject(entries),
            _ => FromScalar(node),
        };
    }

    private static Text RoleKey { get; } = Text.FromTemplate("role");

    private static bool IsWord(string role) => role.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-');

    private static Dictionary FromObject(JsonObject entries)
    {
        Dictionary dictionary = new();
        foreach ((string key, JsonNode? value) in entries)
            dictionary[Text.FromInput(key)] = From(value);
        return dictionary;
    }

    private static Value FromScalar(JsonNode node) => node.GetValueKind() switch
    {
        JsonValueKind.String => Text.FromInput(node.GetValue<string>()),
        JsonValueKind.True => Bool.True,
        JsonValueKind.False => Bool.False,
        JsonValueKind.Number => FromNumber(node.ToJsonString()),
        _ => None.Value,
    };

    private static Value FromNumber(string number)
    {
        if (number.AsSpan().ContainsAny(".eE"))
            return new Float(double.Parse(number, CultureInfo.InvariantCulture));
        return Int128.TryParse(number, CultureInfo.InvariantCulture, out Int128 integer)
            ? new Integer(integer)
            : throw new ChatTemplateException($"The conversation holds the integer {number}, which is too large to render.");
    }
}
