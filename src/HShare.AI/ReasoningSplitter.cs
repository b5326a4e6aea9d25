namespace HShare.AI;

/// <summary>
/// Splits an answer that comes in pieces into the reasoning that it begins with and the text behind that, wherever it is cut. Marks later
/// in the answer are text: there they are quoted, not meant. White space inside and behind the marks is part of them.
/// </summary>
/// <param name="marks">The marks around reasoning.</param>
/// <param name="isOpen">Whether the prompt ends with the opening mark, so that the answer begins with reasoning.</param>
internal sealed class ReasoningSplitter(ReasoningMarks marks, bool isOpen)
{
    private Stage _stage = isOpen ? Stage.Opened : Stage.Before;
    private string _held = "";

    private enum Stage
    {
        Before, // perhaps there is reasoning
        Opened, // behind the mark, white space at most
        Inside,
        Closed, // behind the mark, white space at most
        Text,
    }

    /// <summary>Whether the answer so far ends inside reasoning.</summary>
    public bool IsInside => _stage is Stage.Opened or Stage.Inside;

    /// <summary>Marks that a tokenizer may have as special tokens: they must reach the splitter as text.</summary>
    public IReadOnlyList<string> Marks { get; } = [marks.Opening, marks.Closing];

    /// <summary>Adds a piece of the answer and returns what is certain now.</summary>
    public (string Reasoning, string Text) Append(string piece)
    {
        if (_stage == Stage.Text)
            return ("", piece);

        string reasoning = "";
        string held = _held + piece;
        _held = "";
        if (_stage == Stage.Before)
        {
            string begin = held.TrimStart();
            if (begin.Length < marks.Opening.Length && marks.Opening.StartsWith(begin, StringComparison.Ordinal))
            {
                _held = held;
                return ("", "");
            }

            if (!begin.StartsWith(marks.Opening, StringComparison.Ordinal))
            {
                _stage = Stage.Text;
                return ("", held);
            }

            held = begin[marks.Opening.Length..];
            _stage = Stage.Opened;
        }

        if (IsInside)
            (reasoning, held) = SplitInside(held);
        if (_stage == Stage.Closed && (held = held.TrimStart()).Length > 0)
            _stage = Stage.Text;
        return (reasoning, held);
    }

    /// <summary>Returns what was held back, where the answer has ended.</summary>
    public (string Reasoning, string Text) Flush()
    {
        string held = _held;
        _held = "";
        return IsInside ? (held.TrimEnd(), "") : ("", held);
    }

    private (string Reasoning, string Behind) SplitInside(string held)
    {
        if (_stage == Stage.Opened && (held = held.TrimStart()).Length > 0)
            _stage = Stage.Inside;

        int closing = held.IndexOf(marks.Closing, StringComparison.Ordinal);
        if (closing >= 0)
        {
            _stage = Stage.Closed;
            return (held[..closing].TrimEnd(), held[(closing + marks.Closing.Length)..]);
        }

        int certain = held.Length;
        for (int begin = Math.Max(0, held.Length - marks.Closing.Length + 1); begin < held.Length && certain == held.Length; begin++)
        {
            if (marks.Closing.AsSpan().StartsWith(held.AsSpan(begin), StringComparison.Ordinal))
                certain = begin;
        }

        certain = held.AsSpan(0, certain).TrimEnd().Length;
        _held = held[certain..];
        return (held[..certain], "");
    }
}
