using System.Text;

namespace HShare.AI;

/// <summary>
/// Looks for stop texts in a text that comes in pieces, wherever it is cut. Text that may be the beginning of a stop text is held back
/// until that is decided. The stop text that is complete first ends the answer (of those complete at the same character the longest)
/// and is not part of it.
/// </summary>
/// <remarks>Each stop text is followed by its own Knuth-Morris-Pratt automaton, so that a character is looked at once.</remarks>
internal sealed class StopMatcher
{
    private readonly string[] _stops;
    private readonly int[][] _failures;
    private readonly int[] _matched; // of each stop text, how many of its first characters end the text so far
    private readonly StringBuilder _held = new();
    private int _undecided; // length of the longest beginning of a stop text that ends the text so far

    public StopMatcher(IReadOnlyList<string> stops)
    {
        _stops = [.. stops];
        _failures = Array.ConvertAll(_stops, FailureFunction);
        _matched = new int[_stops.Length];
    }

    /// <summary>Whether a stop text was found. Nothing is appended after that.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Adds a piece of text and returns what is certain to be part of the answer now, perhaps nothing.</summary>
    public string Append(string text)
    {
        if (_stops.Length == 0)
            return text;

        foreach (char c in text)
        {
            _held.Append(c);
            if (Advance(c) is > 0 and int completed)
            {
                IsStopped = true;
                _held.Length -= completed;
                return Flush();
            }
        }

        return Take(_held.Length - _undecided);
    }

    /// <summary>Returns what was held back, where the answer ended otherwise.</summary>
    public string Flush() => Take(_held.Length);

    /// <summary>Follows one character and returns the length of the longest stop text that it completes, or 0.</summary>
    private int Advance(char c)
    {
        int completed = 0;
        _undecided = 0;
        for (int i = 0; i < _stops.Length; i++)
        {
            string stop = _stops[i];
            int matched = _matched[i];
            while (matched > 0 && stop[matched] != c)
                matched = _failures[i][matched - 1];
            if (stop[matched] == c)
                matched++;

            _matched[i] = matched;
            _undecided = Math.Max(_undecided, matched);
            if (matched == stop.Length)
                completed = Math.Max(completed, matched);
        }

        return completed;
    }

    private string Take(int length)
    {
        if (length == 0)
            return "";

        string text = _held.ToString(0, length);
        _held.Remove(0, length);
        return text;
    }

    /// <summary>For each beginning of a text, the length of its longest proper beginning that is also its end.</summary>
    private static int[] FailureFunction(string text)
    {
        var failure = new int[text.Length];
        for (int i = 1, matched = 0; i < text.Length; i++)
        {
            while (matched > 0 && text[i] != text[matched])
                matched = failure[matched - 1];
            if (text[i] == text[matched])
                matched++;
            failure[i] = matched;
        }

        return failure;
    }
}
