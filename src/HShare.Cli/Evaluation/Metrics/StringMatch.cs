namespace HShare.Cli.Evaluation.Metrics;

/// <summary>How many of the references an answer holds, word for word but for case: RULER's <c>string_match</c>.</summary>
internal static class StringMatch
{
    /// <summary>Share of the references that occur in the answer.</summary>
    /// <param name="answer">The model's answer.</param>
    /// <param name="references">What it must hold; at least one.</param>
    public static double All(string answer, IReadOnlyList<string> references) =>
        (double)references.Count(reference => Holds(answer, reference)) / references.Count;

    /// <summary>1 where one of the references occurs in the answer, else 0.</summary>
    /// <param name="answer">The model's answer.</param>
    /// <param name="references">Any of which is enough.</param>
    public static double Part(string answer, IReadOnlyList<string> references) =>
        references.Any(reference => Holds(answer, reference)) ? 1 : 0;

    private static bool Holds(string answer, string reference) => answer.Contains(reference, StringComparison.OrdinalIgnoreCase);
}
