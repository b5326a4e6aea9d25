namespace HShare.AI.ToolCalls;

/// <summary>
/// Reads <c>&lt;tool_call&gt;{"name": …, "arguments": {…}}&lt;/tool_call&gt;</c>, a block for each call, anywhere in an answer.
/// </summary>
internal sealed class HermesParser(CallIds ids) : ToolCallParser(ids)
{
    private const string Opening = "<tool_call>";
    private const string Closing = "</tool_call>";

    public override IReadOnlyList<string> Marks { get; } = [Opening, Closing];

    protected override int FindCall(ReadOnlySpan<char> held) => FindMark(held, Opening);

    protected override CallReading ReadCall(ReadOnlySpan<char> text, bool end)
    {
        if (text.Length <= Opening.Length)
            return CallReading.Undecided;

        ReadOnlySpan<char> block = text[Opening.Length..];
        int closing = FindClosing(block, end);
        if (closing < 0)
            return CallReading.Undecided;

        int length = Opening.Length + closing + Closing.Length;
        return CallJson.TryRead(block[..closing], out string name, out string arguments, out string? id)
            ? Call(length, name, arguments, id)
            : CallReading.Text(Opening.Length);
    }

    /// <summary>
    /// The place of the mark that closes the block. An argument may hold the mark as well, so one inside a JSON string closes nothing,
    /// unless it turns out that the string itself is broken.
    /// </summary>
    private static int FindClosing(ReadOnlySpan<char> block, bool end)
    {
        int first = -1;
        bool inString = false;
        for (int from = 0, next; (next = block[from..].IndexOf(Closing, StringComparison.Ordinal)) >= 0; from += next + Closing.Length)
        {
            int closing = from + next;
            if (first < 0)
                first = closing;
            inString = CallJson.EndsInString(block[from..closing], inString);
            if (!inString)
                return closing == first || CallJson.IsWellFormed(block[..closing]) ? closing : first;
        }

        return end ? first : -1;
    }
}
