using System.Text.RegularExpressions;

namespace HShare.Cli.Evaluation.Metrics;

/// <summary>Word overlap of an answer with a reference, as SQuAD and LongBench's <c>qa_f1_score</c> count it.</summary>
internal static partial class F1
{
    // Python's string.punctuation. Typographic quotes and dashes are not in it, and stay.
    private const string Punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /// <summary>
    /// Harmonic mean of precision and recall over the normalised words, a word counting as often as both texts have it: 0 to 1, and 0 where
    /// they share none.
    /// </summary>
    /// <param name="answer">The model's answer.</param>
    /// <param name="reference">A right answer.</param>
    public static double Score(string answer, string reference)
    {
        string[] said = Words(answer);
        string[] right = Words(reference);
        Dictionary<string, int> left = right.CountBy(word => word).ToDictionary();
        int common = 0;
        foreach (string word in said)
        {
            if (left.GetValueOrDefault(word) > 0)
            {
                left[word]--;
                common++;
            }
        }

        if (common == 0)
            return 0;
        double precision = (double)common / said.Length;
        double recall = (double)common / right.Length;
        return 2 * precision * recall / (precision + recall);
    }

    /// <summary>
    /// A text as SQuAD compares it: lower case, without ASCII punctuation, without the words a, an and the, one space between words.
    /// </summary>
    public static string Normalize(string text) => string.Join(' ', Words(text));

    private static string[] Words(string text)
    {
        string bare = string.Concat(text.ToLowerInvariant().Where(letter => !Punctuation.Contains(letter)));
        return Articles().Replace(bare, " ").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    }

    [GeneratedRegex(@"\b(a|an|the)\b", RegexOptions.CultureInvariant)]
    private static partial Regex Articles();
}
