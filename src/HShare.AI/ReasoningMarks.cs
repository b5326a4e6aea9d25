namespace HShare.AI;

/// <summary>The marks around what a model thinks before it answers.</summary>
internal sealed record ReasoningMarks(string Opening, string Closing)
{
    private static readonly ReasoningMarks[] Known = [new("<think>", "</think>"), new("[THINK]", "[/THINK]")];

    /// <summary>The marks that a chat template uses, or null where its model does not think aloud.</summary>
    public static ReasoningMarks? Find(string templateSource) => Array.Find(
        Known,
        marks => templateSource.Contains(marks.Opening, StringComparison.Ordinal)
            || templateSource.Contains(marks.Closing, StringComparison.Ordinal));
}
