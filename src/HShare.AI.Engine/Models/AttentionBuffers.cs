using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Models;

/// <summary>The tensors of sparse attention, and policies in terms of them.</summary>
public sealed class AttentionBuffers
{
    private readonly KvCacheShape _cache;
    private readonly Tensor _selected;  // int32 [slots * (layers * kv_heads + 1), critical]; the last list of a slot stays empty
    private readonly Tensor _scores;    // float32 [max_sequences * kv_heads, tokens]
    private readonly Tensor[] _masses;  // [layers] of float32 [slots * kv_heads, tokens]

    /// <summary>Allocates the tensors.</summary>
    /// <param name="backend">Whose memory they lie in.</param>
    /// <param name="cache">Sizes of the KV cache.</param>
    /// <param name="needs">What will be used.</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="maxRows">Most rows of a step.</param>
    /// <param name="maxSequences">Most sequences of a step, and slots.</param>
    /// <param name="tokens">Tokens that a sequence's blocks hold at most.</param>
    public AttentionBuffers(
        Backend backend, KvCacheShape cache, AttentionNeeds needs, int heads, int maxRows, int maxSequences, int tokens)
    {
        _cache = cache;
        int rows = maxSequences * cache.KvHeads;
        if (needs.Retrievers.Count > 0)
        {
            _selected = backend.Allocate(DType.Int32, maxSequences * Units, Math.Max(1, needs.Critical));
            for (int row = 0; row < _selected.Rows; row++)
                backend.Write<int>(_selected.Slice(row, 1), [-1]); // where a list ends
        }

        if (NeedsScores(needs))
            _scores = backend.Allocate(DType.Float32, rows, tokens);
        _masses = new Tensor[cache.Layers];
        for (int layer = 0; layer < cache.Layers && needs.Retrievers.Contains(Retriever.Accumulated); layer++)
            _masses[layer] = backend.Allocate(DType.Float32, rows, tokens);
        if (needs.TracksReads)
            ReadsMass = backend.Allocate(DType.Float32, rows, tokens);
        if (needs.KeySharing is { } sharing)
        {
            int places = sharing.ScorePlaces().Max() + 1;
            LeaderQueries = backend.Allocate(DType.Float32, places * maxRows, heads * cache.HeadDim);
            LeaderLogits = backend.Allocate(DType.Float32, places * maxSequences * heads, tokens);
        }
    }

    /// <summary>
    /// Attention that tokens get over all layers, float32 [slots * kv_heads, tokens]; <see cref="Tensor.None"/> unless it was asked for.
    /// </summary>
    public Tensor ReadsMass { get; }

    /// <summary>See <see cref="DistantSharing.Queries"/>.</summary>
    public Tensor LeaderQueries { get; }

    /// <summary>See <see cref="DistantSharing.Logits"/>.</summary>
    public Tensor LeaderLogits { get; }

    private int Units => UnitsOf(_cache);

    /// <summary>Bytes that the tensors of these sizes take.</summary>
    /// <inheritdoc cref="AttentionBuffers(Backend, KvCacheShape, AttentionNeeds, int, int, int, int)"/>
    public static long ByteCount(KvCacheShape cache, AttentionNeeds needs, int heads, int maxRows, int maxSequences, int tokens)
    {
        long row = (long)maxSequences * cache.KvHeads * tokens * sizeof(float), total = 0;
        if (needs.Retrievers.Count > 0)
            total += (long)maxSequences * UnitsOf(cache) * Math.Max(1, needs.Critical) * sizeof(int);
        if (NeedsScores(needs))
            total += row;
        if (needs.Retrievers.Contains(Retriever.Accumulated))
            total += cache.Layers * row;
        if (needs.TracksReads)
            total += row;
        if (needs.KeySharing is { } sharing)
        {
            long places = sharing.ScorePlaces().Max() + 1;
            total += places * heads * sizeof(float) * ((long)maxRows * cache.HeadDim + (long)maxSequences * tokens);
        }

        return total;
    }

    private static int UnitsOf(KvCacheShape cache) => cache.Layers * cache.KvHeads + 1;

    private static bool NeedsScores(AttentionNeeds needs) =>
        needs.Retrievers.Any(retriever => retriever is Retriever.Exact or Retriever.LabelChannels or Retriever.PageBounds);

    /// <summary>A policy in terms of these tensors: how each layer reads.</summary>
    public IReadOnlyList<LayerReading> Bind(AttentionPolicy policy) =>
        [.. Enumerable.Range(0, _cache.Layers).Select(layer => Bind(policy, layer))];

    private LayerReading Bind(AttentionPolicy policy, int layer)
    {
        Tensor mass = policy.Retriever == Retriever.Accumulated ? _masses[layer] : Tensor.None;
        if (policy.IsDense(layer))
            return new LayerReading(null, null, mass);

        int[] sources = [.. Enumerable.Range(0, _cache.KvHeads).Select(head =>
            policy.Retriever == Retriever.None ? Units - 1 : policy.SourceOf(layer, head))];
        bool[] asks = [.. Enumerable.Range(0, _cache.KvHeads).Select(head => policy.Asks(layer, head))];
        SelectedTokens selected = new(_selected, Units, sources, policy.Budget!.Value.Sinks);
        Retrieval? retrieval = asks.Contains(true)
            ? new Retrieval(policy.Retriever, asks, policy.Plan.Dilation, selected, _scores, mass)
            : null;
        return new LayerReading(selected, retrieval, mass);
    }
}
