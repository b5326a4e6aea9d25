using System.Text.RegularExpressions;

namespace HShare.Cli.Evaluation.Metrics;

/// <summary>
/// Whether an answer holds what a right answer must hold, in words of its own: for questions worded by hand, whose answers are not one text.
/// </summary>
internal static partial class AcceptedSpans
{
    /// <summary>
    /// 1 where one of the spans stands in the answer as whole words, whatever the case and the white space, else 0. A number is not found in a
    /// longer one: "14" is neither in "140" nor in "14.50".
    /// </summary>
    /// <param name="answer">The model's answer.</param>
    /// <param name="spans">Any of which is enough.</param>
    public static double Score(string answer, IReadOnlyList<string> spans)
    {
        string text = WhiteSpace().Replace(answer, " ");
        return spans.Any(span => Holds(text, WhiteSpace().Replace(span.Trim(), " "))) ? 1 : 0;
    }

    private static bool Holds(string text, string span) =>
        span.Length > 0 && Regex.IsMatch(
            text, $@"(?<!\w)(?<!\d[.,]){Regex.Escape(span)}(?!\w)(?![.,]\d)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    [GeneratedRegex(@"\s+")]
    private static partial Regex WhiteSpace();
}
