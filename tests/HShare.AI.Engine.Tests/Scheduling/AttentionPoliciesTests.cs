using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>Which presets an engine takes, and how it refuses those whose needs it does not keep.</summary>
public sealed class AttentionPoliciesTests : IDisposable
{
    private readonly LanguageModel _model = LanguageModel.Load(TestFiles.TinyModel, new CpuBackend(1));
    private readonly SparsePresets _presets = new();

    public void Dispose()
    {
        _model.Dispose();
        _presets.Dispose();
    }

    [Theory]
    [InlineData("full", "quest", "PageBounds", "AttentionPresets")]
    [InlineData("full", "streaming-llm", "None", "AttentionPresets")]
    [InlineData("full", "h2o", "Accumulated", "AttentionPresets")]
    [InlineData("quest:budget=256", "h2o:budget=256", "Accumulated", "AttentionPresets")]
    [InlineData("quest:budget=256", "hshare:1-1-1,retriever=exact,budget=256", "Exact", "AttentionPresets")]
    [InlineData("quest:budget=256", "quest:budget=512", "432 tokens", "AttentionPresets")]
    [InlineData("quest:budget=256", "quest:budget=1/2", "tokens", "AttentionPresets")]
    public void A_preset_that_needs_more_is_refused_and_the_option_named(string kept, string asked, string need, string option)
    {
        AttentionPolicies policies = new(_model, new EngineOptions { Attention = AttentionPreset.Parse(kept) });
        ArgumentException error = Assert.Throws<ArgumentException>(() => policies.Get(AttentionPreset.Parse(asked)));
        Assert.Contains(AttentionPreset.Parse(asked).ToString(), error.Message);
        Assert.Contains(need, error.Message);
        Assert.Contains(option, error.Message);
        AttentionPolicies named = new(
            _model, new EngineOptions { Attention = AttentionPreset.Parse(kept), AttentionPresets = [AttentionPreset.Parse(asked)] });
        Assert.Equal(AttentionPreset.Parse(asked), named.Get(AttentionPreset.Parse(asked)).Preset);
    }

    [Fact]
    public void A_preset_that_needs_no_more_is_taken_without_being_named()
    {
        AttentionPolicies policies = new(_model, new EngineOptions { Attention = AttentionPreset.Parse("quest:budget=512") });
        string[] texts =
            ["full", "quest:budget=300", "hshare:1-1-1/4,budget=512", "streaming-llm:budget=4000", "quest:budget=500,dense=12"];
        foreach (string text in texts)
            Assert.Equal(text.Split(':')[0], policies.Get(AttentionPreset.Parse(text)).Preset.Name);
        Assert.Same(policies.Get(null), policies.Get(AttentionPreset.Parse("quest:budget=512")));
        Assert.Same(policies.Get(AttentionPreset.Full), policies.Get(AttentionPreset.Parse("full")));
        Assert.NotEqual( // texts that round alike are not the same share
            policies.Get(AttentionPreset.Parse("quest:budget=0.0333333")).Budget,
            policies.Get(AttentionPreset.Parse("quest:budget=1/30")).Budget);
    }

    [Fact]
    public void What_is_stored_is_fixed_when_the_engine_is_made()
    {
        string keys = _presets.DistantPlan(HeadSharing.ShareKeys), scores = _presets.DistantPlan(HeadSharing.ShareScores);
        AttentionPreset pod = AttentionPreset.Parse($"pod:plan={keys}"), longer = AttentionPreset.Parse($"pod:plan={keys},proximal=16+100");
        AttentionPreset other = AttentionPreset.Parse($"pod:plan={scores}"), both = AttentionPreset.Parse($"hshare+pod:plan={keys}");
        AttentionPolicies plain = new(_model, new EngineOptions { Attention = AttentionPreset.Parse("quest") });
        AttentionPolicies sharing = new(_model, new EngineOptions { Attention = pod, AttentionPresets = [both] });
        Assert.Equal(pod, sharing.Get(null).Preset);
        Assert.Equal(both, sharing.Get(both).Preset);
        foreach ((AttentionPolicies policies, AttentionPreset preset) in new[]
        {
            (plain, pod), (plain, both), (sharing, AttentionPreset.Full), (sharing, AttentionPreset.Parse("quest")), (sharing, longer),
            (sharing, other),
        })
        {
            ArgumentException error = Assert.Throws<ArgumentException>(() => policies.Get(preset));
            Assert.Contains(preset.ToString(), error.Message);
            Assert.Contains("EngineOptions.Attention", error.Message);
        }

        Assert.Throws<ArgumentException>(() => new AttentionPolicies(
            _model, new EngineOptions { Attention = pod, AttentionPresets = [AttentionPreset.Full] }));
    }

    [Fact]
    public void A_preset_that_does_not_fit_the_model_is_refused()
    {
        AttentionPolicyFactory factory = new(_model.Config, _model.Directory);
        ArgumentException dense = Assert.Throws<ArgumentException>(() => factory.Create(AttentionPreset.Parse("quest:dense=13")));
        Assert.Contains("the model has 12", dense.Message);
        ArgumentException channels =
            Assert.Throws<ArgumentException>(() => factory.Create(AttentionPreset.Parse("double-sparse:channels=65")));
        Assert.Contains("has 64", channels.Message);
        AttentionPolicyFactory sliding = new(
            _model.Config with { SlidingWindows = [.. Enumerable.Repeat(1000, _model.Config.LayerCount)] }, _model.Directory);
        ArgumentException pod = Assert.Throws<ArgumentException>(() => sliding.Create(AttentionPreset.Parse("pod")));
        Assert.Contains("sliding window", pod.Message);
        Assert.Equal(16, factory.Create(AttentionPreset.Parse("double-sparse")).LabelChannels); // a quarter
    }

    [Theory]
    [InlineData("hshare")]
    [InlineData("hshare:7/8-3/4-1/2,planner=greedy")]
    [InlineData("pod")]
    [InlineData("hshare+pod")]
    [InlineData("double-sparse")]
    public void A_preset_that_needs_a_calibration_says_how_to_make_one(string text)
    {
        using Models.ModelFolder folder = Models.ModelFolder.Valid(); // has none
        using LanguageModel model =
            LanguageModel.Load(folder.Path, new CpuBackend(1), cancellationToken: TestContext.Current.CancellationToken);
        SharingPlanException error = Assert.Throws<SharingPlanException>(() =>
            new AttentionPolicies(model, new EngineOptions { Attention = AttentionPreset.Parse(text) }));
        Assert.Contains("attention.json", error.Message);
        Assert.Contains($"hshare calibrate --model {model.Directory}", error.Message);
    }

    [Fact]
    public void A_plan_of_another_shape_or_model_is_refused()
    {
        string small = _presets.Save(SharingPlan.Independent(4, 2));
        string foreign = _presets.Save(SharingPlan.Independent(SparsePresets.Layers, SparsePresets.KvHeads) with { Fingerprint = "0123" });
        AttentionPolicyFactory factory = new(_model.Config, _model.Directory);
        foreach (string file in new[] { small, foreign, Path.Combine(Path.GetTempPath(), "hshare-no-such-plan.json") })
        {
            SharingPlanException error =
                Assert.Throws<SharingPlanException>(() => factory.Create(AttentionPreset.Parse($"hshare:plan={file}")));
            Assert.Contains(file, error.Message);
        }
    }
}
