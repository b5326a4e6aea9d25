namespace HShare.AI;

/// <summary>Where an answer's attention went.</summary>
/// <param name="TokenIds">The prompt in tokens.</param>
/// <param name="Mass">
/// Of each of them the attention it got from the answer, summed over layers, KV heads and decode steps: one step gives each KV head of each
/// layer 1 to share out.
/// </param>
public sealed record AttentionReads(IReadOnlyList<int> TokenIds, IReadOnlyList<float> Mass);
