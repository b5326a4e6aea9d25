using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Cache;

/// <summary>
/// One layer's keys and values. Each row is one block [heads, block_size, head_dim]: a head's tokens lie behind each other,
/// so that a scan over a block is one stream and a single token's key is one short row.
/// </summary>
/// <param name="Keys">[blocks, keeping_heads * block_size * head_dim], rotated: the heads that keep all their keys.</param>
/// <param name="Values">[blocks, kv_heads * block_size * head_dim].</param>
/// <param name="BlockSize">Tokens of one block.</param>
public sealed record KvLayer(Tensor Keys, Tensor Values, int BlockSize)
{
    /// <summary>Tokens of a page, the unit of <see cref="PageBounds"/>; pages divide blocks.</summary>
    public const int PageSize = 16;

    /// <summary>How heads that keep only proximal keys (PoD) attend, or null where every head keeps all of its keys.</summary>
    public DistantSharing? Distant { get; init; }

    /// <summary>
    /// Largest and least key elements of each page [blocks, keeping_heads * pages * 2 * head_dim], largest first; <see cref="Tensor.None"/>
    /// where no retriever asks for them.
    /// </summary>
    public Tensor PageBounds { get; init; }

    /// <summary>
    /// A few channels of each key [blocks, keeping_heads * block_size * label_channels]; <see cref="Tensor.None"/> where no retriever
    /// asks for them.
    /// </summary>
    public Tensor Labels { get; init; }

    /// <summary>Which channels those are, int32 [kv_heads, label_channels].</summary>
    public Tensor LabelChannels { get; init; }

    /// <summary>
    /// Place of a head that keeps its keys within a row of <see cref="Keys"/>; of another head, within
    /// <see cref="DistantSharing.ProximalKeys"/>.
    /// </summary>
    public int KeyPlaceOf(int kvHead) => Distant is null ? kvHead : Distant.KeyPlaces[kvHead];
}

/// <summary>
/// How a layer's heads share the keys or scores of distant tokens (PoD, arXiv 2412.02252). Tokens before <see cref="Sinks"/> and the
/// <see cref="Recent"/> last ones are proximal: every head has its own keys of them. Values are never shared.
/// </summary>
/// <param name="Sinks">First tokens that count as proximal.</param>
/// <param name="Recent">Most recent tokens that count as proximal, the query's own included.</param>
/// <param name="Leaders">[kv_heads]: the layer whose keys of the same head stand in for distant ones, or null where the head keeps its
/// own.</param>
/// <param name="SharesScores">[kv_heads]: whether a follower takes its leader's scores, or scores its leader's keys with queries of its
/// own.</param>
/// <param name="Leads">[kv_heads]: whether a later layer takes this head's scores.</param>
/// <param name="KeyPlaces">[kv_heads]: see <see cref="KvLayer.KeyPlaceOf"/>.</param>
/// <param name="ProximalKeys">Keys of followers [proximal_blocks, followers * block_size * head_dim], in blocks of their own.</param>
/// <param name="Queries">
/// float32 [places * max_rows, heads * head_dim]: where leaders leave their queries for the followers' prefill; one for all layers.
/// </param>
/// <param name="Logits">
/// float32 [places * max_sequences * heads, tokens]: where leaders leave their scores for the followers' decode; one for all layers.
/// </param>
/// <param name="ScorePlaces">
/// [kv_heads]: the place in both that a leader writes, or a follower reads (<see cref="KeySharing.ScorePlaces"/>).
/// </param>
public sealed record DistantSharing(
    int Sinks,
    int Recent,
    IReadOnlyList<KvLayer?> Leaders,
    IReadOnlyList<bool> SharesScores,
    IReadOnlyList<bool> Leads,
    IReadOnlyList<int> KeyPlaces,
    Tensor ProximalKeys,
    Tensor Queries,
    Tensor Logits,
    IReadOnlyList<int> ScorePlaces)
{
    /// <summary>How many heads keep the keys of proximal tokens only.</summary>
    public int FollowerCount { get; } = Leaders.Count(leader => leader is not null);

    /// <summary>Whether a head keeps the keys of proximal tokens only.</summary>
    public bool IsFollower(int kvHead) => Leaders[kvHead] is not null;
}
