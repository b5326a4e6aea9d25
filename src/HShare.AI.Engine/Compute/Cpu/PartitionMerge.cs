using System.Numerics;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Joins the softmax of partitions: each has its maximum, sum and unnormalised output; together they are scaled to the larger maximum.
/// Prefill and decode both merge with this, partitions ascending.
/// </summary>
internal static unsafe class PartitionMerge
{
    /// <summary>Adds a partition to the total of those before it.</summary>
    /// <param name="totalMax">Maximum so far, <see cref="OnlineAttention.NoScore"/> at first.</param>
    /// <param name="totalSum">Sum so far, 0 at first.</param>
    /// <param name="total">Output so far, zeros at first.</param>
    /// <param name="max">The partition's maximum.</param>
    /// <param name="sum">The partition's sum.</param>
    /// <param name="output">The partition's output.</param>
    /// <param name="count">Elements of an output.</param>
    public static void Add(ref float totalMax, ref float totalSum, float* total, float max, float sum, float* output, int count)
    {
        float newMax = MathF.Max(totalMax, max);
        Vector<float> totalFactor = VectorMath.Exp2OfNegative(Vector.Create(totalMax - newMax));
        Vector<float> factor = VectorMath.Exp2OfNegative(Vector.Create(max - newMax));
        totalMax = newMax;
        totalSum = totalSum * totalFactor[0] + sum * factor[0];
        for (int i = 0; i < count; i += Vector<float>.Count)
            (Vector.Load(total + i) * totalFactor + Vector.Load(output + i) * factor).Store(total + i);
    }

    /// <summary>attended = total / sum.</summary>
    public static void Finish(float* total, float sum, float* attended, int count) => VectorMath.Scale(total, 1 / sum, attended, count);
}
