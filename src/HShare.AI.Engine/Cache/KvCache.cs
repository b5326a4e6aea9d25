using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Cache;

/// <summary>Which heads keep the keys of proximal tokens only (PoD); fixed for the life of a cache.</summary>
/// <param name="Plan">Followers and their leaders.</param>
/// <param name="Sinks">First tokens of which every head keeps its own keys.</param>
/// <param name="Recent">Most recent tokens of which every head keeps its own keys, the newest included.</param>
public sealed record KeySharing(SharingPlan Plan, int Sinks, int Recent)
{
    /// <summary>Whether a head keeps proximal keys only.</summary>
    public bool IsFollower(int layer, int head) => Plan[layer, head].Sharing is HeadSharing.ShareKeys or HeadSharing.ShareScores;

    /// <summary>How many heads of all layers keep proximal keys only.</summary>
    public int FollowerCount => Plan.Rules.Count(rule => rule.Sharing is HeadSharing.ShareKeys or HeadSharing.ShareScores);

    /// <summary>
    /// Blocks that one sequence holds for proximal keys at most while it decodes: sinks, recent tokens and a block begun.
    /// </summary>
    public int BlocksPerSequence(int blockSize) => SinkBlocks(blockSize) + (Recent + blockSize - 1) / blockSize + 1;

    /// <summary>
    /// Where heads leave their scores and followers find them [layers * kv_heads]; 0 for heads that do neither. A head of one layer takes
    /// over the place of another once the last follower has read it, so that blocks of layers that follow each other need one place only.
    /// </summary>
    public int[] ScorePlaces()
    {
        int[] places = new int[Plan.Rules.Count];
        for (int head = 0; head < Plan.KvHeads; head++)
        {
            List<int> lastFollowers = []; // by place
            for (int layer = 0; layer < Plan.Layers; layer++)
            {
                HeadRule rule = Plan[layer, head], follower = new(HeadSharing.ShareScores, layer, head);
                int unit = layer * Plan.KvHeads + head, last = Plan.Layers - 1;
                if (rule.Sharing == HeadSharing.ShareScores)
                    places[unit] = places[rule.Layer * Plan.KvHeads + head];
                while (last > layer && Plan[last, head] != follower)
                    last--;
                if (last == layer)
                    continue;

                int place = lastFollowers.FindIndex(reader => reader < layer);
                places[unit] = place < 0 ? lastFollowers.Count : place;
                if (place < 0)
                    lastFollowers.Add(last);
                else
                    lastFollowers[place] = last;
            }
        }

        return places;
    }

    /// <summary>Blocks that hold the sinks.</summary>
    public int SinkBlocks(int blockSize) => (Sinks + blockSize - 1) / blockSize;
}

/// <summary>Sizes of a paged KV cache.</summary>
/// <param name="Layers">Transformer layers.</param>
/// <param name="KvHeads">Key/value heads of a layer.</param>
/// <param name="HeadDim">Elements of one head.</param>
/// <param name="BlockSize">Tokens of one block.</param>
/// <param name="BlockCount">Blocks in the pool.</param>
/// <param name="Type">float32, float16 or bfloat16.</param>
public sealed record KvCacheShape(int Layers, int KvHeads, int HeadDim, int BlockSize, int BlockCount, DType Type)
{
    /// <summary>Which heads keep proximal keys only, or null where all keep all.</summary>
    public KeySharing? KeySharing { get; init; }

    /// <summary>Blocks in the pool of proximal keys; 0 without <see cref="KeySharing"/>.</summary>
    public int ProximalBlockCount { get; init; }

    /// <summary>Whether the bounds of key pages are kept.</summary>
    public bool HasPageBounds { get; init; }

    /// <summary>Channels kept as labels [layers * kv_heads][label_channels]; empty = none.</summary>
    public IReadOnlyList<IReadOnlyList<int>> LabelChannels { get; init; } = [];

    /// <summary>Bytes of one head's key, or value, of one token.</summary>
    public int RowBytes => HeadDim * Type.ByteSize();

    /// <summary>
    /// Bytes of keys and values that one token takes over all layers; distant keys that followers do not keep do not count.
    /// </summary>
    public long BytesPerToken => (2L * Layers * KvHeads - Followers) * RowBytes;

    /// <summary>Bytes that one token takes over all layers for retrievers: page bounds and labels.</summary>
    public long RetrievalBytesPerToken
    {
        get
        {
            long keeping = (long)Layers * KvHeads - Followers;
            long bounds = HasPageBounds ? 2L * RowBytes / KvLayer.PageSize : 0;
            long labels = LabelChannels.Count > 0 ? (long)LabelChannels[0].Count * Type.ByteSize() : 0;
            return keeping * (bounds + labels);
        }
    }

    /// <summary>Bytes of one block.</summary>
    public long BlockBytes => (BytesPerToken + RetrievalBytesPerToken) * BlockSize;

    /// <summary>Bytes of one block of proximal keys.</summary>
    public long ProximalBlockBytes => (long)Followers * RowBytes * BlockSize;

    /// <summary>Bytes of both pools.</summary>
    public long ByteCount => BlockBytes * BlockCount + ProximalBlockBytes * ProximalBlockCount;

    private int Followers => KeySharing?.FollowerCount ?? 0;
}

/// <summary>The memory of a paged KV cache: the same block numbers in every layer.</summary>
public sealed class KvCache
{
    private readonly KvLayer[] _layers;

    /// <summary>Allocates the pool.</summary>
    /// <param name="backend">Whose memory it lies in.</param>
    /// <param name="shape">Its sizes.</param>
    /// <param name="queries">With <see cref="KvCacheShape.KeySharing"/>: see <see cref="DistantSharing.Queries"/>.</param>
    /// <param name="logits">With <see cref="KvCacheShape.KeySharing"/>: see <see cref="DistantSharing.Logits"/>.</param>
    /// <exception cref="InsufficientMemoryException">The backend has no room for it.</exception>
    public KvCache(Backend backend, KvCacheShape shape, Tensor queries = default, Tensor logits = default)
    {
        Shape = shape;
        _layers = new KvLayer[shape.Layers];
        for (int i = 0; i < _layers.Length; i++)
            _layers[i] = CreateLayer(backend, i, queries, logits);
    }

    /// <summary>Its sizes.</summary>
    public KvCacheShape Shape { get; }

    /// <summary>The keys and values of a layer.</summary>
    public KvLayer this[int layer] => _layers[layer];

    private KvLayer CreateLayer(Backend backend, int layer, Tensor queries, Tensor logits)
    {
        KvCacheShape shape = Shape;
        int column = shape.BlockSize * shape.HeadDim;
        DistantSharing? distant = shape.KeySharing is { } sharing ? CreateSharing(backend, sharing, layer, queries, logits) : null;
        int keeping = shape.KvHeads - (distant?.Leaders.Count(leader => leader is not null) ?? 0);
        Tensor keys = AllocateUnlessEmpty(backend, keeping * column);
        Tensor values = backend.Allocate(shape.Type, shape.BlockCount, shape.KvHeads * column);
        KvLayer cache = new(keys, values, shape.BlockSize) { Distant = distant };
        if (shape.HasPageBounds)
            cache = cache with { PageBounds = AllocateUnlessEmpty(backend, keeping * 2 * column / KvLayer.PageSize) };
        if (shape.LabelChannels.Count > 0)
        {
            int channels = shape.LabelChannels[0].Count;
            Tensor chosen = backend.Allocate(DType.Int32, shape.KvHeads, channels);
            for (int head = 0; head < shape.KvHeads; head++)
                backend.Write<int>(chosen.Slice(head, 1), [.. shape.LabelChannels[layer * shape.KvHeads + head]]);
            cache = cache with { LabelChannels = chosen, Labels = AllocateUnlessEmpty(backend, keeping * shape.BlockSize * channels) };
        }

        return cache;
    }

    private Tensor AllocateUnlessEmpty(Backend backend, int columns) =>
        columns == 0 ? Tensor.None : backend.Allocate(Shape.Type, Shape.BlockCount, columns);

    private DistantSharing CreateSharing(Backend backend, KeySharing sharing, int layer, Tensor queries, Tensor logits)
    {
        int heads = Shape.KvHeads;
        var leaders = new KvLayer?[heads];
        var sharesScores = new bool[heads];
        var leads = new bool[heads];
        var places = new int[heads];
        int[] scorePlaces = sharing.ScorePlaces()[(layer * heads)..((layer + 1) * heads)];
        int keeping = 0, followers = 0;
        for (int head = 0; head < heads; head++)
        {
            HeadRule rule = sharing.Plan[layer, head];
            bool follows = sharing.IsFollower(layer, head);
            leaders[head] = follows ? _layers[rule.Layer] : null;
            sharesScores[head] = rule.Sharing == HeadSharing.ShareScores;
            leads[head] = sharing.Plan.Rules.Contains(new HeadRule(HeadSharing.ShareScores, layer, head));
            places[head] = follows ? followers++ : keeping++;
        }

        Tensor proximal = followers == 0
            ? Tensor.None
            : backend.Allocate(Shape.Type, Shape.ProximalBlockCount, followers * Shape.BlockSize * Shape.HeadDim);
        return new DistantSharing(
            sharing.Sinks, sharing.Recent, leaders, sharesScores, leads, places, proximal, queries, logits, scorePlaces);
    }
}
