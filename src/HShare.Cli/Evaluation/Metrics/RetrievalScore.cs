using System.Text.RegularExpressions;

namespace HShare.Cli.Evaluation.Metrics;

/// <summary>Whether an answer names the right paragraph and no other, as LongBench's <c>retrieval_score</c> counts it.</summary>
internal static partial class RetrievalScore
{
    /// <summary>Share of the answer's numbers that are the reference's; 0 where it has none.</summary>
    /// <param name="answer">The model's answer.</param>
    /// <param name="reference">The right paragraph, <c>Paragraph N</c>.</param>
    /// <exception cref="ArgumentException">The reference is not of that form (<see cref="IsReference"/>).</exception>
    public static double Score(string answer, string reference)
    {
        Match paragraph = Paragraph().Match(reference);
        return paragraph.Success
            ? CountScore.Score(answer, paragraph.Groups[1].Value)
            : throw new ArgumentException($"\"{reference}\" names no paragraph; it must be \"Paragraph N\".", nameof(reference));
    }

    /// <summary>Whether a text names a paragraph.</summary>
    public static bool IsReference(string text) => Paragraph().IsMatch(text);

    [GeneratedRegex("Paragraph ([0-9]+)")]
    private static partial Regex Paragraph();
}
