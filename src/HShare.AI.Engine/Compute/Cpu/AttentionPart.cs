using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>A part of what a head attends to, with keys of one kind. Parts are computed apart and joined like partitions.</summary>
internal enum AttentionPart
{
    /// <summary>Everything, with the head's own keys.</summary>
    Whole,

    /// <summary>A follower's first tokens (PoD), with its own keys.</summary>
    Sinks,

    /// <summary>A follower's distant tokens, with its leader's keys or scores.</summary>
    Distant,

    /// <summary>A follower's recent tokens, with its own keys.</summary>
    Recent,
}

/// <summary>The parts that a head's attention falls into.</summary>
internal static class AttentionParts
{
    private static readonly AttentionPart[] OfLeader = [AttentionPart.Whole];
    private static readonly AttentionPart[] OfFollower = [AttentionPart.Sinks, AttentionPart.Distant, AttentionPart.Recent];

    /// <summary>The parts of a head.</summary>
    public static ReadOnlySpan<AttentionPart> Of(KvLayer cache, int kvHead) =>
        cache.Distant is { } distant && distant.IsFollower(kvHead) ? OfFollower : OfLeader;

    /// <summary>Which places of a list belong to a part.</summary>
    /// <param name="part">The part.</param>
    /// <param name="list">What is read.</param>
    /// <param name="position">The query's position.</param>
    /// <param name="shape">Heads and window.</param>
    /// <param name="cache">The layer.</param>
    /// <returns>The first place and the one behind the last.</returns>
    public static (int First, int End) Places(
        this AttentionPart part, in ReadList list, int position, AttentionShape shape, KvLayer cache)
    {
        int end = list.IsRange ? position + 1 : list.Count;
        if (part == AttentionPart.Whole)
            return (list.IsRange ? OnlineAttention.FirstVisible(shape, position) : 0, end);

        DistantSharing distant = cache.Distant!;
        int sinks = list.PlaceOf(distant.Sinks);
        int recent = list.PlaceOf(Math.Max(distant.Sinks, position - distant.Recent + 1));
        return part switch
        {
            AttentionPart.Sinks => (0, Math.Min(sinks, end)),
            AttentionPart.Distant => (sinks, recent),
            _ => (recent, Math.Max(recent, end)),
        };
    }
}
