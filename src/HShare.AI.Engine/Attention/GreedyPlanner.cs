namespace HShare.AI.Engine.Attention;

/// <summary>Makes sharing plans as HShare does: who borrows from whom follows from how much their critical tokens overlap.</summary>
public static class GreedyPlanner
{
    /// <summary>
    /// HShare's plan. Followers of layers are chosen by the overlap of layers, followers of heads in each leader layer by the overlap of
    /// its heads. A follower layer copies its leader layer's lists as they are after head sharing, so that head h of it reads what the head
    /// leader of h found.
    /// </summary>
    /// <param name="calibration">What is known of the model.</param>
    /// <param name="ratios">Which fractions select for themselves.</param>
    /// <param name="dilation">
    /// Tokens read behind each chosen one; null = one less than the interval, so that a copying head finds its next token.
    /// </param>
    /// <param name="denseLayers">The first so many layers read everything; the ratio of layers is one of the others.</param>
    /// <exception cref="ArgumentOutOfRangeException">The dilation is negative, or there are not so many layers.</exception>
    public static SharingPlan Plan(AttentionCalibration calibration, SharingRatios ratios, int? dilation = null, int denseLayers = 0)
    {
        ArgumentNullException.ThrowIfNull(calibration);
        ArgumentNullException.ThrowIfNull(ratios);
        SharingPlan plan = PlanFrame.Of(calibration, ratios, dilation, denseLayers);
        int sparseLayers = calibration.Layers - denseLayers, heads = calibration.KvHeads;
        if (sparseLayers == 0)
            return plan;

        float[][] overlap = [.. calibration.LayerOverlap.Skip(denseLayers).Select(row => row[denseLayers..])];
        int[] layerLeaders = GreedySharing.Leaders(overlap, sparseLayers - ratios.Layers.Of(sparseLayers));
        HeadRule[] rules = [.. plan.Rules];
        for (int layer = denseLayers; layer < calibration.Layers; layer++)
        {
            int leader = denseLayers + layerLeaders[layer - denseLayers];
            int[] headLeaders = GreedySharing.Leaders(calibration.HeadOverlap[leader], heads - ratios.Heads.Of(heads));
            for (int head = 0; head < heads; head++)
                rules[layer * heads + head] = PlanFrame.Rule(layer, head, leader, headLeaders[head]);
        }

        return plan with { Rules = rules };
    }
}
