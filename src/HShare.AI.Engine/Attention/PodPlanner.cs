namespace HShare.AI.Engine.Attention;

/// <summary>
/// Makes proximal-over-distant plans: layers in which a KV head attends alike form blocks, and all but a block's first layer take the first
/// one's scores, or keys, of distant tokens (PoD, arXiv 2412.02252).
/// </summary>
public static class PodPlanner
{
    /// <summary>
    /// For each KV head blocks of consecutive layers: a layer joins the block before it while it is at least so similar to every layer in
    /// it.
    /// </summary>
    /// <param name="calibration">What is known of the model.</param>
    /// <param name="threshold">Least similarity inside a block, 0 to 1; the paper takes 0.5.</param>
    /// <param name="sharing">What followers take: <see cref="HeadSharing.ShareScores"/> or <see cref="HeadSharing.ShareKeys"/>.</param>
    /// <exception cref="ArgumentException">The sharing is neither of the two, or the threshold is not between 0 and 1.</exception>
    public static SharingPlan Blocks(AttentionCalibration calibration, double threshold, HeadSharing sharing)
    {
        ArgumentNullException.ThrowIfNull(calibration);
        RequireDistant(sharing);
        if (threshold is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(threshold), threshold, "The least similarity of a block has to lie between 0 and 1.");
        }

        HeadRule[] rules = [.. SharingPlan.Independent(calibration.Layers, calibration.KvHeads).Rules];
        for (int head = 0; head < calibration.KvHeads; head++)
        {
            IReadOnlyList<float[]> similarity = calibration.PodSimilarity[head];
            for (int layer = 1, first = 0; layer < calibration.Layers; layer++)
            {
                if (Enumerable.Range(first, layer - first).All(member => similarity[layer][member] >= (float)threshold))
                    rules[layer * calibration.KvHeads + head] = new HeadRule(sharing, first, head);
                else
                    first = layer;
            }
        }

        return new SharingPlan
        {
            Layers = calibration.Layers,
            KvHeads = calibration.KvHeads,
            Rules = rules,
            Fingerprint = calibration.Fingerprint,
        };
    }

    /// <summary>The blocks of the highest threshold at which no more than a share of all heads, over all layers, are leaders.</summary>
    /// <param name="calibration">What is known of the model.</param>
    /// <param name="leaders">Largest share of leaders; at least 1 / layers, for the first layer always leads.</param>
    /// <param name="sharing">What followers take: <see cref="HeadSharing.ShareScores"/> or <see cref="HeadSharing.ShareKeys"/>.</param>
    /// <exception cref="ArgumentException">The sharing is neither of the two, or the share is out of range.</exception>
    public static SharingPlan WithLeaders(AttentionCalibration calibration, double leaders, HeadSharing sharing)
    {
        ArgumentNullException.ThrowIfNull(calibration);
        RequireDistant(sharing);
        if (!(leaders * calibration.Layers >= 1 && leaders <= 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(leaders),
                leaders,
                $"The share of leaders has to lie between 1/{calibration.Layers}, one of {calibration.Layers} layers, and 1.");
        }

        // A lower threshold never makes more blocks, so the first threshold that fits, from the highest one down, is the highest that fits.
        IEnumerable<float> thresholds = calibration.PodSimilarity.SelectMany(head => head).SelectMany(row => row).Append(0);
        return thresholds.Distinct().OrderDescending()
            .Select(threshold => Blocks(calibration, threshold, sharing))
            .First(plan => LeaderShare(plan) <= leaders + 1e-9);
    }

    /// <summary>
    /// Lets followers of a plan that shares indices take their leaders' scores, or keys, too, so that they keep no distant keys: all that
    /// borrow from the same head of an earlier layer. Others, such as followers inside a leader's layer, go on with their own keys.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="sharing">What followers take: <see cref="HeadSharing.ShareScores"/> or <see cref="HeadSharing.ShareKeys"/>.</param>
    /// <exception cref="ArgumentException">The sharing is neither of the two.</exception>
    public static SharingPlan ShareDistant(SharingPlan plan, HeadSharing sharing)
    {
        ArgumentNullException.ThrowIfNull(plan);
        RequireDistant(sharing);
        return plan with
        {
            Rules = [.. plan.Rules.Select((rule, unit) =>
                rule.Sharing == HeadSharing.ShareIndices && rule.Layer < unit / plan.KvHeads && rule.Head == unit % plan.KvHeads
                    ? rule with { Sharing = sharing }
                    : rule)],
        };
    }

    /// <summary>Share of the heads, over all layers, that keep all their keys.</summary>
    public static double LeaderShare(SharingPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return 1 - (double)plan.Rules.Count(rule => rule.Sharing is HeadSharing.ShareScores or HeadSharing.ShareKeys) / plan.Rules.Count;
    }

    /// <summary>
    /// Share of the KV cache's memory that a plan saves: half of it (the keys), of the followers, beyond the proximal tokens.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="proximal">Sinks and window, in tokens.</param>
    /// <param name="context">Tokens of the context.</param>
    public static double SavedShare(SharingPlan plan, int proximal, int context)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(proximal);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(context);
        return 0.5 * (1 - LeaderShare(plan)) * (1 - Math.Min((double)proximal / context, 1));
    }

    private static void RequireDistant(HeadSharing sharing)
    {
        if (sharing is not (HeadSharing.ShareScores or HeadSharing.ShareKeys))
            throw new ArgumentException($"Followers share scores or keys of distant tokens, not {sharing}.", nameof(sharing));
    }
}
