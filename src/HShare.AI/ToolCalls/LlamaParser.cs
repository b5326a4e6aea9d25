namespace HShare.AI.ToolCalls;

/// <summary>
/// Reads <c>{"name": …, "parameters": {…}}</c>, behind <c>&lt;|python_tag|&gt;</c> or as the answer itself, and further ones behind the
/// first. Without the tag, only the name of a function that was offered tells a call from an answer that is JSON.
/// </summary>
internal sealed class LlamaParser(CallIds ids, IReadOnlySet<string> functions) : ToolCallParser(ids)
{
    private const string Tag = "<|python_tag|>";
    private const string Separators = " \t\r\n;,";

    private static readonly string[] FirstKeys = ["\"name\"", "\"type\"", "\"function\""];

    public override IReadOnlyList<string> Marks { get; } = [Tag];

    protected override int FindCall(ReadOnlySpan<char> held)
    {
        if (!IsBehindText)
        {
            int first = held.IndexOfAnyExcept(Separators);
            if (first < 0 || held[first] == '{')
                return 0;
        }

        return FindMark(held, Tag);
    }

    protected override CallReading ReadCall(ReadOnlySpan<char> text, bool end)
    {
        int begin = SkipSeparators(text, 0);
        bool tagged = text[begin..].StartsWith(Tag, StringComparison.Ordinal);
        if (tagged)
            begin = SkipSeparators(text, begin + Tag.Length);

        ReadOnlySpan<char> json = text[begin..];
        if (json.IsEmpty || (!tagged && Tag.AsSpan().StartsWith(json, StringComparison.Ordinal)))
            return CallReading.Undecided;
        if (json[0] != '{' || (!tagged && !MayBeCall(json)))
            return CallReading.Text(begin + 1);

        int length = CallJson.ObjectLength(json);
        if (length < 0)
            return CallReading.Undecided;

        bool isCall = CallJson.TryRead(json[..length], out string name, out string arguments, out string? id)
            && (tagged || functions.Contains(name));
        return isCall ? Call(begin + length, name, arguments, id) : CallReading.Text(begin + length);
    }

    /// <summary>Whether an object may be a call by its first key, as far as that is there: other JSON need not be held back.</summary>
    private static bool MayBeCall(ReadOnlySpan<char> json)
    {
        ReadOnlySpan<char> key = json[1..].TrimStart();
        foreach (string first in FirstKeys)
        {
            if (key.StartsWith(first, StringComparison.Ordinal) || first.AsSpan().StartsWith(key, StringComparison.Ordinal))
                return true;
        }

        return false;
    }

    private static int SkipSeparators(ReadOnlySpan<char> text, int from)
    {
        int next = text[from..].IndexOfAnyExcept(Separators);
        return next < 0 ? text.Length : from + next;
    }
}
