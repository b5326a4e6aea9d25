using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Attention;

public sealed class PlanSimulationTests
{
    private static readonly TokenBudget Budget = new(Sinks: 4, Window: 16, Total: 28); // 8 critical tokens

    [Fact]
    public void The_unshared_exact_choice_keeps_all_that_the_budget_can()
    {
        AttentionTrace trace = SyntheticTrace.Themes(3, 2, unit => unit, noise: 0.5);
        PlanSimulationResult result = new PlanSimulation(trace, Budget, 0.5).Run(SharingPlan.Independent(3, 2), Retriever.Exact);
        Assert.Equal((1.0, 1.0, 1.0), (result.Kept, result.CriticalKept, result.Overlap));
        for (int layer = 0; layer < 3; layer++)
        {
            double expected = trace.Steps.Average(step => new[] { 0, 1 }.Average(h =>
                Mass(step, 2 * layer + h, Chosen(step, 2 * layer + h, 8))));
            Assert.Equal(expected, result.LayerRecovered[layer], 1e-5);
        }
    }

    [Fact]
    public void A_follower_finds_what_its_leaders_tokens_hold_of_its_own_mass()
    {
        AttentionTrace trace = SyntheticTrace.Themes(2, 1, unit => unit, noise: 0.6, steps: 4);
        PlanSimulationResult result = new PlanSimulation(trace, Budget, 0.5).Run(Following(2, 1), Retriever.Exact);
        Assert.Equal(trace.Steps.Average(step => Mass(step, 1, Chosen(step, 0, 8))), result.LayerRecovered[1], 1e-5);
        Assert.Equal(trace.Steps.Average(step => Mass(step, 1, Chosen(step, 1, 8))), result.LayerExact[1], 1e-5);
        double overlap = trace.Steps.Average(step => Chosen(step, 0, 8).Intersect(Chosen(step, 1, 8)).Count() / 8.0);
        Assert.Equal(overlap, result.LayerOverlap[1], 1e-5);
        Assert.Equal(1, result.LayerOverlap[0]);
    }

    [Fact]
    public void Dilation_lets_a_copying_head_find_its_next_token_between_refreshes()
    {
        PlanSimulation simulation = new(SyntheticTrace.Copying(1, 2, context: 200, steps: 8), Budget, 0.5);
        SharingPlan plan = SharingPlan.Independent(1, 2) with { Interval = 4 };
        double exact = simulation.Run(plan with { Interval = 1 }, Retriever.Exact).Recovered;
        Assert.True(simulation.Run(plan, Retriever.Exact).Recovered < 0.3 * exact);
        Assert.InRange(simulation.Run(plan with { Dilation = 2 }, Retriever.Exact).Recovered, 0.7 * exact, 0.8 * exact);
        Assert.True(simulation.Run(plan with { Dilation = 3 }, Retriever.Exact).Recovered > 0.999 * exact);
    }

    [Fact]
    public void The_budget_holds_a_dilated_choice_too()
    {
        // Eight far peaks of falling height. With dilation 3 only the two highest are chosen, each with three tokens behind it.
        AttentionTrace trace = SyntheticTrace.Of(1, 1, context: 200, steps: 1, (_, _, now) =>
            [.. Enumerable.Range(0, now).Select(p => p is >= 20 and <= 160 && p % 20 == 0 ? 200f - p : 0)]);
        PlanSimulationResult result = new PlanSimulation(trace, Budget, 0.5)
            .Run(SharingPlan.Independent(1, 1) with { Dilation = 3 }, Retriever.Exact);
        Assert.Equal((180 + 160) / Enumerable.Range(1, 8).Sum(i => 200.0 - 20 * i), result.Recovered, 1e-5);
        Assert.Equal(2 / 8.0, result.Overlap);
    }

    [Fact]
    public void Trap5_what_leaves_the_window_between_refreshes_is_still_read()
    {
        // All mass is on one token, which is the window's oldest at the refresh and three tokens behind it at the last step.
        AttentionTrace trace = SyntheticTrace.Of(1, 1, context: 200, steps: 4, (_, _, now) =>
            [.. Enumerable.Range(0, now).Select(p => p == 200 - 16 ? 1f : 0)]);
        PlanSimulationResult result = new PlanSimulation(trace, Budget, 0.5)
            .Run(SharingPlan.Independent(1, 1) with { Interval = 4 }, Retriever.Exact);
        Assert.Equal(1, result.Recovered, 1e-6);
    }

    [Fact]
    public void Trap6_no_token_is_read_twice()
    {
        // Tokens 50 and 51 read up to 54, and token 82 runs into the window, which begins at 84: 5 + 2 tokens instead of 12.
        AttentionTrace trace = SyntheticTrace.Of(1, 1, context: 100, steps: 1, (_, _, now) =>
            [.. Enumerable.Range(0, now).Select(p => p is 50 or 51 or 82 ? 1f : 0)]);
        SharingPlan plan = SharingPlan.Independent(1, 1) with { Dilation = 3 };
        PlanSimulationResult result = new PlanSimulation(trace, new TokenBudget(4, 16, 32), 0.5).Run(plan, Retriever.PageBounds);
        Assert.Equal(2.0 / 16 / 2 + 20 / 100.0, result.Bytes, 1e-6); // critical / (16 + 3) = 0 pages
        result = new PlanSimulation(trace, new TokenBudget(4, 16, 32), 0.5).Run(plan, Retriever.Exact);
        Assert.Equal(0.5 + (20 + 5 + 2) / 100.0, result.Bytes, 1e-6);
    }

    [Fact]
    public void Pages_are_read_whole_but_for_sinks_and_window()
    {
        // The two best pages are the first, which the sinks begin, and the last before the window, which ends in it: 12 + 4 tokens.
        AttentionTrace trace = SyntheticTrace.Of(1, 1, context: 100, steps: 1, (_, _, now) =>
            [.. Enumerable.Range(0, now).Select(p => p is 6 or 81 ? 1f : 0)]);
        PlanSimulationResult result = new PlanSimulation(trace, new TokenBudget(4, 16, 52), 0.5)
            .Run(SharingPlan.Independent(1, 1), Retriever.PageBounds);
        Assert.Equal(1, result.Recovered, 1e-6);
        Assert.Equal(2.0 / 16 / 2 + (20 + 12 + 4) / 100.0, result.Bytes, 1e-6);
    }

    [Theory]
    [InlineData(Retriever.Exact, 1, 0.5)]
    [InlineData(Retriever.Exact, 4, 0.125)]
    [InlineData(Retriever.LabelChannels, 1, 0.125)]
    [InlineData(Retriever.PageBounds, 1, 1.0 / 16)]
    [InlineData(Retriever.PageBounds, 2, 1.0 / 32)]
    public void Asking_costs_what_it_reads_once_an_interval(Retriever retriever, int interval, double asking)
    {
        PlanSimulation simulation = new(SyntheticTrace.Themes(2, 1, unit => unit, steps: 1), new TokenBudget(4, 16, 36), labelShare: 0.25);
        SharingPlan plan = SharingPlan.Independent(2, 1) with { Interval = interval };
        Assert.Equal(asking + 36 / 200.0, simulation.Run(plan, retriever).Bytes, 1e-6);
        Assert.Equal(asking / 2 + 36 / 200.0, simulation.Run(Following(2, 1) with { Interval = interval }, retriever).Bytes, 1e-6);
    }

    [Fact]
    public void Between_refreshes_the_grown_window_is_paid_for()
    {
        PlanSimulation simulation = new(SyntheticTrace.Themes(1, 1, unit => unit, steps: 2), Budget, 0.5);
        SharingPlan plan = SharingPlan.Independent(1, 1) with { Interval = 2 };
        Assert.Equal(((50 + 28) / 200.0 + (50.25 + 29) / 201) / 2, simulation.Run(plan, Retriever.Exact).Bytes, 1e-6);
    }

    [Fact]
    public void Who_takes_scores_reads_only_values_of_distant_tokens()
    {
        PlanSimulation simulation = new(SyntheticTrace.Themes(2, 1, unit => unit, steps: 1), Budget, 0.5);
        double leader = 0.5 + 28 / 200.0;
        SharingPlan scores = Following(2, 1, HeadSharing.ShareScores), keys = Following(2, 1, HeadSharing.ShareKeys);
        Assert.Equal((leader + (20 + 4) / 200.0) / 2, simulation.Run(scores, Retriever.Exact).Bytes, 1e-6);
        Assert.Equal((leader + 28 / 200.0) / 2, simulation.Run(keys, Retriever.Exact).Bytes, 1e-6);
        PlanSimulation whole = new(SyntheticTrace.Themes(2, 1, unit => unit, steps: 1), new TokenBudget(4, 16, 0, Share: 1), 0.5);
        Assert.Equal((1 + (20 + 90) / 200.0) / 2, whole.Run(scores, Retriever.Exact).Bytes, 1e-6);
    }

    [Fact]
    public void Trap7_a_context_within_the_budget_is_read_whole()
    {
        PlanSimulationResult result = new PlanSimulation(SyntheticTrace.Themes(2, 1, unit => unit), new TokenBudget(4, 16, 500), 0.5)
            .Run(Following(2, 1), Retriever.Exact);
        Assert.Equal(1, result.Recovered, 1e-5);
        Assert.Equal((1.0, 1.0), (result.Overlap, result.Bytes));
    }

    [Fact]
    public void Dense_layers_read_everything()
    {
        PlanSimulationResult result = new PlanSimulation(SyntheticTrace.Themes(2, 1, unit => unit, noise: 0.9, steps: 1), Budget, 0.5)
            .Run(SharingPlan.Independent(2, 1) with { DenseLayers = 1 }, Retriever.Exact);
        Assert.Equal(1, result.LayerRecovered[0], 1e-5);
        Assert.True(result.LayerRecovered[1] < 0.95);
        Assert.Equal((1 + 0.5 + 28 / 200.0) / 2, result.Bytes, 1e-6);
    }

    [Fact]
    public void Without_a_retriever_nothing_is_read_between_sinks_and_window()
    {
        AttentionTrace trace = SyntheticTrace.Themes(1, 1, unit => unit, steps: 1);
        PlanSimulationResult result = new PlanSimulation(trace, Budget, 0.5).Run(SharingPlan.Independent(1, 1), Retriever.None);
        Assert.Equal(Mass(trace.Steps[0], 0, []), result.Recovered, 1e-6);
        Assert.Equal(20 / 200.0, result.Bytes, 1e-6);
    }

    [Fact]
    public void What_cannot_be_replayed_is_refused()
    {
        AttentionTrace trace = SyntheticTrace.Themes(2, 1, unit => unit, steps: 1);
        AttentionTrace unlabelled = trace with { Steps = [trace.Steps[0] with { Labels = [] }] };
        SharingPlan plan = SharingPlan.Independent(2, 1);
        Assert.Contains("label", Assert.Throws<ArgumentException>(
            () => new PlanSimulation(unlabelled, Budget, 0.5).Run(plan, Retriever.LabelChannels)).Message);
        Assert.Throws<ArgumentException>(() => new PlanSimulation(trace, Budget, 0.5).Run(plan, Retriever.Accumulated));
        Assert.Throws<ArgumentException>(() => new PlanSimulation(trace, Budget, 0.5).Run(SharingPlan.Independent(1, 1), Retriever.Exact));
        Assert.Throws<SharingPlanException>(() => new PlanSimulation(trace, Budget, 0.5).Run(plan with { Interval = 0 }, Retriever.Exact));
        Assert.Throws<ArgumentException>(() => new PlanSimulation(trace with { Steps = [] }, Budget, 0.5));
    }

    /// <summary>A plan in which every other layer borrows from layer 0, head by head.</summary>
    private static SharingPlan Following(int layers, int heads, HeadSharing sharing = HeadSharing.ShareIndices)
    {
        SharingPlan plan = SharingPlan.Independent(layers, heads);
        return plan with { Rules = [.. plan.Rules.Select(rule => rule.Layer == 0 ? rule : new HeadRule(sharing, 0, rule.Head))] };
    }

    private static int[] Chosen(AttentionTraceStep step, int unit, int count) =>
        [.. Enumerable.Range(4, step.Context - 20).OrderByDescending(p => step.Mass[unit][p]).ThenBy(p => p).Take(count)];

    /// <summary>Mass of a unit on sinks, window and some tokens between.</summary>
    private static double Mass(AttentionTraceStep step, int unit, int[] distant) =>
        Enumerable.Range(0, 4).Concat(Enumerable.Range(step.Context - 16, 16)).Concat(distant).Sum(p => (double)step.Mass[unit][p]);
}
