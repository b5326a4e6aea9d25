namespace HShare.Cli.Evaluation.Metrics;

/// <summary>
/// ROUGE-L's F-measure as LongBench reports it: that of the Python package <c>rouge</c> 1.0, summary level, over distinct words.
/// <para>
/// Both texts are split into sentences at every full stop (empty pieces fall away) and into words at white space; nothing is lower-cased
/// or stripped. For every pair of a reference's and an answer's sentence one longest common subsequence is taken; U is the set of the words
/// in all of them. With R and A the sets of the distinct words of reference and answer: recall r = |U| / |R|, precision p = |U| / |A|, and
/// the score is 2pr / (p + r + 1e-8), which is beta = 1.
/// </para>
/// Where a pair has several longest common subsequences, the package's walk back from both ends decides. Sentences may be of any
/// length: the package fails on those that exceed Python's recursion depth, and LongBench then scores 0.
/// </summary>
internal static class RougeL
{
    /// <summary>The score, 0 to 1 (a little below 1 for equal texts); 0 where a text has no sentence.</summary>
    /// <param name="answer">The model's answer.</param>
    /// <param name="reference">A right answer.</param>
    public static double Score(string answer, string reference)
    {
        string[][] said = Sentences(answer);
        string[][] right = Sentences(reference);
        if (said.Length == 0 || right.Length == 0)
            return 0;

        HashSet<string> common = [];
        foreach (string[] rightSentence in right)
        {
            foreach (string[] saidSentence in said)
                AddCommonWords(rightSentence, saidSentence, common);
        }

        double recall = (double)common.Count / DistinctWords(right);
        double precision = (double)common.Count / DistinctWords(said);
        return 2 * (precision * recall / (precision + recall + 1e-8));
    }

    // A piece of nothing but white space is a sentence of one empty word, as in the package: it counts as a distinct word.
    private static string[][] Sentences(string text) => [.. text
        .Split('.', StringSplitOptions.RemoveEmptyEntries)
        .Select(sentence => sentence.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        .Select(words => words.Length > 0 ? words : [""])];

    private static int DistinctWords(string[][] sentences) => sentences.SelectMany(words => words).Distinct().Count();

    private static void AddCommonWords(string[] right, string[] said, HashSet<string> common)
    {
        int[,] lengths = SubsequenceLengths(right, said);
        (int i, int j) = (right.Length, said.Length);
        while (i > 0 && j > 0)
        {
            if (right[i - 1] == said[j - 1])
            {
                common.Add(right[i - 1]);
                i--;
                j--;
            }
            else if (lengths[i - 1, j] > lengths[i, j - 1])
            {
                i--;
            }
            else
            {
                j--;
            }
        }
    }

    // [i, j]: length of the longest common subsequence of the first i and the first j words.
    private static int[,] SubsequenceLengths(string[] right, string[] said)
    {
        var lengths = new int[right.Length + 1, said.Length + 1];
        for (int i = 1; i <= right.Length; i++)
        {
            for (int j = 1; j <= said.Length; j++)
            {
                lengths[i, j] = right[i - 1] == said[j - 1]
                    ? lengths[i - 1, j - 1] + 1
                    : Math.Max(lengths[i - 1, j], lengths[i, j - 1]);
            }
        }

        return lengths;
    }
}
