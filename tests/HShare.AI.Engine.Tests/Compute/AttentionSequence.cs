using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Tests.Compute;

/// <summary>Random queries, keys and values of one sequence, and their attention in double precision.</summary>
internal sealed class AttentionSequence
{
    private readonly AttentionShape _shape;

    public AttentionSequence(AttentionShape shape, int length, Random random, float scale = 2)
    {
        _shape = shape;
        Length = length;
        Qkv = random.RandomFloats(length * shape.QkvColumns, scale);
    }

    public int Length { get; }

    /// <summary>[length, (heads + 2 kv_heads) * head_dim].</summary>
    public float[] Qkv { get; }

    /// <summary>One attended row [heads * head_dim]; nothing is rotated or normed.</summary>
    public double[] Reference(int row)
    {
        int headDim = _shape.HeadDim;
        double[] attended = new double[_shape.Heads * headDim];
        int first = _shape.SlidingWindow > 0 ? Math.Max(0, row - _shape.SlidingWindow + 1) : 0;
        for (int head = 0; head < _shape.Heads; head++)
        {
            int keyColumn = (_shape.Heads + head / _shape.GroupSize) * headDim, valueColumn = keyColumn + _shape.KvHeads * headDim;
            double[] scores = [.. Enumerable.Range(first, row + 1 - first).Select(key => Dot(row, head * headDim, key, keyColumn))];
            double max = scores.Max(), sum = scores.Sum(score => Math.Exp(score - max));
            for (int key = first; key <= row; key++)
            {
                double weight = Math.Exp(scores[key - first] - max) / sum;
                for (int i = 0; i < headDim; i++)
                    attended[head * headDim + i] += weight * Value(key, valueColumn + i);
            }
        }

        return attended;
    }

    private double Dot(int row, int queryColumn, int key, int keyColumn)
    {
        double sum = 0;
        for (int i = 0; i < _shape.HeadDim; i++)
            sum += Value(row, queryColumn + i) * Value(key, keyColumn + i);
        return sum / Math.Sqrt(_shape.HeadDim);
    }

    private double Value(int row, int column) => Qkv[row * _shape.QkvColumns + column];
}
