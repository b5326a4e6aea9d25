using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Attention;

/// <summary>
/// Bytes of the KV cache that decode steps read, selection included: the byte model of docs/attention.md. What leaders choose counts with
/// their whole budget,
/// so a figure is an upper bound where a choice and its dilation overlap.
/// </summary>
public static class AttentionCost
{
    /// <summary>Bytes that one query reads over all layers when it reads everything with keys of its own.</summary>
    /// <param name="cache">Sizes of the cache.</param>
    /// <param name="slidingWindows">[layers]: tokens that a query sees; 0 = all.</param>
    /// <param name="context">Tokens of the context, the query's own included.</param>
    public static long Full(KvCacheShape cache, IReadOnlyList<int> slidingWindows, int context)
    {
        long tokens = 0;
        for (int layer = 0; layer < cache.Layers; layer++)
            tokens += Visible(slidingWindows[layer], context);
        return 2 * tokens * cache.KvHeads * cache.RowBytes;
    }

    /// <summary>Bytes that one query reads over all layers under a policy.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="cache">Sizes of the cache.</param>
    /// <param name="slidingWindows">[layers]: tokens that a query sees; 0 = all.</param>
    /// <param name="step">What the sequence does in this step.</param>
    public static long Of(AttentionPolicy policy, KvCacheShape cache, IReadOnlyList<int> slidingWindows, AttentionStep step)
    {
        long bytes = 0;
        for (int layer = 0; layer < cache.Layers; layer++)
        {
            int visible = Visible(slidingWindows[layer], step.Context);
            bool selects = step.Reads && !policy.IsDense(layer);
            int tokens = selects ? Math.Min(step.TokensRead, visible) : visible;
            bytes += (long)tokens * cache.KvHeads * cache.RowBytes + KeyBytes(cache, layer, tokens);
            if (step.Refreshes && selects)
                bytes += policy.AskingHeads(layer) * RetrievalBytes(policy, cache, visible);
        }

        return bytes;
    }

    private static long KeyBytes(KvCacheShape cache, int layer, int tokens)
    {
        if (cache.KeySharing is not { } sharing)
            return (long)tokens * cache.KvHeads * cache.RowBytes;

        // A follower that takes scores reads keys of proximal tokens only.
        long keys = 0;
        for (int head = 0; head < cache.KvHeads; head++)
        {
            bool takesScores = sharing.Plan[layer, head].Sharing == HeadSharing.ShareScores;
            keys += takesScores ? Math.Min(tokens, sharing.Sinks + sharing.Recent) : tokens;
        }

        return keys * cache.RowBytes;
    }

    private static long RetrievalBytes(AttentionPolicy policy, KvCacheShape cache, int visible) => policy.Retriever switch
    {
        Retriever.Exact => (long)visible * cache.RowBytes,
        Retriever.LabelChannels => (long)visible * policy.LabelChannels * cache.RowBytes / cache.HeadDim,
        Retriever.PageBounds => (visible + KvLayer.PageSize - 1L) / KvLayer.PageSize * 2 * cache.RowBytes,
        _ => 0,
    };

    private static int Visible(int slidingWindow, int context) => slidingWindow > 0 ? Math.Min(slidingWindow, context) : context;
}

/// <summary>What one sequence's attention does in one decode step.</summary>
/// <param name="Context">Tokens of the context, the query's own included.</param>
/// <param name="Reads">Whether it reads by choices; else everything.</param>
/// <param name="Refreshes">Whether its leaders choose anew.</param>
/// <param name="WindowStart">First token of its window.</param>
/// <param name="Critical">Most critical tokens that its leaders choose.</param>
/// <param name="Sinks">First tokens that are always read.</param>
public readonly record struct AttentionStep(int Context, bool Reads, bool Refreshes, int WindowStart, int Critical, int Sinks)
{
    /// <summary>Tokens that each head reads, at most.</summary>
    public int TokensRead => Reads ? Sinks + Math.Min(Critical, WindowStart - Sinks) + Context - WindowStart : Context;
}
