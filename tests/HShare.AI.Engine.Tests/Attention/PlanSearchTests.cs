using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Attention;

public sealed class PlanSearchTests
{
    private static readonly TokenBudget Budget = new(Sinks: 4, Window: 16, Total: 84); // 64 critical tokens: 4 pages

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Where_layers_agree_and_nothing_moves_the_cheapest_plan_shares_all_it_may()
    {
        PlanCandidate best = Search(
            seed => SyntheticTrace.Themes(6, 2, unit => unit % 2, noise: 0, context: 2000, steps: 8, seed: seed),
            0.99, Retriever.Exact).Cheapest!;
        Assert.Equal("1/3-1-1/8", best.Ratios.ToString());
        Assert.True(best.Kept >= 0.99);
    }

    [Fact]
    public void Where_layers_disagree_they_are_not_shared()
    {
        PlanCandidate best = Search(
            seed => SyntheticTrace.Themes(6, 2, unit => unit, noise: 0, context: 2000, steps: 8, seed: seed),
            0.99, Retriever.Exact).Cheapest!;
        Assert.Equal("1-1-1/8", best.Ratios.ToString());
    }

    [Fact]
    public void Where_heads_copy_long_intervals_need_dilation()
    {
        PlanSearchResult result = Search(_ => SyntheticTrace.Copying(2, 1, context: 200, steps: 8), 0.99, Retriever.Exact);
        Assert.Equal((8, 7), (result.Cheapest!.Plan.Interval, result.Cheapest.Plan.Dilation));
        Assert.All(result.Candidates.Where(c => c.Plan.Interval > 1 && c.Plan.Dilation == 0), c => Assert.True(c.Kept < 0.99));
    }

    [Fact]
    public void The_cheapest_is_the_first_of_all_candidates_that_keeps_enough()
    {
        PlanSearchResult result = Search(
            seed => SyntheticTrace.Themes(4, 2, unit => unit / 3, noise: 0.4, steps: 4, seed: seed),
            0.93, Retriever.Exact, Retriever.PageBounds, Retriever.LabelChannels);
        Assert.Equal(result.Candidates.OrderBy(c => Math.Round(c.Bytes, 6)).ThenByDescending(c => c.Kept), result.Candidates);
        Assert.Same(result.Candidates.First(c => c.Kept >= 0.93), result.Cheapest);
        Assert.Equal(3, result.Candidates.Select(c => c.Retriever).Distinct().Count());
        Assert.Equal(result.Candidates.Count, result.Candidates.DistinctBy(c => c.ToString()).Count());
        Assert.All(result.Candidates, c => c.Plan.Validate());
        Assert.Contains(result.Candidates, c => c.Kept < 0.93);
    }

    [Fact]
    public void A_floor_of_1_is_met_by_the_unshared_exact_choice()
    {
        PlanSearchResult result = Search(
            seed => SyntheticTrace.Themes(3, 1, unit => unit, noise: 0.9, peaks: 60, steps: 4, seed: seed),
            1, Retriever.Exact, Retriever.PageBounds);
        Assert.Equal(("1-1-1", Retriever.Exact), (result.Cheapest!.Ratios.ToString(), result.Cheapest.Retriever));
    }

    [Fact]
    public void Nothing_is_found_where_no_retriever_keeps_enough() => Assert.Null(
        Search(seed => SyntheticTrace.Themes(2, 1, unit => unit, 0.9, peaks: 60, steps: 2, seed: seed), 1, Retriever.PageBounds).Cheapest);

    [Fact]
    public void Progress_counts_every_candidate()
    {
        List<PlanSearchProgress> reports = [];
        AttentionTrace trace = SyntheticTrace.Themes(2, 1, unit => unit, steps: 2);
        PlanSearchResult result = Run([trace], Budget, 0.5, [Retriever.Exact], new Progress(reports));
        Assert.Equal(Enumerable.Range(1, result.Candidates.Count), reports.Select(report => report.Tried));
        Assert.All(reports, report => Assert.Equal(result.Candidates.Count, report.Candidates));
        Assert.Same(result.Cheapest, reports[^1].Cheapest);
    }

    [Fact]
    public void What_cannot_be_judged_is_refused()
    {
        AttentionTrace trace = SyntheticTrace.Themes(2, 1, unit => unit, steps: 2);
        Assert.Throws<SharingPlanException>(() => Run([trace], new TokenBudget(4, 16, 300), 0.9, [Retriever.Exact]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Run([trace], Budget, 0, [Retriever.Exact]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Run([trace], Budget, double.NaN, [Retriever.Exact]));
        Assert.Throws<ArgumentException>(() => Run([], Budget, 0.9, [Retriever.Exact]));
        Assert.Throws<ArgumentException>(() => Run([trace], Budget, 0.9, []));
        Assert.Throws<OperationCanceledException>(() => PlanSearch.Run(
            Calibrate(trace), [trace], Budget, 0.9, [Retriever.Exact], 0.5, progress: null, new CancellationToken(canceled: true)));
    }

    /// <summary>Plans from one trace, judged on two others.</summary>
    private static PlanSearchResult Search(Func<int, AttentionTrace> trace, double floor, params Retriever[] retrievers) =>
        PlanSearch.Run(
            Calibrate(trace(1)), [trace(2), trace(3)], Budget, floor, retrievers, labelShare: 0.25, progress: null, Cancellation);

    private static PlanSearchResult Run(
        AttentionTrace[] heldOut, TokenBudget budget, double floor, Retriever[] retrievers, IProgress<PlanSearchProgress>? progress = null)
    {
        AttentionCalibration calibration = Calibrate(SyntheticTrace.Themes(2, 1, unit => unit, steps: 2));
        return PlanSearch.Run(calibration, heldOut, budget, floor, retrievers, labelShare: 0.5, progress, Cancellation);
    }

    private static AttentionCalibration Calibrate(AttentionTrace trace) => AttentionCalibration.From([trace], Budget, "f", 64, []);

    private sealed class Progress(List<PlanSearchProgress> reports) : IProgress<PlanSearchProgress>
    {
        public void Report(PlanSearchProgress value) => reports.Add(value);
    }
}
