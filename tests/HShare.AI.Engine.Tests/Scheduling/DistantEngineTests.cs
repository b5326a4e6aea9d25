using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>
/// Proximal over distant (PoD) in an engine on the bundled model: two pools of blocks, and the same bits whatever goes on.
/// </summary>
public sealed class DistantEngineTests : IDisposable
{
    private const int Sinks = 16, Recent = 48;

    private static readonly EngineOptions Options =
        new() { MaxContext = 512, MaxBatch = 4, BlockSize = 16, PrefixSharing = PrefixSharing.Off };

    private readonly SparsePresets _presets = new();

    public void Dispose() => _presets.Dispose();

    [Theory]
    [InlineData(HeadSharing.ShareKeys)]
    [InlineData(HeadSharing.ShareScores)]
    public async Task Batches_chunks_and_preemptions_change_nothing(HeadSharing sharing)
    {
        AttentionPreset[] presets = Presets(sharing);
        await using InferenceEngine engine = SparsePresets.Create(presets, Options);
        GenerationRequest[] requests =
            [.. Enumerable.Range(0, 5).Select(i => SparsePresets.Request(100 + 11 * i, 30, presets[i % 3], seed: i))];
        List<List<(int, float)>> alone = [];
        foreach (GenerationRequest request in requests)
            alone.Add(await SparsePresets.RunAsync(engine, request));
        await AssertSame(engine);

        await using InferenceEngine chunked = SparsePresets.Create(presets, Options with { MaxStepRows = 7 });
        await AssertSame(chunked);

        EngineOptions tightOptions = Options with { MaxContext = 192 };
        KvCacheShape shape = Sharing(sharing);
        int proximalBlocks = engine.GetStatistics().ProximalBlocks - 16; // MaxStepRows counts among them; roughly
        await using InferenceEngine tight = SparsePresets.Create(presets, tightOptions with
        {
            KvCacheBytes = 18 * shape.BlockBytes + (proximalBlocks + 16) * shape.ProximalBlockBytes,
        });
        await AssertSame(tight);
        Assert.True(tight.GetStatistics().Preemptions > 0);

        async Task AssertSame(InferenceEngine other)
        {
            List<(int, float)>[] tokens = await Task.WhenAll(requests.Select(request => SparsePresets.RunAsync(other, request)));
            for (int i = 0; i < requests.Length; i++)
                Assert.True(alone[i].SequenceEqual(tokens[i]), $"{requests[i].Attention} gives other tokens.");
            PoolsAreWhole(other);
        }
    }

    [Theory]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    public async Task A_layer_of_followers_alone_reads_a_cache_of_half_precision(DType type)
    {
        AttentionPreset[] presets = Presets(HeadSharing.ShareKeys);
        GenerationRequest request = SparsePresets.Request(200, 12, presets[0], seed: 3) with { Sampling = SamplingParameters.Greedy };
        await using InferenceEngine whole = SparsePresets.Create(presets, Options);
        await using InferenceEngine half = SparsePresets.Create(presets, Options with { KvCacheType = type });
        List<(int Id, float Logprob)> expected = await SparsePresets.RunAsync(whole, request);
        List<(int Id, float Logprob)> actual = await SparsePresets.RunAsync(half, request);
        Assert.Equal(expected[0].Id, actual[0].Id);
        Assert.InRange(Math.Abs(expected[0].Logprob - actual[0].Logprob), 0, 0.15f);
    }

    [Fact]
    public async Task Proximal_tokens_that_cover_the_context_give_the_tokens_of_full_attention()
    {
        await using InferenceEngine plain = SparsePresets.Create(Options);
        foreach (HeadSharing sharing in new[] { HeadSharing.ShareKeys, HeadSharing.ShareScores })
        {
            await using InferenceEngine engine = SparsePresets.Create(
                [AttentionPreset.Parse($"pod:plan={_presets.DistantPlan(sharing)},proximal=16+240")], Options);
            GenerationRequest request = SparsePresets.Request(200, 20);
            List<(int Id, float Logprob)> expected = await SparsePresets.RunAsync(plain, request);
            List<(int Id, float Logprob)> actual = await SparsePresets.RunAsync(engine, request);
            Assert.Equal(expected.Select(token => token.Id), actual.Select(token => token.Id));
            Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First.Logprob, pair.Second.Logprob, 1e-4));
        }
    }

    [Theory]
    [InlineData(40)]
    [InlineData(100)]
    [InlineData(333)]
    [InlineData(480)]
    public async Task A_sequence_takes_the_bytes_of_the_papers_formula(int length)
    {
        AttentionPreset preset = Presets(HeadSharing.ShareKeys)[0];
        await using InferenceEngine engine = SparsePresets.Create([preset], Options);
        KvCacheShape shape = Sharing(HeadSharing.ShareKeys);
        double leaders = PodPlanner.LeaderShare(shape.KeySharing!.Plan);
        Assert.Equal(1 - 14.0 / 24, leaders, 6);
        Generation generation = engine.Submit(SparsePresets.Request(length, 30, preset));
        int seen = 0;
        await foreach (GeneratedToken _ in generation.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            EngineStatistics now = engine.GetStatistics();
            if (now.Running == 0)
                continue;

            seen++;
            long tokens = now.PrefillTokens + now.GeneratedTokens - 1;
            double saved = 0.5 * (1 - leaders) * (1 - Math.Min(1, (Sinks + Recent) / (double)tokens));
            double formula = 2.0 * shape.Layers * shape.KvHeads * shape.RowBytes * tokens * (1 - saved);
            long allocated = (now.TotalBlocks - now.FreeBlocks) * shape.BlockBytes
                + (now.ProximalBlocks - now.FreeProximalBlocks) * shape.ProximalBlockBytes;

            // Whole blocks are taken: of the one pool less than one too much, of the other, whose window begins and ends inside a block,
            // less than two.
            Assert.InRange(allocated - formula, -shape.ProximalBlockBytes / 16.0, shape.BlockBytes + 2 * shape.ProximalBlockBytes);
            Assert.Equal((tokens + 15) / 16, now.TotalBlocks - now.FreeBlocks);
            Assert.InRange(now.ProximalBlocks - now.FreeProximalBlocks, 1, shape.KeySharing.BlocksPerSequence(16));
        }

        Assert.True(seen > 0);
        PoolsAreWhole(engine);
    }

    [Fact]
    public async Task Pools_are_whole_after_200_mixed_requests_many_of_them_cancelled()
    {
        AttentionPreset[] presets = Presets(HeadSharing.ShareScores);
        await using InferenceEngine engine = SparsePresets.Create(
            presets, Options with { MaxContext = 160, PrefixSharing = PrefixSharing.Shared, QueueLength = 200 });
        Generation[] generations = [.. Enumerable.Range(0, 200).Select(i =>
            engine.Submit(SparsePresets.Request(10 + i * 7 % 90, 1 + i % 9, presets[i % 3], seed: i % 5)))];
        await Task.WhenAll(generations.Select(async (generation, i) =>
        {
            if (i % 3 > 0)
                await EngineAssert.Until(() => i % 7 == 0 || generation.PrefilledTokens > Math.Min(i % 40, generation.PromptTokens - 1));
            if (i % 3 > 0)
                await generation.DisposeAsync();
            else
                await generation.ReadIdsAsync();
        }));
        PoolsAreWhole(engine);
    }

    [Theory]
    [InlineData(HeadSharing.ShareKeys)]
    [InlineData(HeadSharing.ShareScores)]
    public async Task A_second_question_on_a_document_finds_it_cached_and_is_answered_alike(HeadSharing sharing)
    {
        AttentionPreset[] presets = Presets(sharing);
        await using InferenceEngine cold = SparsePresets.Create(presets, Options);
        await using InferenceEngine warm = SparsePresets.Create(presets, Options with { PrefixSharing = PrefixSharing.Shared });
        int[] document = SparsePresets.Prompt(400, seed: 3);
        for (int question = 0; question < 3; question++)
        {
            GenerationRequest request = SparsePresets.Request(1, 12, presets[question]) with
            {
                Prompt = [.. document, .. SparsePresets.Prompt(12, seed: 10 + question)],
            };
            Generation generation = warm.Submit(request);
            Assert.Equal(await SparsePresets.RunAsync(cold, request), await SparsePresets.ReadAsync(generation));
            Assert.Equal(question == 0 ? 0 : 400, generation.CachedPromptTokens);
        }

        PoolsAreWhole(warm);
    }

    [Fact]
    public async Task A_prefix_whose_proximal_keys_are_gone_is_read_again()
    {
        AttentionPreset[] presets = Presets(HeadSharing.ShareKeys);
        await using InferenceEngine cold = SparsePresets.Create(presets, Options);
        await using InferenceEngine warm =
            SparsePresets.Create(presets, Options with { PrefixSharing = PrefixSharing.Shared, MaxBatch = 1, MaxStepRows = 64 });
        GenerationRequest request = SparsePresets.Request(200, 8, seed: 1);
        await SparsePresets.RunAsync(warm, request);
        for (int seed = 2; seed < 8; seed++) // others take its proximal blocks, of which there are few
            await SparsePresets.RunAsync(warm, SparsePresets.Request(300, 4, seed: seed));
        Assert.Equal(await SparsePresets.RunAsync(cold, request), await SparsePresets.RunAsync(warm, request));
        PoolsAreWhole(warm);
    }

    /// <summary>Everything read; by choices, with pages; by choices that serve for three steps. All with the same keys stored.</summary>
    private AttentionPreset[] Presets(HeadSharing sharing)
    {
        string proximal = $"proximal={Sinks}+{Recent}";
        return
        [
            AttentionPreset.Parse($"pod:plan={_presets.DistantPlan(sharing)},{proximal}"),
            AttentionPreset.Parse($"hshare+pod:plan={_presets.DistantPlan(sharing)},budget=80,sinks=8,window=24,{proximal}"),
            AttentionPreset.Parse(
                $"hshare+pod:plan={_presets.DistantPlan(sharing, interval: 3)},budget=80,sinks=8,window=24,{proximal},retriever=exact"),
        ];
    }

    // What the cache of an engine with these presets looks like.
    private KvCacheShape Sharing(HeadSharing sharing)
    {
        SharingPlan plan = SharingPlanFile.Load(_presets.DistantPlan(sharing)).Plan;
        return new KvCacheShape(SparsePresets.Layers, SparsePresets.KvHeads, 64, 16, 0, Engine.Compute.DType.Float32)
        {
            KeySharing = new KeySharing(plan, Sinks, Recent),
        };
    }

    private static void PoolsAreWhole(InferenceEngine engine)
    {
        EngineAssert.PoolIsWhole(engine);
        Assert.Equal(engine.GetStatistics().ProximalBlocks, engine.GetStatistics().FreeProximalBlocks);
        Assert.True(engine.GetStatistics().ProximalBlocks > 0);
    }
}
