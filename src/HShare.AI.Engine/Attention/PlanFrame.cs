namespace HShare.AI.Engine.Attention;

/// <summary>What the plans of every planner have in common.</summary>
internal static class PlanFrame
{
    /// <summary>A plan of a calibrated model with the interval and dilation asked for, in which every head still asks for itself.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The dilation is negative, or there are not so many layers.</exception>
    public static SharingPlan Of(AttentionCalibration calibration, SharingRatios ratios, int? dilation, int denseLayers)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(dilation ?? 0, nameof(dilation));
        ArgumentOutOfRangeException.ThrowIfNegative(denseLayers);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(denseLayers, calibration.Layers);
        return SharingPlan.Independent(calibration.Layers, calibration.KvHeads) with
        {
            Interval = ratios.Interval,
            Dilation = dilation ?? ratios.Interval - 1,
            DenseLayers = denseLayers,
            Fingerprint = calibration.Fingerprint,
        };
    }

    /// <summary>The rule of a head that reads what a leader found, which may be itself.</summary>
    public static HeadRule Rule(int layer, int head, int leaderLayer, int leaderHead) => new(
        (layer, head) == (leaderLayer, leaderHead) ? HeadSharing.Retrieve : HeadSharing.ShareIndices, leaderLayer, leaderHead);
}
