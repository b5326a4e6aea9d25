namespace HShare.AI.Engine.Compute;

/// <summary>The numbers that fix one layer's attention.</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KvHeads">Key/value heads; <paramref name="Heads"/> is a multiple. Consecutive <see cref="GroupSize"/> query heads share
/// one.</param>
/// <param name="HeadDim">Elements of one head.</param>
/// <param name="SlidingWindow">How many tokens a query sees, itself included; 0 = all before it.</param>
public readonly record struct AttentionShape(int Heads, int KvHeads, int HeadDim, int SlidingWindow)
{
    /// <summary>Query heads that share one KV head.</summary>
    public int GroupSize => Heads / KvHeads;

    /// <summary>Columns of the fused projection: queries, keys, values behind each other.</summary>
    public int QkvColumns => (Heads + 2 * KvHeads) * HeadDim;

    /// <summary>Factor on q·k before the softmax, 1/√head_dim.</summary>
    public float Scale => 1f / MathF.Sqrt(HeadDim);
}
