using System.Text.RegularExpressions;

namespace HShare.AI.ToolCalls;

/// <summary>
/// Reads <c>[TOOL_CALLS]</c> and what follows it: a list <c>[{"name": …, "arguments": {…}}, …]</c>, whose calls come out one by one, or a
/// name and its arguments, <c>name[CALL_ID]id[ARGS]{…}</c>, where the id and both marks may be missing.
/// </summary>
internal sealed partial class MistralParser(CallIds ids) : ToolCallParser(ids)
{
    private const string Mark = "[TOOL_CALLS]";
    private const int LongestHeader = 200; // of name and id: a longer one is no call, and would hold back text
    private const string Separators = " \t\r\n,";

    private bool _inList;

    public override IReadOnlyList<string> Marks { get; } = [Mark, "[CALL_ID]", "[ARGS]"];

    protected override int FindCall(ReadOnlySpan<char> held) => _inList ? 0 : FindMark(held, Mark);

    protected override CallReading ReadCall(ReadOnlySpan<char> text, bool end)
    {
        if (_inList)
            return ReadNext(text, end);
        if (text.Length <= Mark.Length)
            return CallReading.Undecided;

        int begin = Skip(text, Mark.Length);
        if (begin == text.Length)
            return CallReading.Undecided;
        if (text[begin] is not ('[' or '{'))
            return ReadNamed(text, begin);

        bool list = text[begin] == '[';
        CallReading reading = ReadObject(text, list ? Skip(text, begin + 1) : begin);
        _inList = list && reading.Call is not null;
        return reading;
    }

    /// <summary>Reads on behind a call of a list.</summary>
    private CallReading ReadNext(ReadOnlySpan<char> text, bool end)
    {
        int begin = Skip(text, 0);
        if (begin == text.Length || text[begin] == '{')
        {
            CallReading next = ReadObject(text, begin);
            _inList = next.Call is not null || !end;
            return next;
        }

        _inList = false;
        if (text[begin] == ']')
            return CallReading.Markup(begin + 1);
        return FindMark(text, Mark) == 0 ? ReadCall(text, end) : CallReading.Text(Math.Max(begin, 1));
    }

    private CallReading ReadObject(ReadOnlySpan<char> text, int begin)
    {
        if (begin == text.Length)
            return CallReading.Undecided;
        if (text[begin] != '{')
            return CallReading.Text(begin);

        int length = CallJson.ObjectLength(text[begin..]);
        if (length < 0)
            return CallReading.Undecided;

        return CallJson.TryRead(text.Slice(begin, length), out string name, out string arguments, out string? id)
            ? Call(begin + length, name, arguments, id)
            : CallReading.Text(begin + length);
    }

    private CallReading ReadNamed(ReadOnlySpan<char> text, int begin)
    {
        int brace = text[begin..].IndexOf('{');
        ReadOnlySpan<char> header = brace < 0 ? text[begin..] : text.Slice(begin, brace);
        if (header.Length > LongestHeader || header.Contains('\n'))
            return CallReading.Text(begin);
        if (brace < 0)
            return CallReading.Undecided;

        Match match = Header().Match(header.ToString());
        if (!match.Success)
            return CallReading.Text(begin);

        ReadOnlySpan<char> json = text[(begin + brace)..];
        int length = CallJson.ObjectLength(json);
        return length < 0
            ? CallReading.Undecided
            : Call(begin + brace + length, match.Groups["name"].Value, json[..length].ToString(), match.Groups["id"].Value);
    }

    private static int Skip(ReadOnlySpan<char> text, int from)
    {
        int next = text[from..].IndexOfAnyExcept(Separators);
        return next < 0 ? text.Length : from + next;
    }

    [GeneratedRegex(@"^(?<name>[\w.:-]+)\s*(\[CALL_ID\](?<id>\w+)\s*)?(\[ARGS\]\s*)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Header();
}
