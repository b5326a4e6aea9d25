using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.AI;

namespace HShare.AI.ToolCalls;

/// <summary>
/// Tells function calls from text in an answer that comes in pieces, wherever it is cut. Text comes out as soon as it is certain to be
/// text, a call as soon as it is complete; what may become a call is held back. White space around a call is part of its markup. What
/// looks like a call and never completes comes out as the text it is.
/// </summary>
/// <remarks>A call is read anew from its beginning with each piece: a scan of a few kilobytes is nothing beside the step that made a token.
/// </remarks>
internal abstract class ToolCallParser(CallIds ids)
{
    private readonly List<char> _held = [];
    private readonly StringBuilder _text = new();
    private bool _behindCall; // nothing but white space since the last call

    /// <summary>Marks of the format that a tokenizer may have as special tokens: they must reach the parser as text.</summary>
    public abstract IReadOnlyList<string> Marks { get; }

    /// <summary>Whether text has come since the answer began, or since its last call.</summary>
    protected bool IsBehindText { get; private set; }

    /// <summary>A parser for one answer.</summary>
    /// <param name="format">A format other than <see cref="ToolCallFormat.Auto"/>.</param>
    /// <param name="ids">Gives the calls their ids.</param>
    /// <param name="functions">Names of the functions that may be called.</param>
    public static ToolCallParser Create(ToolCallFormat format, CallIds ids, IReadOnlySet<string> functions) => format switch
    {
        ToolCallFormat.Hermes => new HermesParser(ids),
        ToolCallFormat.Llama => new LlamaParser(ids, functions),
        ToolCallFormat.Mistral => new MistralParser(ids),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
    };

    /// <summary>Adds a piece of the answer and returns what is certain now: text, and each call that is complete.</summary>
    public IReadOnlyList<AIContent> Append(string text)
    {
        _held.AddRange(text);
        return Read(end: false);
    }

    /// <summary>Returns what was held back, where the answer has ended.</summary>
    public IReadOnlyList<AIContent> Flush() => Read(end: true);

    /// <summary>
    /// Where in the held characters a call begins, or may once more have come; their number where there is no such place. The characters
    /// before it are text.
    /// </summary>
    protected abstract int FindCall(ReadOnlySpan<char> held);

    /// <summary>Reads what begins at the place found.</summary>
    /// <param name="text">The characters from there on.</param>
    /// <param name="end">Whether no more will come. What is undecided then is text.</param>
    protected abstract CallReading ReadCall(ReadOnlySpan<char> text, bool end);

    /// <summary>The place of a mark, or of the beginning of one at the end of the text; the text's length where there is neither.</summary>
    protected static int FindMark(ReadOnlySpan<char> text, string mark)
    {
        int at = text.IndexOf(mark, StringComparison.Ordinal);
        if (at >= 0)
            return at;

        for (at = Math.Max(0, text.Length - mark.Length + 1); at < text.Length; at++)
        {
            if (mark.AsSpan().StartsWith(text[at..], StringComparison.Ordinal))
                break;
        }

        return at;
    }

    /// <summary>A call whose arguments are still to be parsed; where that fails, the content has the error.</summary>
    protected CallReading Call(int length, string name, string arguments, string? id = null)
    {
        FunctionCallContent call = FunctionCallContent.CreateFromParsedArguments(
            arguments, ids.Next(id), name, CallJson.ParseArguments);
        if (call.Exception is not null)
            call.RawRepresentation = arguments;
        return new CallReading(length, call);
    }

    private List<AIContent> Read(bool end)
    {
        List<AIContent> contents = [];
        while (_held.Count > 0)
        {
            ReadOnlySpan<char> held = CollectionsMarshal.AsSpan(_held);
            if (end && _behindCall && held.IsWhiteSpace())
                break;

            int begin = FindCall(held);
            int text = end && begin == held.Length ? begin : held[..begin].TrimEnd().Length;
            if (begin == held.Length)
            {
                TakeText(text);
                break;
            }

            CallReading reading = ReadCall(held[begin..], end);
            if (reading.Length == 0 && end)
                reading = CallReading.Text(1); // a call may still begin behind it
            if (reading.Length == 0)
            {
                TakeText(text);
                break;
            }

            Take(reading, text, begin, contents);
        }

        TakeTextInto(contents);
        return contents;
    }

    private void Take(CallReading reading, int text, int begin, List<AIContent> contents)
    {
        if (reading is { Call: null, IsMarkup: false })
        {
            TakeText(begin + reading.Length);
            return;
        }

        TakeText(text);
        _held.RemoveRange(0, begin - text + reading.Length);
        if (reading.Call is null)
            return;

        TakeTextInto(contents);
        contents.Add(reading.Call);
        (_behindCall, IsBehindText) = (true, false);
    }

    private void TakeText(int length)
    {
        ReadOnlySpan<char> text = CollectionsMarshal.AsSpan(_held)[..length];
        if (!text.IsWhiteSpace())
            (_behindCall, IsBehindText) = (false, true);
        _text.Append(text);
        _held.RemoveRange(0, length);
    }

    private void TakeTextInto(List<AIContent> contents)
    {
        if (_text.Length > 0)
            contents.Add(new TextContent(_text.ToString()));
        _text.Clear();
    }
}
