using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>Presets that are made from a calibration, on the bundled model with a made-up one.</summary>
public sealed class CalibratedEngineTests : IDisposable
{
    private static readonly EngineOptions Options = new() { MaxContext = 256, MaxBatch = 4, BlockSize = 16 };

    private readonly CalibratedModel _calibrated = new();

    public void Dispose() => _calibrated.Dispose();

    [Fact]
    public async Task Labels_and_plans_give_the_same_tokens_alone_together_and_cached()
    {
        AttentionPreset[] presets =
        [
            AttentionPreset.Parse("double-sparse:budget=80,sinks=8,window=24,channels=12"),
            AttentionPreset.Parse("hshare:1/2-1-1/4,budget=80,sinks=8,window=24"),
            AttentionPreset.Parse("hshare:1/2-1/2-1/2,budget=80,sinks=8,window=24,planner=greedy,retriever=labels,channels=12"),
        ];
        await using InferenceEngine cold = Create(presets, Options with { PrefixSharing = PrefixSharing.Off });
        await using InferenceEngine warm = Create(presets, Options);
        GenerationRequest[] requests = [.. presets.Select(preset => SparsePresets.Request(130, 12, preset))];
        List<List<(int, float)>> alone = [];
        foreach (GenerationRequest request in requests)
            alone.Add(await SparsePresets.RunAsync(cold, request));

        List<(int, float)>[] together = await Task.WhenAll(requests.Select(request => SparsePresets.RunAsync(cold, request)));
        for (int i = 0; i < requests.Length; i++)
        {
            Assert.Equal(alone[i], together[i]);
            Generation generation = warm.Submit(requests[i]);
            Assert.Equal(alone[i], await SparsePresets.ReadAsync(generation));
            Assert.Equal(i == 0 ? 0 : 128, generation.CachedPromptTokens); // labels and page bounds are cached with the keys
        }

        Assert.Equal(3, alone.Select(tokens => tokens[^1]).Distinct().Count()); // presets differ
    }

    [Fact]
    public async Task All_channels_as_labels_choose_as_exact_scores_do()
    {
        AttentionPreset labels = AttentionPreset.Parse("double-sparse:budget=80,sinks=8,window=24,channels=64");
        AttentionPreset exact = AttentionPreset.Parse("hshare:1-1-1,budget=80,sinks=8,window=24,retriever=exact");
        await using InferenceEngine engine = Create([labels, exact], Options);
        GenerationRequest request = SparsePresets.Request(140, 16);
        Assert.Equal(
            await SparsePresets.RunAsync(engine, request with { Attention = exact }),
            await SparsePresets.RunAsync(engine, request with { Attention = labels }));
    }

    [Fact]
    public void Two_widths_of_labels_do_not_fit_one_engine()
    {
        AttentionPreset narrow = AttentionPreset.Parse("double-sparse:channels=8");
        AttentionPreset wide = AttentionPreset.Parse("double-sparse:channels=16");
        using LanguageModel model = Load();
        ArgumentException error = Assert.Throws<ArgumentException>(() =>
            new AttentionPolicies(model, new EngineOptions { Attention = narrow, AttentionPresets = [wide] }));
        Assert.Contains("8 label channels", error.Message);
        Assert.Contains("keeps 16", error.Message);
        Assert.Equal(AttentionPreset.Full, new AttentionPolicyFactory(model.Config, model.Directory).Recommended);
    }

    [Fact]
    public async Task Blocks_of_layers_and_plans_by_the_calibration_share_distant_keys()
    {
        AttentionPreset blocks = AttentionPreset.Parse("pod:proximal=16+48,threshold=0.85"); // four layers to a block

        // Its blocks cross each other.
        AttentionPreset plan = AttentionPreset.Parse("hshare+pod:1/2-1-1/2,budget=80,sinks=8,window=24,proximal=16+48");
        foreach (AttentionPreset preset in new[] { blocks, plan })
        {
            await using InferenceEngine engine = Create([preset], Options with { PrefixSharing = PrefixSharing.Off });
            Generation generation = engine.Submit(SparsePresets.Request(150, 6));
            List<(int, float)> alone = await SparsePresets.ReadAsync(generation);
            Assert.True(engine.GetStatistics().ProximalBlocks > 0);
            SharingPlan made = new AttentionPolicyFactory(engine.Model.Config, _calibrated.Folder).Create(preset).Plan;
            Assert.Equal(preset == plan ? 1 : 0, Math.Min(1, new KeySharing(made, 16, 48).ScorePlaces().Max()));
            if (preset == blocks)
                Assert.Equal(1, generation.Reads.Ratio); // the leaders' keys are read instead
            List<(int, float)>[] together = await Task.WhenAll(
                Enumerable.Range(0, 3).Select(_ => SparsePresets.RunAsync(engine, SparsePresets.Request(150, 6))));
            Assert.All(together, tokens => Assert.Equal(alone, tokens));
        }
    }

    private LanguageModel Load() => LanguageModel.Load(
        _calibrated.Folder, new CpuBackend(), cancellationToken: TestContext.Current.CancellationToken);

    private InferenceEngine Create(AttentionPreset[] presets, EngineOptions options) =>
        new(Load(), options with { Attention = presets[0], AttentionPresets = presets });
}
