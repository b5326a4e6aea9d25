using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>
/// Sparse attention under continuous batching, on the bundled model: whatever else goes on, a request gives the same bits.
/// </summary>
public sealed class SparseBatchingTests : IDisposable
{
    private const int Budget = 80, OutputTokens = 20;

    private static readonly EngineOptions Options = new() { MaxContext = 512, MaxBatch = 8, PrefixSharing = PrefixSharing.Off };

    private readonly SparsePresets _presets = new();

    public void Dispose() => _presets.Dispose();

    [Fact]
    public async Task A_budget_that_covers_the_context_gives_the_tokens_of_full_attention()
    {
        await using InferenceEngine plain = SparsePresets.Create(Options);
        List<(int, float)> full = await SparsePresets.RunAsync(plain, SparsePresets.Request(150, OutputTokens));
        AttentionPreset[] presets = [.. _presets.All(150 + OutputTokens).SkipLast(1), AttentionPreset.Parse("quest:budget=1.0")];
        await using InferenceEngine engine = SparsePresets.Create(presets, Options);
        foreach (AttentionPreset preset in presets)
        {
            Generation generation = engine.Submit(SparsePresets.Request(150, OutputTokens, preset));
            Assert.Equal(full, await SparsePresets.ReadAsync(generation));
            Assert.Equal(1, generation.Reads.Ratio);
            Assert.Equal(0, generation.Reads.Refreshes);
        }
    }

    [Fact]
    public async Task A_request_gives_the_same_tokens_alone_and_beside_seven_others_of_other_presets_and_lengths()
    {
        AttentionPreset[] presets = _presets.All(Budget);
        await using InferenceEngine engine = SparsePresets.Create(presets, Options);
        await using InferenceEngine plain = SparsePresets.Create(Options);
        GenerationRequest[] requests =
            [.. presets.Select((preset, i) => SparsePresets.Request(60 + 13 * i, 10 + i, i == 2 ? AttentionPreset.Full : preset, seed: i))];
        List<List<(int, float)>> alone = [];
        foreach (GenerationRequest request in requests)
            alone.Add(await SparsePresets.RunAsync(engine, request));

        Assert.Equal(alone[2], await SparsePresets.RunAsync(plain, requests[2] with { Attention = null }));
        List<(int, float)>[] together = await Task.WhenAll(requests.Select(request => SparsePresets.RunAsync(engine, request)));
        for (int i = 0; i < requests.Length; i++)
            Assert.Equal(alone[i], together[i]);
        EngineAssert.PoolIsWhole(engine);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_prompt_whose_attention_is_summed_up_may_stand_before_or_behind_others(bool first)
    {
        AttentionPreset[] presets = _presets.All(Budget);
        await using InferenceEngine engine = SparsePresets.Create(presets, Options with { MaxStepRows = 32 });
        GenerationRequest h2o = SparsePresets.Request(200, 6, presets[0]), other = SparsePresets.Request(210, 6, presets[1], seed: 2);
        List<(int, float)> alone = await SparsePresets.RunAsync(engine, h2o);
        GenerationRequest[] requests = first ? [h2o, other, other] : [other, h2o, other];
        List<(int, float)>[] together = await Task.WhenAll(requests.Select(request => SparsePresets.RunAsync(engine, request)));
        Assert.Equal(alone, together[first ? 0 : 1]);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(50)]
    [InlineData(512)]
    public async Task Chunks_of_any_size_give_the_same_tokens(int maxStepRows)
    {
        AttentionPreset[] presets = _presets.All(Budget);
        await using InferenceEngine whole = SparsePresets.Create(presets, Options);
        await using InferenceEngine chunked = SparsePresets.Create(presets, Options with { MaxBatch = 2, MaxStepRows = maxStepRows });
        foreach (AttentionPreset preset in presets)
        {
            GenerationRequest request = SparsePresets.Request(131, 9, preset);
            Assert.Equal(await SparsePresets.RunAsync(whole, request), await SparsePresets.RunAsync(chunked, request));
        }
    }

    [Theory]
    [InlineData(PrefixSharing.Off)]
    [InlineData(PrefixSharing.Shared)]
    public async Task Preempted_requests_give_the_same_tokens(PrefixSharing sharing)
    {
        AttentionPreset[] presets = _presets.All(Budget);
        EngineOptions options = new() { MaxContext = 192, MaxBatch = 8, BlockSize = 16, PrefixSharing = sharing };
        GenerationRequest[] requests = [.. presets.Select((preset, i) => SparsePresets.Request(70 + 3 * i, 50, preset, seed: i))];
        await using InferenceEngine roomy = SparsePresets.Create(presets, options);
        List<(int, float)>[] expected = await Task.WhenAll(requests.Select(request => SparsePresets.RunAsync(roomy, request)));
        await using InferenceEngine tight = SparsePresets.Create(presets, options with { KvCacheBytes = roomy.Options.KvCacheBytes / 3 });
        List<(int, float)>[] actual = await Task.WhenAll(requests.Select(request => SparsePresets.RunAsync(tight, request)));

        for (int i = 0; i < requests.Length; i++)
            Assert.True(expected[i].SequenceEqual(actual[i]), $"{presets[i]} gives other tokens.");
        Assert.Equal(0, roomy.GetStatistics().Preemptions);
        Assert.True(tight.GetStatistics().Preemptions > 0);
        EngineAssert.PoolIsWhole(tight);
    }

    [Fact]
    public async Task Cancelled_requests_give_their_blocks_and_slots_back()
    {
        AttentionPreset[] presets = _presets.All(Budget);
        await using InferenceEngine engine = SparsePresets.Create(presets, Options with { MaxBatch = 2 });
        GenerationRequest request = SparsePresets.Request(100, 10, presets[4]);
        List<(int, float)> expected = await SparsePresets.RunAsync(engine, request);
        for (int round = 0; round < 5; round++)
        {
            Generation[] cancelled =
                [.. presets.Select((preset, i) => engine.Submit(SparsePresets.Request(90 + i, 300, preset, seed: round)))];
            await EngineAssert.Until(() => cancelled[0].Reads.Steps > round);
            await Task.WhenAll(cancelled.Select(generation => generation.DisposeAsync().AsTask()));
            EngineAssert.PoolIsWhole(engine);
        }

        List<(int, float)>[] again = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => SparsePresets.RunAsync(engine, request)));
        Assert.All(again, tokens => Assert.Equal(expected, tokens));
    }

    [Theory]
    [InlineData("hshare:1-1-1,retriever=exact,budget=80,sinks=8,window=24", 20)]
    [InlineData("hshare:1-1-1/4,retriever=exact,budget=80,sinks=8,window=24", 5)]
    [InlineData("hshare:1-1-1/7,retriever=pages,budget=80,sinks=8,window=24", 2)]
    [InlineData("hshare:1-1-1/21,retriever=exact,budget=80,sinks=8,window=24", 0)]
    public async Task Leaders_choose_anew_by_each_requests_own_clock(string text, int refreshes)
    {
        AttentionPreset[] presets = [AttentionPreset.Parse(text), .. _presets.All(Budget)];
        await using InferenceEngine engine = SparsePresets.Create(presets, Options);
        foreach (int neighbours in new[] { 0, 5 })
        {
            Task[] others = [.. Enumerable.Range(0, neighbours)
                .Select(i => SparsePresets.RunAsync(engine, SparsePresets.Request(50 + i, 21 + i, presets[i], i)))];
            Generation generation = engine.Submit(SparsePresets.Request(101, 21, presets[0])); // 20 decode steps behind the prompt
            await generation.ReadIdsAsync();
            await Task.WhenAll(others);
            Assert.Equal(20, generation.Reads.Steps);
            Assert.Equal(refreshes, generation.Reads.Refreshes);
        }
    }
}
