using System.Text.RegularExpressions;

namespace Samples.Shared;

/// <summary>A document that is searched sentence by sentence.</summary>
internal sealed partial class LongDocument
{
    private readonly (string Text, HashSet<string> Words)[] _sentences;
    private readonly Dictionary<string, int> _sentencesWith; // a word -> sentences that have it

    /// <summary>Cuts a text into sentences.</summary>
    public LongDocument(string text)
    {
        _sentences = [.. SentenceEnd.Split(text).Select(sentence => (sentence.Trim(), WordsOf(sentence)))];
        _sentencesWith = _sentences
            .SelectMany(sentence => sentence.Words)
            .CountBy(word => word, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The sentence that shares the rarest words with a query; of equals, the shortest.</summary>
    public string Search(string query)
    {
        string[] words = [.. WordsOf(query).Where(_sentencesWith.ContainsKey)];
        if (words.Length == 0)
            return "The document does not say.";

        return _sentences
            .OrderByDescending(sentence => words.Where(sentence.Words.Contains).Sum(word => 1.0 / _sentencesWith[word]))
            .ThenBy(sentence => sentence.Text.Length)
            .First().Text;
    }

    private static HashSet<string> WordsOf(string text) =>
        Word.Matches(text).Select(match => match.Value).ToHashSet(StringComparer.OrdinalIgnoreCase);

    [GeneratedRegex("""(?<=[.!?]["”’)]?)\s+|\n+""")]
    private static partial Regex SentenceEnd { get; }

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word { get; }
}
