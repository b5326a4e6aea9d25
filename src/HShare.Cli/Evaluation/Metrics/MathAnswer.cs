using System.Text.RegularExpressions;

namespace HShare.Cli.Evaluation.Metrics;

/// <summary>
/// The number an answer to a GSM8K question gives, found in the two ways of the lm-evaluation-harness, so that figures compare with those
/// published. Numbers are compared as text: 18.00 is not 18.
/// </summary>
internal static partial class MathAnswer
{
    /// <summary>1 where the number behind the first <c>#### </c> is the reference, else 0.</summary>
    /// <param name="answer">The model's answer.</param>
    /// <param name="reference">The right number, normalised.</param>
    public static double StrictScore(string answer, string reference) => Strict(answer) == reference ? 1 : 0;

    /// <summary>1 where the last number in the answer is the reference, else 0.</summary>
    /// <param name="answer">The model's answer.</param>
    /// <param name="reference">The right number, normalised.</param>
    public static double FlexibleScore(string answer, string reference) => Flexible(answer) == reference ? 1 : 0;

    /// <summary>The number behind the first <c>#### </c>, normalised; null where there is none.</summary>
    public static string? Strict(string text) =>
        Marked().Match(text) is { Success: true } match ? Normalize(match.Groups[1].Value) : null;

    /// <summary>
    /// The last run of two or more of the characters <c>$0-9.,</c>, or the last whole number, whichever stands further behind, normalised;
    /// null where there is neither. As in the harness, dots or commas alone count as such a run.
    /// </summary>
    public static string? Flexible(string text) => Number().Matches(text) is [.., var last] ? Normalize(last.Value) : null;

    /// <summary>Takes commas, dollar signs and one dot at the end off a number.</summary>
    public static string Normalize(string number)
    {
        string bare = number.Trim().Replace(",", "", StringComparison.Ordinal).Replace("$", "", StringComparison.Ordinal);
        return bare.EndsWith('.') ? bare[..^1] : bare;
    }

    [GeneratedRegex("#### (-?[0-9.,]+)")]
    private static partial Regex Marked();

    [GeneratedRegex("-?[$0-9.,]{2,}|-?[0-9]+")]
    private static partial Regex Number();
}
