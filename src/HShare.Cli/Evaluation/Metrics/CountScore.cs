using System.Text.RegularExpressions;

namespace HShare.Cli.Evaluation.Metrics;

/// <summary>Whether an answer names the right number and no other, as LongBench's <c>count_score</c> counts it.</summary>
internal static partial class CountScore
{
    /// <summary>Share of the answer's numbers (runs of digits) that are the reference; 0 where it has none.</summary>
    /// <param name="answer">The model's answer.</param>
    /// <param name="reference">The right number, in digits.</param>
    public static double Score(string answer, string reference)
    {
        MatchCollection numbers = Digits().Matches(answer);
        return numbers.Count == 0 ? 0 : (double)numbers.Count(number => number.Value == reference) / numbers.Count;
    }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();
}
