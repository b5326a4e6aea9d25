using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Attention;

public sealed class PodPlannerTests
{
    private static readonly TokenBudget Budget = new(Sinks: 4, Window: 16, Total: 28);

    [Theory]
    [InlineData(HeadSharing.ShareScores)]
    [InlineData(HeadSharing.ShareKeys)]
    public void Each_head_has_its_own_blocks(HeadSharing sharing)
    {
        // Head 0 attends alike in layers 0-2 and 3-5, head 1 in 0-1, 2-3 and 4-5.
        AttentionCalibration calibration = Calibrate(6, 2, unit => 10 * (unit % 2) + unit / 2 / (unit % 2 == 0 ? 3 : 2));
        SharingPlan plan = PodPlanner.Blocks(calibration, 0.5, sharing);
        plan.Validate();
        Assert.Equal([0, 0, 0, 3, 3, 3], Enumerable.Range(0, 6).Select(layer => plan[layer, 0].Layer));
        Assert.Equal([0, 0, 2, 2, 4, 4], Enumerable.Range(0, 6).Select(layer => plan[layer, 1].Layer));
        Assert.Equal(7, plan.Rules.Count(rule => rule.Sharing == sharing));
        Assert.True(plan.SharesKeys);
    }

    [Fact]
    public void A_layer_joins_a_block_only_if_it_is_like_every_layer_in_it()
    {
        float[][] similarity = [[1, 0.8f, 0.3f], [0.8f, 1, 0.8f], [0.3f, 0.8f, 1]]; // a chain: neighbours alike, the ends not
        AttentionCalibration calibration = Calibrate(3, 1, unit => unit) with { PodSimilarity = [similarity] };
        Assert.Equal([0, 0, 2], PodPlanner.Blocks(calibration, 0.5, HeadSharing.ShareKeys).Rules.Select(rule => rule.Layer));
        Assert.Equal([0, 0, 0], PodPlanner.Blocks(calibration, 0.3, HeadSharing.ShareKeys).Rules.Select(rule => rule.Layer));
    }

    [Theory]
    [InlineData(1, 0.9)]
    [InlineData(0.7, 0.8)]
    [InlineData(0.34, 0.3)]
    public void The_highest_threshold_that_gives_no_more_leaders_is_taken(double share, double threshold)
    {
        float[][] similarity = [[1, 0.8f, 0.3f], [0.8f, 1, 0.8f], [0.3f, 0.8f, 1]];
        AttentionCalibration calibration = Calibrate(3, 1, unit => unit) with { PodSimilarity = [similarity] };
        SharingPlan plan = PodPlanner.WithLeaders(calibration, share, HeadSharing.ShareScores);
        Assert.True(PodPlanner.LeaderShare(plan) <= share);
        Assert.Equal(PodPlanner.Blocks(calibration, threshold, HeadSharing.ShareScores).Rules, plan.Rules);
    }

    [Fact]
    public void The_first_layer_always_leads()
    {
        AttentionCalibration calibration = Calibrate(4, 2, unit => unit);
        Assert.Equal(0.25, PodPlanner.LeaderShare(PodPlanner.WithLeaders(calibration, 0.25, HeadSharing.ShareKeys)));
        Assert.Throws<ArgumentOutOfRangeException>(() => PodPlanner.WithLeaders(calibration, 0.2, HeadSharing.ShareKeys));
        Assert.Throws<ArgumentOutOfRangeException>(() => PodPlanner.Blocks(calibration, double.NaN, HeadSharing.ShareKeys));
        Assert.Throws<ArgumentException>(() => PodPlanner.Blocks(calibration, 0.5, HeadSharing.ShareIndices));
    }

    [Fact]
    public void The_saved_memory_is_that_of_the_paper()
    {
        SharingPlan independent = SharingPlan.Independent(10, 1);
        SharingPlan plan = independent with
        {
            Rules = [.. independent.Rules.Select((rule, layer) => layer < 3 ? rule : new HeadRule(HeadSharing.ShareKeys, 0, 0))],
        };
        Assert.Equal(0.35, PodPlanner.SavedShare(plan, proximal: 0, context: 32768), 6);
        Assert.Equal(0.306, PodPlanner.SavedShare(plan, proximal: 16 + 4080, context: 32768), 3);
        Assert.Equal(0, PodPlanner.SavedShare(plan, proximal: 4096, context: 1000));
        Assert.Equal(0, PodPlanner.SavedShare(independent, 0, 100));
    }

    [Fact]
    public void Layer_followers_share_scores_and_head_followers_stay_with_indices()
    {
        AttentionCalibration calibration = Calibrate(4, 4, unit => unit % 4 / 2);
        SharingPlan shared = GreedyPlanner.Plan(calibration, SharingRatios.Parse("1/4-1/2-1/2"));
        SharingPlan plan = PodPlanner.ShareDistant(shared, HeadSharing.ShareScores);
        plan.Validate();
        Assert.Equal(
            [HeadSharing.Retrieve, HeadSharing.ShareIndices, HeadSharing.Retrieve, HeadSharing.ShareIndices],
            plan.Rules.Take(4).Select(rule => rule.Sharing));
        Assert.Equal(
            [HeadSharing.ShareScores, HeadSharing.ShareIndices, HeadSharing.ShareScores, HeadSharing.ShareIndices],
            plan.Rules.Skip(12).Select(rule => rule.Sharing));
        Assert.Equal(shared.Rules.Select(rule => (rule.Layer, rule.Head)), plan.Rules.Select(rule => (rule.Layer, rule.Head)));
        Assert.Equal((2, 1), (plan.Interval, plan.Dilation));
    }

    private static AttentionCalibration Calibrate(int layers, int heads, Func<int, int> themeOf) =>
        AttentionCalibration.From([SyntheticTrace.Themes(layers, heads, themeOf, noise: 0.05)], Budget, "f", 64, []);
}
