namespace HShare.Cli.Evaluation.Metrics;

/// <summary>Whether an answer is a reference, but for case, articles, punctuation and white space: SQuAD's exact match.</summary>
internal static class ExactMatch
{
    /// <summary>1 where both texts are the same once normalised (<see cref="F1.Normalize"/>), else 0.</summary>
    /// <param name="answer">The model's answer.</param>
    /// <param name="reference">A right answer.</param>
    public static double Score(string answer, string reference) => F1.Normalize(answer) == F1.Normalize(reference) ? 1 : 0;
}
