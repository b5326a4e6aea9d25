using HShare.AI.Engine.Attention;

namespace HShare.Cli.Bench.Gpu;

/// <summary>
/// Sharing plans by their ratios alone, for shapes that no text has been read with: leaders stand evenly spread, and a follower takes the
/// nearest leader before it. A plan from a calibration has as many leaders, and costs as much.
/// </summary>
internal static class RatioPlan
{
    /// <summary>Makes a preset ready for a stack of layers.</summary>
    /// <param name="preset">The preset.</param>
    /// <param name="layers">Layers of the stack.</param>
    /// <param name="kvHeads">KV heads of a layer.</param>
    /// <param name="headDim">Elements of a head.</param>
    /// <exception cref="InputException">The preset needs a model's folder.</exception>
    public static AttentionPolicy Policy(AttentionPreset preset, int layers, int kvHeads, int headDim)
    {
        if (preset.PlanFile is not null || preset.Distant is not null)
        {
            throw new InputException(
                $"--attention '{preset}' needs a model's calibration; random weights have none. Choose a preset without pod and plan.");
        }

        int labels = preset.Retriever != Retriever.LabelChannels ? 0
            : preset.LabelChannels > 0 ? preset.LabelChannels
            : Math.Max(1, headDim / 4);
        return new AttentionPolicy(preset, Plan(preset, layers, kvHeads), labels);
    }

    /// <summary>As many channels for each head, a different run of them for each.</summary>
    /// <returns>[layers * kv_heads][channels].</returns>
    public static IReadOnlyList<IReadOnlyList<int>> LabelChannels(int layers, int kvHeads, int headDim, int channels) =>
    [
        .. Enumerable.Range(0, layers * kvHeads).Select(unit => (int[])
            [.. Enumerable.Range(0, channels).Select(i => (7 * unit + i * (headDim / channels)) % headDim).Order()]),
    ];

    private static SharingPlan Plan(AttentionPreset preset, int layers, int kvHeads)
    {
        SharingRatios ratios = preset.Ratios;
        int dense = Math.Min(preset.DenseLayers, layers);
        HeadRule[] rules = new HeadRule[layers * kvHeads];
        for (int layer = 0; layer < layers; layer++)
        {
            for (int head = 0; head < kvHeads; head++)
            {
                int leaderLayer = layer < dense ? layer : dense + Leader(layer - dense, layers - dense, ratios.Layers);
                int leaderHead = layer < dense ? head : Leader(head, kvHeads, ratios.Heads);
                HeadSharing sharing = (leaderLayer, leaderHead) == (layer, head) ? HeadSharing.Retrieve : HeadSharing.ShareIndices;
                rules[layer * kvHeads + head] = new HeadRule(sharing, leaderLayer, leaderHead);
            }
        }

        return new SharingPlan
        {
            Layers = layers,
            KvHeads = kvHeads,
            Rules = rules,
            Interval = ratios.Interval,
            Dilation = preset.Dilation ?? ratios.Interval - 1,
            DenseLayers = dense,
        };
    }

    // Of some things, as many lead as the ratio says: those at which the count of leaders so far steps up.
    private static int Leader(int index, int count, SharingRatio ratio)
    {
        int leaders = ratio.Of(count);
        while (index > 0 && index * leaders / count == (index - 1) * leaders / count)
            index--;
        return index;
    }
}
