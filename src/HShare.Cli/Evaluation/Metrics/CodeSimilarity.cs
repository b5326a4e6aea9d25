namespace HShare.Cli.Evaluation.Metrics;

/// <summary>How alike the next line of code is, as LongBench's <c>code_sim_score</c> counts it.</summary>
internal static class CodeSimilarity
{
    private const int LongText = 200;

    /// <summary>
    /// Compares the answer's first line that has no <c>`</c>, <c>#</c> or <c>//</c> (leading empty lines aside) with the reference:
    /// <see cref="Ratio"/>, rounded to hundredths. This is <c>fuzz.ratio</c> of fuzzywuzzy as LongBench's requirements install it, without
    /// python-Levenshtein, which would count a little differently.
    /// </summary>
    /// <param name="answer">The model's answer.</param>
    /// <param name="reference">The right line.</param>
    public static double Score(string answer, string reference)
    {
        string line = answer.TrimStart('\n').Split('\n').FirstOrDefault(IsCode) ?? "";
        if (line == reference)
            return 1;
        return line.Length == 0 || reference.Length == 0 ? 0 : Math.Round(100 * Ratio(line, reference)) / 100;
    }

    /// <summary>
    /// The ratio of Python's <c>difflib.SequenceMatcher</c>: the longest common stretch of characters is taken, then those to its left and
    /// right, and so on; twice the characters of all stretches over those of both texts. Where the second text has 200 characters or more,
    /// those that make up more than a hundredth of it start no stretch.
    /// </summary>
    internal static double Ratio(string first, string second)
    {
        HashSet<char> popular = second.Length < LongText
            ? []
            : [.. second.CountBy(letter => letter).Where(pair => pair.Value > (second.Length / 100) + 1).Select(pair => pair.Key)];
        return 2.0 * Matching(first, second, popular) / (first.Length + second.Length);
    }

    private static bool IsCode(string line) => !line.Contains('`') && !line.Contains('#') && !line.Contains("//", StringComparison.Ordinal);

    private static int Matching(ReadOnlySpan<char> first, ReadOnlySpan<char> second, HashSet<char> popular)
    {
        (int i, int j, int length) = LongestStretch(first, second, popular);
        return length == 0
            ? 0
            : length + Matching(first[..i], second[..j], popular) + Matching(first[(i + length)..], second[(j + length)..], popular);
    }

    private static (int First, int Second, int Length) LongestStretch(
        ReadOnlySpan<char> first, ReadOnlySpan<char> second, HashSet<char> popular)
    {
        (int start1, int start2, int length) = (0, 0, 0);
        int[] before = new int[second.Length + 1]; // [j + 1]: length of the stretch that ends at the character before this and at j
        for (int i = 0; i < first.Length; i++)
        {
            int[] here = new int[second.Length + 1];
            for (int j = 0; j < second.Length; j++)
            {
                if (first[i] != second[j] || popular.Contains(second[j]))
                    continue;
                here[j + 1] = before[j] + 1;
                if (here[j + 1] > length)
                    (start1, start2, length) = (i - here[j + 1] + 1, j - here[j + 1] + 1, here[j + 1]);
            }

            before = here;
        }

        // A stretch takes in the popular characters at its ends.
        while (start1 > 0 && start2 > 0 && first[start1 - 1] == second[start2 - 1])
            (start1, start2, length) = (start1 - 1, start2 - 1, length + 1);
        while (start1 + length < first.Length && start2 + length < second.Length && first[start1 + length] == second[start2 + length])
            length++;
        return (start1, start2, length);
    }
}
