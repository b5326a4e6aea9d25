using System.Text.Json;

namespace HShare.AI.Engine.Tokenization;

/// <summary>The tokens by id and the ids by token, added tokens included.</summary>
internal sealed class Vocabulary
{
    // An id far above the number of tokens is a slip in the file, and would ask for memory without end.
    private const int LargestId = 1 << 24;

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _ids;
    private readonly string?[] _tokens;
    private readonly bool[] _special;

    private Vocabulary(Dictionary<string, int> ids, string?[] tokens, bool[] special)
    {
        _ids = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        _tokens = tokens;
        _special = special;
    }

    /// <summary>One more than the largest id.</summary>
    public int Size => _tokens.Length;

    /// <summary>Reads <c>model.vocab</c> and adds the added tokens.</summary>
    public static Vocabulary Read(JsonPart entries, IReadOnlyList<AddedToken> addedTokens)
    {
        entries.Expect(JsonValueKind.Object);
        Dictionary<string, int> ids = new(entries.Element.GetPropertyCount() + addedTokens.Count, StringComparer.Ordinal);
        foreach (JsonProperty entry in entries.Element.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out int id) || id is < 0 or > LargestId)
                throw entries.Damaged($"gives \"{entry.Name}\" the id {entry.Value}");
            if (!ids.TryAdd(entry.Name, id))
                throw entries.Damaged($"has \"{entry.Name}\" twice");
        }

        foreach (AddedToken token in addedTokens)
        {
            if (token.Id is < 0 or > LargestId)
                throw entries.Damaged($"is joined by an added token \"{token.Content}\" with the id {token.Id}");
            if (!ids.TryAdd(token.Content, token.Id) && ids[token.Content] != token.Id)
                throw entries.Damaged($"has \"{token.Content}\" as {ids[token.Content]}, but added_tokens has it as {token.Id}");
        }

        if (ids.Count == 0)
            throw entries.Damaged("is empty");
        return new(ids, ById(entries, ids), Marks(ids, addedTokens));
    }

    /// <summary>The id of a token, or null.</summary>
    public int? Find(ReadOnlySpan<char> content) => _ids.TryGetValue(content, out int id) ? id : null;

    /// <summary>The token with an id, or null where the vocabulary has a gap or ends before.</summary>
    public string? Token(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    /// <summary>Whether an id is an added token marked special.</summary>
    public bool IsSpecial(int id) => (uint)id < (uint)_special.Length && _special[id];

    private static string?[] ById(JsonPart entries, Dictionary<string, int> ids)
    {
        string?[] tokens = new string?[ids.Values.Max() + 1];
        foreach ((string content, int id) in ids)
        {
            if (tokens[id] is { } other)
                throw entries.Damaged($"has two tokens with the id {id}, \"{other}\" and \"{content}\"");
            tokens[id] = content;
        }

        return tokens;
    }

    private static bool[] Marks(Dictionary<string, int> ids, IReadOnlyList<AddedToken> addedTokens)
    {
        bool[] special = new bool[ids.Values.Max() + 1];
        foreach (AddedToken token in addedTokens)
            special[token.Id] |= token.Special;
        return special;
    }
}
