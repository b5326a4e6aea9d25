using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;
using HShare.AI.Engine.Tests.Scheduling;

namespace HShare.AI.Engine.Tests.Models;

public sealed class AttentionBuffersTests
{
    private const int Heads = 6, Rows = 40, Batch = 3, Tokens = 320;

    private static readonly KvCacheShape Shape = new(4, 2, 16, 32, 10, DType.Float32);

    public static TheoryData<string, AttentionNeeds> Needs => new()
    {
        { "nothing", AttentionNeeds.None },
        { "pages", AttentionNeeds.None with { Retrievers = new HashSet<Retriever> { Retriever.PageBounds }, Critical = 7 } },
        { "mass", AttentionNeeds.None with { Retrievers = new HashSet<Retriever> { Retriever.Accumulated }, Critical = 9 } },
        { "reads", AttentionNeeds.None with { TracksReads = true } },
        { "window only", AttentionNeeds.None with { Retrievers = new HashSet<Retriever> { Retriever.None } } },
        { "distant", AttentionNeeds.None with { KeySharing = new KeySharing(Followers(), 4, 60) } },
    };

    [Theory]
    [MemberData(nameof(Needs))]
    public void Their_bytes_are_known_before_they_are_allocated(string name, AttentionNeeds needs)
    {
        using HostBackend backend = new();
        _ = new AttentionBuffers(backend, Shape, needs, Heads, Rows, Batch, Tokens);
        Assert.Equal(AttentionBuffers.ByteCount(Shape, needs, Heads, Rows, Batch, Tokens), backend.AllocatedBytes);
        Assert.Equal(name == "nothing", backend.AllocatedBytes == 0);
    }

    [Fact]
    public void The_cache_leaves_room_for_them()
    {
        using LanguageModel model = ScriptedModel.Create();
        EngineOptions options = new() { BlockSize = 16, MaxContext = 100, MaxBatch = 5 };
        AttentionNeeds needs = AttentionNeeds.None with { Retrievers = new HashSet<Retriever> { Retriever.Exact }, Critical = 8 };
        KvCacheShape shape = EngineSizing.Resolve(options, model.Config, 1 << 30).Cache;
        long buffers = AttentionBuffers.ByteCount(shape, needs, model.Config.HeadCount, options.MaxStepRows, 5, 100);

        Assert.True(buffers > 0);
        long memory = ScriptedModel.CacheBytes(20) + buffers;
        Assert.Equal(20, EngineSizing.Resolve(options, model.Config, memory, needs).Cache.BlockCount);
    }

    private static SharingPlan Followers()
    {
        HeadRule[] rules = [.. SharingPlan.Independent(4, 2).Rules];
        rules[2 * 2] = new HeadRule(HeadSharing.ShareScores, 0, 0);
        return SharingPlan.Independent(4, 2) with { Rules = rules };
    }
}
