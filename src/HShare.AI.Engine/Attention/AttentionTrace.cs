namespace HShare.AI.Engine.Attention;

/// <summary>
/// What full attention did in some successive decode steps of one text: the ground truth that plans are made from and judged by.
/// A unit is a KV head of a layer: unit = layer * kv_heads + head.
/// </summary>
/// <param name="Layers">Transformer layers.</param>
/// <param name="KvHeads">KV heads of a layer.</param>
/// <param name="Steps">The steps, in order; each has one token more than the one before.</param>
public sealed record AttentionTrace(int Layers, int KvHeads, IReadOnlyList<AttentionTraceStep> Steps);

/// <summary>One step of an <see cref="AttentionTrace"/>.</summary>
/// <param name="Context">Tokens of the context, the query's own included.</param>
/// <param name="Mass">[units][context]: attention that each token got, softmax by query head, averaged over the group: sums to 1.</param>
/// <param name="Pages">[units][pages]: what the page-bound retriever thinks of each page of 16 tokens.</param>
/// <param name="Labels">[units][context]: what the label-channel retriever thinks of each token; empty where there are no label
/// channels.</param>
public sealed record AttentionTraceStep(
    int Context, IReadOnlyList<float[]> Mass, IReadOnlyList<float[]> Pages, IReadOnlyList<float[]> Labels);
