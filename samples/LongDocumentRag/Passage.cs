using System.Text.RegularExpressions;

namespace LongDocumentRag;

/// <summary>A piece of a document, with its place.</summary>
/// <param name="Document">The document's path within its folder.</param>
/// <param name="FirstLine">The line that it begins in, from 1.</param>
/// <param name="LastLine">The line that it ends in.</param>
/// <param name="Text">Whole sentences.</param>
internal sealed partial record Passage(string Document, int FirstLine, int LastLine, string Text)
{
    private const int MostWords = 160;
    private const int OverlapWords = 40;

    /// <summary>
    /// Cuts a document into passages of some 160 words. Each begins with the last sentences of the one before, so that a fact which needs
    /// its neighbour to be understood is whole in one of the two.
    /// </summary>
    public static IEnumerable<Passage> Split(string document, string text)
    {
        List<(string Text, int Words, int Line)> sentences = []; // of the passage that grows
        int overlap = 0;
        foreach ((string sentence, int line) in Sentences(text))
        {
            sentences.Add((sentence, sentence.Count(char.IsWhiteSpace) + 1, line));
            if (sentences.Sum(s => s.Words) < MostWords)
                continue;

            yield return Join(document, sentences);
            while (sentences.Sum(s => s.Words) > OverlapWords)
                sentences.RemoveAt(0);
            overlap = sentences.Count;
        }

        if (sentences.Count > overlap)
            yield return Join(document, sentences);
    }

    private static Passage Join(string document, List<(string Text, int Words, int Line)> sentences)
    {
        string text = sentences[0].Text;
        for (int i = 1; i < sentences.Count; i++)
            text += (sentences[i].Line == sentences[i - 1].Line ? " " : "\n") + sentences[i].Text;
        return new Passage(document, sentences[0].Line, sentences[^1].Line, text);
    }

    private static IEnumerable<(string Sentence, int Line)> Sentences(string text) => text
        .Split('\n')
        .SelectMany((line, i) => SentenceEnd.Split(line.Trim()).Select(sentence => (sentence, i + 1)))
        .Where(part => part.sentence.Length > 0);

    [GeneratedRegex("""(?<=[.!?]["”’)]?)\s+(?=\W?\p{Lu})""")]
    private static partial Regex SentenceEnd { get; }
}
