using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>Scheduler, runner and CPU backend without threads: what a sparse decode step allocates.</summary>
public sealed class SparseAllocationTests : IDisposable
{
    // One thread, so that the calling thread's allocations are all there are.
    private readonly LanguageModel _model = LanguageModel.Load(TestFiles.TinyModel, new CpuBackend(1));
    private readonly SparsePresets _presets = new();

    public void Dispose()
    {
        _model.Dispose();
        _presets.Dispose();
    }

    [Fact]
    public void Sparse_decode_steps_do_not_allocate() => DecodeStepsDoNotAllocate(_presets.All(80));

    [Fact]
    public void Decode_steps_with_shared_keys_do_not_allocate()
    {
        string plan = _presets.DistantPlan(HeadSharing.ShareScores);
        DecodeStepsDoNotAllocate([
            AttentionPreset.Parse($"pod:plan={plan},proximal=16+48"),
            AttentionPreset.Parse($"hshare+pod:plan={plan},budget=80,sinks=8,window=24,proximal=16+48"),
        ]);
    }

    private void DecodeStepsDoNotAllocate(AttentionPreset[] presets)
    {
        EngineOptions options = new()
        {
            MaxContext = 320,
            MaxBatch = 8,
            BlockSize = 16,
            Attention = presets[0],
            AttentionPresets = presets,
            TracksReads = true,
        };
        AttentionPolicies policies = new(_model, options);
        EngineSizing sizing = EngineSizing.Resolve(options, _model.Config, 1 << 30, policies.Needs, policies.LabelChannels);
        StepRunner runner = new(_model, sizing, policies.Needs);
        KeySharing? sharing = sizing.Cache.KeySharing;
        Scheduler scheduler = new(
            new BlockPool(sizing.Cache.BlockCount),
            sizing.Options,
            sharing is null ? null : new BlockPool(sizing.Cache.ProximalBlockCount),
            sharing);
        RequestInbox inbox = new(sizing.Options);
        for (int i = 0; i < presets.Length; i++)
        {
            GenerationRequest request = new()
            {
                Prompt = SparsePresets.Prompt(132 + i, seed: i),
                TracksReads = presets[i].Retriever != Retriever.Accumulated,
            };
            scheduler.Add(new Sequence(request, policies.Get(presets[i]), sizing.Options, [], inbox));
        }

        while (scheduler.Running.Length < presets.Length || scheduler.Running[^1].GeneratedTokens < 20)
            Step(); // lists grow by doubling: of blocks at 129 tokens and the next time at 257, of tokens at 265
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 16; i++)
            Step();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Step()
        {
            ScheduledStep step = scheduler.Plan();
            ReadOnlySpan<SampledToken> sampled = runner.Run(step);
            scheduler.Complete(step);
            foreach ((Sequence sequence, int id, _) in sampled)
                sequence.Append(id);
        }
    }
}
