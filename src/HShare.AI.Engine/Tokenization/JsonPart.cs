using System.Text.Json;

namespace HShare.AI.Engine.Tokenization;

/// <summary>A value of a <c>tokenizer.json</c> that knows where it stands, so that an error can name it.</summary>
/// <param name="File">The file's path.</param>
/// <param name="Place">The way to the value, <c>pre_tokenizer.pretokenizers[1]</c> for instance; empty for the whole file.</param>
/// <param name="Element">The value.</param>
internal readonly record struct JsonPart(string File, string Place, JsonElement Element)
{
    /// <summary>What kind of part this is: its <c>type</c>.</summary>
    public string Type => Text("type");

    /// <summary>A member that may be absent or null, as its own part.</summary>
    public JsonPart? Optional(string name)
    {
        Expect(JsonValueKind.Object);
        return Element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? new JsonPart(File, Place.Length == 0 ? name : $"{Place}.{name}", value)
            : null;
    }

    /// <summary>A member that must be there.</summary>
    public JsonPart Member(string name) => Optional(name) ?? throw Damaged($"has no \"{name}\"");

    /// <summary>The items of a member that must be an array.</summary>
    public List<JsonPart> Items(string name)
    {
        JsonPart array = Member(name);
        array.Expect(JsonValueKind.Array);
        string file = File;
        return [.. array.Element.EnumerateArray().Select((item, index) => new JsonPart(file, $"{array.Place}[{index}]", item))];
    }

    /// <summary>A member that must be text.</summary>
    public string Text(string name)
    {
        JsonPart member = Member(name);
        member.Expect(JsonValueKind.String);
        return member.Element.GetString()!;
    }

    /// <summary>A member that must be a whole number.</summary>
    public int Integer(string name) => Member(name).Integer();

    /// <summary>This value, which must be a whole number.</summary>
    public int Integer() =>
        Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out int value) ? value : throw Damaged("is not a whole number");

    /// <summary>A member that is true or false.</summary>
    public bool Flag(string name, bool absent = false) => Optional(name) switch
    {
        null => absent,
        { Element.ValueKind: JsonValueKind.True } => true,
        { Element.ValueKind: JsonValueKind.False } => false,
        { } other => throw other.Damaged("is neither true nor false"),
    };

    /// <summary>Refuses the file unless this value is of a kind.</summary>
    public void Expect(JsonValueKind kind)
    {
        if (Element.ValueKind != kind)
            throw Damaged($"is {Element.ValueKind}, not {kind}");
    }

    /// <summary>The error that something in this part is wrong.</summary>
    public ModelLoadException Damaged(string what, Exception? cause = null) =>
        new(File, $"{Name} {what}. The file is damaged; download it again.", cause);

    /// <summary>The error that this part is something HShare.AI does not know.</summary>
    public ModelLoadException Unsupported(string what, Exception? cause = null) =>
        new(File, $"{Name} is not supported: {what}. Use a model whose tokenizer does without it.", cause);

    private string Name => Place.Length == 0 ? "The tokenizer" : $"\"{Place}\"";
}
