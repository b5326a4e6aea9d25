using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Models;

/// <summary>A transformer's weights in a backend's memory.</summary>
/// <param name="Embedding">[vocabulary, hidden].</param>
/// <param name="Layers">One for each layer.</param>
/// <param name="FinalNorm">float32 [1, hidden].</param>
/// <param name="Head">hidden -> vocabulary.</param>
public sealed record TransformerWeights(Tensor Embedding, IReadOnlyList<LayerWeights> Layers, Tensor FinalNorm, LinearWeight Head);

/// <summary>One layer's weights.</summary>
/// <param name="AttentionNorm">float32 [1, hidden].</param>
/// <param name="Qkv">hidden -> (heads + 2 kv_heads) * head_dim: queries, keys, values.</param>
/// <param name="HeadNorms">Norms of queries and keys per head, or null.</param>
/// <param name="Output">heads * head_dim -> hidden.</param>
/// <param name="FeedForwardNorm">float32 [1, hidden].</param>
/// <param name="GateUp">hidden -> 2 * intermediate: gate, then up.</param>
/// <param name="Down">intermediate -> hidden.</param>
public sealed record LayerWeights(
    Tensor AttentionNorm,
    LinearWeight Qkv,
    HeadNorms? HeadNorms,
    LinearWeight Output,
    Tensor FeedForwardNorm,
    LinearWeight GateUp,
    LinearWeight Down);
