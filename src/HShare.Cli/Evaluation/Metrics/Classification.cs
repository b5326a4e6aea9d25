namespace HShare.Cli.Evaluation.Metrics;

/// <summary>Whether an answer names the right class, as LongBench's <c>classification_score</c> counts it.</summary>
internal static class Classification
{
    /// <summary>
    /// Takes all classes whose name occurs in the answer, but for those that are only a part of the right class's name. If the right class
    /// is among the n that are left, the score is 1/n, else 0.
    /// </summary>
    /// <param name="answer">The model's answer.</param>
    /// <param name="reference">Name of the right class.</param>
    /// <param name="classes">Names of all classes.</param>
    public static double Score(string answer, string reference, IEnumerable<string> classes)
    {
        List<string> named = [.. classes.Where(name => answer.Contains(name, StringComparison.Ordinal))];

        // LongBench removes from the list it walks over, so the name behind a removed one is never looked at. Its figures come of that.
        for (int i = 0; i < named.Count; i++)
        {
            if (named[i] != reference && reference.Contains(named[i], StringComparison.Ordinal))
                named.RemoveAt(i);
        }

        return named.Contains(reference) ? 1.0 / named.Count : 0;
    }
}
