using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;
using HShare.AI.Engine.Tests.Compute;
using HShare.AI.Engine.Tests.Scheduling;

namespace HShare.AI.Engine.Tests.Attention;

/// <summary>The traps of sparse attention that an engine, a plan or a cache could fall into, each with a test of its own.</summary>
public sealed class EngineTrapTests : IDisposable
{
    private static readonly EngineOptions Options = new() { MaxContext = 256, MaxBatch = 4, BlockSize = 16 };

    private readonly SparsePresets _presets = new();

    public void Dispose() => _presets.Dispose();

    [Theory]
    [InlineData(100)]
    [InlineData(101)]
    [InlineData(102)]
    public async Task Trap08_leaders_choose_at_the_prompts_end_and_then_by_the_requests_own_steps(int promptLength)
    {
        List<(int Position, bool Decodes)> choices = [];
        RecordingBackend backend = new();
        backend.Choosing = (step, sequences, _, _) =>
        {
            int[] positions = new int[step.RowCount];
            backend.Read<int>(step.Positions, positions);
            choices.Add((positions[^1], sequences.First < step.DecodeCount));
        };
        await using InferenceEngine engine = Create(backend, AttentionPreset.Parse("hshare:1-1-1/4,budget=72,sinks=8,window=32"));
        Generation generation = engine.Submit(SparsePresets.Request(promptLength, 11));
        await generation.ReadIdsAsync();

        // Once for each layer: by the prompt's last row, and by the fourth and eighth of ten decode steps.
        Assert.Equal(
            [(promptLength - 1, false), (promptLength + 3, true), (promptLength + 7, true)],
            choices.Chunk(SparsePresets.Layers).Select(layers => Assert.Single(layers.Distinct())));
    }

    [Fact]
    public async Task Trap11_followers_read_what_their_leaders_chose_in_the_same_step()
    {
        SharingPlan plan = SharingPlanFile.Load(_presets.SharedPlan(interval: 1)).Plan;
        RecordingBackend backend = new();
        Dictionary<int, string> chosen = []; // by unit: the list right after its leader's layer was read
        HashSet<int> asked = [];
        int layer = 0, followersSeen = 0;
        backend.Choosing = (_, _, _, retrieval) =>
        {
            for (int head = 0; head < SparsePresets.KvHeads; head++)
            {
                if (retrieval.Asks[head])
                    Assert.True(asked.Add(retrieval.Destination.Sources[head]));
            }
        };
        backend.Reading = (_, _, _, selected) =>
        {
            layer = layer % (SparsePresets.Layers - 1) + 1; // layer 0 is dense
            if (layer == 1)
                chosen.Clear();
            for (int head = 0; head < SparsePresets.KvHeads; head++)
            {
                HeadRule rule = plan[layer, head];
                int leader = rule.Layer * SparsePresets.KvHeads + rule.Head;
                Assert.Equal(leader, selected.Sources[head]);
                Assert.Contains(leader, asked); // it has chosen in this very step
                int[] list = new int[selected.Indices.Columns];
                backend.Read<int>(selected.Indices.Slice(leader, 1), list); // the only sequence lies in slot 0
                string text = string.Join(' ', list);
                if (!chosen.TryAdd(leader, text))
                {
                    followersSeen++;
                    Assert.Equal(chosen[leader], text);
                }
            }

            if (layer == SparsePresets.Layers - 1)
                asked.Clear();
        };
        string file = _presets.Save(plan);
        await using InferenceEngine engine = Create(backend, AttentionPreset.Parse($"hshare:plan={file},budget=72,sinks=8,window=32"));
        await engine.RunAsync(SparsePresets.Request(100, 4));
        Assert.Equal(3 * plan.Rules.Count(rule => rule.Sharing == HeadSharing.ShareIndices), followersSeen);
    }

    [Fact]
    public void Trap11_a_leader_that_comes_later_or_follows_itself_is_refused()
    {
        SharingPlan plan = SharingPlan.Independent(4, 2);
        SharingPlan With(params (int Unit, HeadRule Rule)[] rules)
        {
            HeadRule[] all = [.. plan.Rules];
            foreach ((int unit, HeadRule rule) in rules)
                all[unit] = rule;
            return plan with { Rules = all };
        }

        With((5, new(HeadSharing.ShareIndices, 2, 0))).Validate();
        AssertRefused("comes after it", With((3, new(HeadSharing.ShareIndices, 2, 0))));
        AssertRefused("is itself a follower", With((3, new(HeadSharing.ShareIndices, 0, 1)), (5, new(HeadSharing.ShareIndices, 1, 1))));
        AssertRefused("dense layers", With((5, new(HeadSharing.ShareIndices, 0, 1))) with { DenseLayers = 1 });
    }

    [Fact]
    public void Trap17_scores_stay_until_the_last_follower_has_read_them()
    {
        HeadRule Take(int layer) => new(HeadSharing.ShareScores, layer, 0);
        int[] PlacesOf(params HeadRule?[] followers) => new KeySharing(
            SharingPlan.Independent(followers.Length, 1) with
            {
                Rules = [.. followers.Select((rule, layer) => rule ?? new HeadRule(HeadSharing.Retrieve, layer, 0))],
            },
            Sinks: 4,
            Recent: 30).ScorePlaces();

        Assert.Equal([0, 0, 0, 0, 0, 0], PlacesOf(null, Take(0), Take(0), null, Take(3), null)); // blocks follow each other
        Assert.Equal([0, 1, 0, 1, 0, 0], PlacesOf(null, null, Take(0), Take(1), null, Take(4))); // blocks cross each other
        Assert.Equal([0, 1, 2, 1, 1, 2, 0, 1], PlacesOf(null, null, null, Take(1), null, Take(2), Take(0), Take(4)));
    }

    [Theory]
    [InlineData(HeadSharing.ShareKeys)]
    [InlineData(HeadSharing.ShareScores)]
    public void Trap17_values_are_never_shared_and_distant_keys_of_a_follower_count_for_nothing(HeadSharing sharing)
    {
        AttentionShape shape = new(3, 1, 16, 0);
        using CpuBackend backend = new(1);
        float[] expected = Follower(_ => { }, _ => { });
        TensorData.AssertSameBits(expected, Follower(leader => Change(leader, 4, 16), _ => { }));  // the leader's values
        TensorData.AssertSameBits(expected, Follower(_ => { }, own => Change(own, 3, 16)));        // its own distant key
        Assert.NotEqual(expected, Follower(leader => Change(leader, 3, 16), _ => { }));            // the leader's distant key
        Assert.NotEqual(expected, Follower(_ => { }, own => Change(own, 4, 16)));                  // its own distant value
        Assert.NotEqual(expected, Follower(_ => { }, own => Change(own, 3, 190)));                 // its own recent key
        Assert.NotEqual(expected, Follower(_ => { }, own => Change(own, 3, 2)));                   // its own first key
        TensorData.AssertSameBits(expected, Follower(leader => Change(leader, 3, 190), _ => { })); // the leader's recent key
        float[] otherQuery = Follower(leader => Change(leader, 0, 199), _ => { });                 // what the leader asks now
        Assert.Equal(sharing == HeadSharing.ShareKeys, expected.AsSpan().SequenceEqual(otherQuery));

        float[] Follower(Action<float[]> changeLeader, Action<float[]> changeOwn)
        {
            SharingPlan plan = SharingPlan.Independent(2, 1) with { Rules = [new(HeadSharing.Retrieve, 0, 0), new(sharing, 0, 0)] };
            SparseRun run =
                new(backend, shape, SparseRun.CacheOf(shape, layers: 2) with { KeySharing = new KeySharing(plan, 4, 30) }, tokens: 256);
            AttentionSequence leader = new(shape, 200, new Random(1), scale: 1), own = new(shape, 200, new Random(2), scale: 1);
            changeLeader(leader.Qkv);
            changeOwn(own.Qkv);
            SparseSequence sequence = new([leader, own], 0);
            run.Prefill(sequence, 199);
            return run.Forward([new SparseRows(sequence, 199, 1)], 1)[1][0];
        }

        // Part 0 to 2 are query heads, 3 is the key and 4 the value.
        void Change(float[] qkv, int part, int token) => qkv.AsSpan(token * shape.QkvColumns + part * 16, 16).Fill(1.5f);
    }

    [Fact]
    public void Trap18_memory_is_allocated_by_layer_and_KV_head()
    {
        SharingPlan plan = SharingPlanFile.Load(_presets.DistantPlan(HeadSharing.ShareKeys)).Plan;
        using CpuBackend backend = new(1);
        KvCacheShape shape = new(SparsePresets.Layers, SparsePresets.KvHeads, 64, 16, 10, DType.Float16)
        {
            KeySharing = new KeySharing(plan, 16, 48),
            ProximalBlockCount = 4,
        };
        KvCache cache = new(backend, shape);
        long bytes = 0;
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            int followers = Enumerable.Range(0, 2).Count(head => plan[layer, head].Sharing == HeadSharing.ShareKeys);
            Assert.Equal((2 - followers) * 16 * 64, cache[layer].Keys.Columns);
            Assert.Equal(followers * 16 * 64, cache[layer].Distant!.ProximalKeys.Columns);
            Assert.Equal(2 * 16 * 64, cache[layer].Values.Columns);
            bytes += cache[layer].Keys.ByteCount + cache[layer].Values.ByteCount + cache[layer].Distant!.ProximalKeys.ByteCount;
        }

        Assert.Equal(shape.ByteCount, bytes);
        Assert.Contains(Enumerable.Range(0, shape.Layers), layer => cache[layer].Keys.IsNone); // where both heads follow
    }

    [Fact]
    public async Task Trap19_index_state_survives_chunks_cached_prefixes_and_preemption()
    {
        AttentionPreset preset = AttentionPreset.Parse($"hshare:plan={_presets.SharedPlan(interval: 4)},budget=80,sinks=8,window=24");
        AttentionPreset[] presets = [preset, .. _presets.All(80)];
        await using InferenceEngine roomy = SparsePresets.Create(presets, Options with { PrefixSharing = PrefixSharing.Off });
        await using InferenceEngine tight = SparsePresets.Create(presets, Options with
        {
            MaxContext = 128,
            MaxStepRows = 13,
            KvCacheBytes = roomy.Options.KvCacheBytes * 9 / roomy.GetStatistics().TotalBlocks,
        });
        GenerationRequest request = SparsePresets.Request(85, 30); // 8 blocks, of 9
        List<(int, float)> expected = await SparsePresets.RunAsync(roomy, request);
        List<(int, float)>[] actual = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => SparsePresets.RunAsync(tight, request)));
        Assert.All(actual, tokens => Assert.Equal(expected, tokens));
        Assert.True(tight.GetStatistics().Preemptions > 0);
        Assert.True(tight.GetStatistics().CachedTokens > 0);
    }

    private static InferenceEngine Create(RecordingBackend backend, AttentionPreset preset) => new(
        LanguageModel.Load(TestFiles.TinyModel, backend, cancellationToken: TestContext.Current.CancellationToken),
        Options with { Attention = preset });

    private static void AssertRefused(string reason, SharingPlan plan) =>
        Assert.Contains(reason, Assert.Throws<SharingPlanException>(plan.Validate).Message);
}
