namespace HShare.Cli.Evaluation.Tasks;

/// <summary>A fact to hide and the question for it.</summary>
/// <param name="Text">The sentence that is hidden.</param>
/// <param name="Question">What is asked.</param>
/// <param name="Expected">What a full answer holds, word for word but for case; the score is the share of them that it does.</param>
internal sealed record Needle(string Text, string Question, IReadOnlyList<string> Expected)
{
    /// <summary>The needle of the first such test (Kamradt, 2023).</summary>
    public static Needle Sandwich { get; } = new(
        "The best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a sunny day.",
        "What is the best thing to do in San Francisco?",
        ["eat a sandwich", "Dolores Park"]);
}
