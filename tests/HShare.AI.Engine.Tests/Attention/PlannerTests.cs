using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Attention;

public sealed class PlannerTests
{
    private static readonly TokenBudget Budget = new(Sinks: 4, Window: 16, Total: 28);

    [Theory]
    [InlineData(PlanMethod.Greedy)]
    [InlineData(PlanMethod.Mass)]
    public void Layers_that_attend_alike_share(PlanMethod method)
    {
        // Themes by layer: 0 1 0 2 1 2. Only one choice of three leaders loses nothing.
        int[] themes = [0, 1, 0, 2, 1, 2];
        SharingPlan plan = Plan(method, Calibrate(SyntheticTrace.Themes(6, 1, layer => themes[layer], noise: 0)), "1/2-1-1/2");
        Assert.Equal([0, 1, 0, 3, 1, 3], plan.Rules.Select(rule => rule.Layer));
        Assert.Equal((2, 1, "f"), (plan.Interval, plan.Dilation, plan.Fingerprint));
        plan.Validate();
    }

    [Fact]
    public void A_follower_layer_copies_its_leader_after_head_sharing()
    {
        // Layers 1 to 3 attend as layer 0 does, whose heads 1 and 3 attend as heads 0 and 2.
        AttentionCalibration calibration = Calibrate(SyntheticTrace.Themes(4, 4, unit => unit % 4 / 2, noise: 0.02));
        SharingPlan plan = Plan(PlanMethod.Greedy, calibration, "1/4-1/2-1");
        plan.Validate();
        for (int layer = 0; layer < 4; layer++)
        {
            Assert.Equal(
                [(0, 0), (0, 0), (0, 2), (0, 2)], Enumerable.Range(0, 4).Select(head => (plan[layer, head].Layer, plan[layer, head].Head)));
        }

        Assert.Equal(2, plan.Rules.Count(rule => rule.Sharing == HeadSharing.Retrieve));
    }

    [Fact]
    public void The_mass_plan_finds_a_leader_head_of_another_number()
    {
        // Layer 1 has the heads of layer 0 in the other order, so head by head they have nothing in common.
        AttentionCalibration calibration = Calibrate(SyntheticTrace.Themes(2, 2, unit => unit < 2 ? unit : 3 - unit, noise: 0));
        SharingPlan mass = Plan(PlanMethod.Mass, calibration, "1/2-1-1"), greedy = Plan(PlanMethod.Greedy, calibration, "1/2-1-1");
        Assert.Equal([1, 0], [mass[1, 0].Head, mass[1, 1].Head]);
        Assert.True(MassPlanner.Recovered(calibration, mass) > 0.99);
        Assert.True(MassPlanner.Recovered(calibration, greedy) < 0.7);
    }

    [Fact]
    public void The_mass_plan_lets_those_heads_follow_that_lose_least()
    {
        // The heads of layer 0 attend alike in pairs, those of layer 1 each for itself: both followers are in layer 0.
        AttentionCalibration calibration = Calibrate(SyntheticTrace.Themes(2, 4, unit => unit < 4 ? unit / 2 : unit, noise: 0.02));
        SharingPlan plan = Plan(PlanMethod.Mass, calibration, "1-3/4-1");
        Assert.Equal(2, plan.Rules.Take(4).Count(rule => rule.Sharing == HeadSharing.ShareIndices));
        Assert.All(plan.Rules.Skip(4), rule => Assert.Equal(HeadSharing.Retrieve, rule.Sharing));
    }

    [Theory]
    [InlineData("1/2-1-1")]
    [InlineData("1/3-1-1")]
    [InlineData("3/4-1/2-1")]
    [InlineData("1/2-1/2-1")]
    [InlineData("1-1/4-1")]
    public void The_mass_plan_recovers_no_less_than_the_greedy_one_with_as_many_leaders(string ratios)
    {
        for (int seed = 0; seed < 25; seed++)
        {
            Random random = new(seed);
            int layers = random.Next(2, 9), heads = random.Next(1, 5), themes = random.Next(2, 6);
            int[] themeOf = [.. Enumerable.Range(0, layers * heads).Select(_ => random.Next(themes))];
            double noise = random.NextDouble() * 0.7;
            AttentionTrace trace = SyntheticTrace.Themes(layers, heads, unit => themeOf[unit], noise, steps: 3, seed: seed);
            AttentionCalibration calibration = Calibrate(trace);
            SharingPlan mass = Plan(PlanMethod.Mass, calibration, ratios), greedy = Plan(PlanMethod.Greedy, calibration, ratios);
            mass.Validate();
            greedy.Validate();

            Assert.Equal(Leaders(greedy), Leaders(mass));
            double massRecovered = MassPlanner.Recovered(calibration, mass), greedyRecovered = MassPlanner.Recovered(calibration, greedy);
            Assert.True(massRecovered >= greedyRecovered - 1e-6, $"seed {seed}: {massRecovered} < {greedyRecovered}");
            PlanSimulation simulation = new(trace, Budget, 0.5);
            massRecovered = simulation.Run(mass, Retriever.Exact).Recovered;
            greedyRecovered = simulation.Run(greedy, Retriever.Exact).Recovered;
            Assert.True(massRecovered >= greedyRecovered - 1e-3, $"seed {seed}, replayed: {massRecovered} < {greedyRecovered}");
        }
    }

    [Theory]
    [InlineData(PlanMethod.Greedy)]
    [InlineData(PlanMethod.Mass)]
    public void Dense_layers_neither_lead_nor_follow(PlanMethod method)
    {
        AttentionCalibration calibration = Calibrate(SyntheticTrace.Themes(6, 2, unit => unit % 2, noise: 0.2));
        SharingPlan plan = method == PlanMethod.Greedy
            ? GreedyPlanner.Plan(calibration, SharingRatios.Parse("1/2-1-1"), denseLayers: 2)
            : MassPlanner.Plan(calibration, SharingRatios.Parse("1/2-1-1"), denseLayers: 2);
        plan.Validate();
        Assert.Equal((2, 4 + 4), (plan.DenseLayers, Leaders(plan)));
        Assert.All(plan.Rules.Take(4), rule => Assert.Equal(HeadSharing.Retrieve, rule.Sharing));
        Assert.All(plan.Rules.Skip(4), rule => Assert.True(rule.Layer >= 2));
    }

    [Fact]
    public void The_dilation_may_be_chosen()
    {
        AttentionCalibration calibration = Calibrate(SyntheticTrace.Themes(2, 1, unit => unit));
        SharingRatios ratios = SharingRatios.Parse("1-1-1/4");
        Assert.Equal((4, 3), (GreedyPlanner.Plan(calibration, ratios).Interval, GreedyPlanner.Plan(calibration, ratios).Dilation));
        Assert.Equal(0, GreedyPlanner.Plan(calibration, ratios, dilation: 0).Dilation);
        Assert.Throws<ArgumentOutOfRangeException>(() => MassPlanner.Plan(calibration, ratios, dilation: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => MassPlanner.Plan(calibration, ratios, denseLayers: 3));
    }

    private static SharingPlan Plan(PlanMethod method, AttentionCalibration calibration, string ratios) => method == PlanMethod.Greedy
        ? GreedyPlanner.Plan(calibration, SharingRatios.Parse(ratios))
        : MassPlanner.Plan(calibration, SharingRatios.Parse(ratios));

    private static AttentionCalibration Calibrate(AttentionTrace trace) => AttentionCalibration.From([trace], Budget, "f", 64, []);

    private static int Leaders(SharingPlan plan) => plan.Rules.Count(rule => rule.Sharing == HeadSharing.Retrieve);
}
