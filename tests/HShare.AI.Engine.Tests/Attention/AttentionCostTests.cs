using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Tests.Attention;

/// <summary>The byte model, against the arithmetic it stands for.</summary>
public sealed class AttentionCostTests
{
    private const int Layers = 4, KvHeads = 2, HeadDim = 64;

    private static readonly KvCacheShape Cache = new(Layers, KvHeads, HeadDim, 32, 100, DType.Float32);
    private static readonly int[] Everything = [0, 0, 0, 0];
    private static readonly long Row = HeadDim * sizeof(float);

    [Theory]
    [InlineData("full", 5800, 5800, 0)]
    [InlineData("quest:budget=512", 5800, 512, 2 * 363)]           // 363 pages, two rows of bounds each
    [InlineData("quest:budget=512", 512, 512, 0)]                  // within the budget nothing is chosen
    [InlineData("quest:budget=512,dense=4", 5800, 5800, 0)]
    [InlineData("double-sparse:budget=512,channels=16", 5800, 512, 5800 / 4)]
    [InlineData("hshare:1-1-1,retriever=exact,budget=512", 5800, 512, 5800)]
    [InlineData("streaming-llm:budget=512", 5800, 512, 0)]
    [InlineData("h2o:budget=512", 5800, 512, 0)]
    [InlineData("quest:budget=1/8", 5800, 725, 2 * 363)]
    public void A_step_that_chooses_reads_its_tokens_and_what_it_chooses_by(string text, int context, int tokens, int selectionRows)
    {
        AttentionPolicy policy = Policy(text);
        AttentionStep step = new SelectionClock(policy).Decode(context);
        Assert.Equal((2L * tokens + selectionRows) * Layers * KvHeads * Row, AttentionCost.Of(policy, Cache, Everything, step));
        Assert.Equal(2L * context * Layers * KvHeads * Row, AttentionCost.Full(Cache, Everything, context));
    }

    [Fact]
    public void A_step_that_reuses_pays_for_no_choice_but_for_the_tokens_since()
    {
        AttentionPolicy policy = Policy("hshare:1-1-1/4,budget=512");
        SelectionClock clock = new(policy);
        clock.EndPrompt(5800);
        for (int since = 1; since < 4; since++)
            Assert.Equal(
                2L * (512 + since) * Layers * KvHeads * Row, AttentionCost.Of(policy, Cache, Everything, clock.Decode(5800 + since)));
        Assert.Equal((2L * 512 + 2 * 363) * Layers * KvHeads * Row, AttentionCost.Of(policy, Cache, Everything, clock.Decode(5804)));
    }

    [Fact]
    public void Only_those_who_ask_pay_for_the_choice()
    {
        SharingPlan plan = SharingPlan.Independent(Layers, KvHeads);
        HeadRule[] rules = [.. plan.Rules];
        rules[2] = rules[3] = new HeadRule(HeadSharing.ShareIndices, 0, 0);
        rules[7] = new HeadRule(HeadSharing.ShareIndices, 3, 0);
        AttentionPolicy policy =
            new(AttentionPreset.Parse("hshare:1-1-1,retriever=exact,budget=512"), plan with { Rules = rules, DenseLayers = 0 });
        long expected = (2L * 512 * 8 + 5 * 5800L) * Row;
        Assert.Equal(expected, AttentionCost.Of(policy, Cache, Everything, new SelectionClock(policy).Decode(5800)));
    }

    [Fact]
    public void Sliding_windows_hide_tokens_from_all()
    {
        int[] windows = [100, 0, 6000, 300];
        Assert.Equal(2L * (100 + 1000 + 1000 + 300) * KvHeads * Row, AttentionCost.Full(Cache, windows, 1000));
        AttentionPolicy policy = Policy("streaming-llm:budget=200");
        Assert.Equal(
            2L * (100 + 200 * 3) * KvHeads * Row, AttentionCost.Of(policy, Cache, windows, new SelectionClock(policy).Decode(1000)));
    }

    [Fact]
    public void Followers_that_take_scores_read_proximal_keys_only()
    {
        foreach (HeadSharing sharing in new[] { HeadSharing.ShareScores, HeadSharing.ShareKeys })
        {
            SharingPlan plan = SharingPlan.Independent(Layers, KvHeads);
            HeadRule[] rules = [.. plan.Rules];
            rules[2] = rules[4] = new HeadRule(sharing, 0, 0);
            plan = plan with { Rules = rules };
            AttentionPolicy policy = new(AttentionPreset.Parse("pod:proximal=16+84"), plan);
            KvCacheShape cache = Cache with { KeySharing = new KeySharing(plan, 16, 84) };
            long saved = sharing == HeadSharing.ShareScores ? 2 * (1000 - 100) : 0;
            Assert.Equal(
                (2L * 1000 * 8 - saved) * Row, AttentionCost.Of(policy, cache, Everything, new SelectionClock(policy).Decode(1000)));
        }
    }

    private static AttentionPolicy Policy(string text)
    {
        AttentionPreset preset = AttentionPreset.Parse(text);
        SharingPlan plan =
            SharingPlan.Independent(Layers, KvHeads) with { Interval = preset.Ratios.Interval, DenseLayers = preset.DenseLayers };
        return new AttentionPolicy(preset, plan, preset.LabelChannels);
    }
}
