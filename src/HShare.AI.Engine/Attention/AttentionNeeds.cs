using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Attention;

/// <summary>What attention policies need beside the KV cache; sized once for an engine.</summary>
/// <param name="Retrievers">The retrievers that will be used.</param>
/// <param name="LabelChannels">Channels of the label-channel retriever; 0 = it is not used.</param>
/// <param name="Critical">Most critical tokens that a head chooses; 0 = nothing is chosen.</param>
/// <param name="KeySharing">Which heads keep proximal keys only, or null.</param>
/// <param name="TracksReads">Whether the attention that tokens get can be shown.</param>
public sealed record AttentionNeeds(
    IReadOnlySet<Retriever> Retrievers, int LabelChannels, int Critical, KeySharing? KeySharing, bool TracksReads)
{
    /// <summary>Plain attention needs nothing.</summary>
    public static AttentionNeeds None { get; } = new(new HashSet<Retriever>(), 0, 0, null, false);

    /// <summary>What some policies need together.</summary>
    /// <param name="policies">The policies; those that share keys share them alike.</param>
    /// <param name="maxContext">Most tokens of a sequence.</param>
    /// <param name="tracksReads">Whether the attention that tokens get can be shown.</param>
    public static AttentionNeeds Of(IReadOnlyCollection<AttentionPolicy> policies, int maxContext, bool tracksReads) => new(
        policies.Where(policy => policy.Budget is not null).Select(policy => policy.Retriever).ToHashSet(),
        policies.Max(policy => policy.LabelChannels),
        policies.Max(policy => CriticalOf(policy, maxContext)),
        policies.Select(KeySharingOf).FirstOrDefault(sharing => sharing is not null),
        tracksReads);

    /// <summary>Most critical tokens that a head chooses under a policy.</summary>
    public static int CriticalOf(AttentionPolicy policy, int maxContext) =>
        policy.Budget is { } budget ? Math.Min(budget.CriticalOf(maxContext), maxContext) : 0;

    /// <summary>Which heads keep proximal keys only under a policy, or null.</summary>
    public static KeySharing? KeySharingOf(AttentionPolicy policy) =>
        policy.Preset.Distant is { } distant ? new KeySharing(policy.Plan, distant.Sinks, distant.Recent) : null;
}
