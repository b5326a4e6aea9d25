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
    public double[] Reference(int row) => Reference(row, _ => Visible(row));

    /// <summary>One attended row over some tokens, each of which counts as often as it is listed: one softmax by head.</summary>
    /// <param name="row">The query's position.</param>
    /// <param name="tokensOf">The tokens that a KV head reads.</param>
    /// <param name="score">Score of a query head on a token; null = its own query and key.</param>
    public double[] Reference(int row, Func<int, IReadOnlyList<int>> tokensOf, Func<int, int, double>? score = null)
    {
        int headDim = _shape.HeadDim;
        double[] attended = new double[_shape.Heads * headDim];
        for (int head = 0; head < _shape.Heads; head++)
        {
            IReadOnlyList<int> tokens = tokensOf(head / _shape.GroupSize);
            double[] weights = Weights(row, head, tokens, score);
            int valueColumn = (_shape.Heads + _shape.KvHeads + head / _shape.GroupSize) * headDim;
            for (int place = 0; place < tokens.Count; place++)
            {
                for (int i = 0; i < headDim; i++)
                    attended[head * headDim + i] += weights[place] * Value(tokens[place], valueColumn + i);
            }
        }

        return attended;
    }

    /// <summary>The softmax of one query head over some tokens.</summary>
    public double[] Weights(int row, int head, IReadOnlyList<int> tokens, Func<int, int, double>? score = null)
    {
        double[] scores = [.. tokens.Select(token => score is null ? Score(row, head, token) : score(head, token))];
        double max = scores.Max(), sum = scores.Sum(value => Math.Exp(value - max));
        return [.. scores.Select(value => Math.Exp(value - max) / sum)];
    }

    /// <summary>The mean over a KV head's query heads of their softmax over some tokens.</summary>
    public double[] PooledWeights(int row, int kvHead, IReadOnlyList<int> tokens, Func<int, int, double>? score = null)
    {
        double[] pooled = new double[tokens.Count];
        for (int i = 0; i < _shape.GroupSize; i++)
        {
            double[] weights = Weights(row, kvHead * _shape.GroupSize + i, tokens, score);
            for (int place = 0; place < pooled.Length; place++)
                pooled[place] += weights[place] / _shape.GroupSize;
        }

        return pooled;
    }

    /// <summary>The tokens that a row may see.</summary>
    public IReadOnlyList<int> Visible(int row)
    {
        int first = _shape.SlidingWindow > 0 ? Math.Max(0, row - _shape.SlidingWindow + 1) : 0;
        return [.. Enumerable.Range(first, row + 1 - first)];
    }

    /// <summary>Query of a head at a row times a token's key, over √head_dim; the key may be another sequence's.</summary>
    public double Score(int row, int head, int token, AttentionSequence? keys = null)
    {
        double sum = 0;
        for (int i = 0; i < _shape.HeadDim; i++)
            sum += Query(row, head, i) * (keys ?? this).Key(token, head / _shape.GroupSize, i);
        return sum / Math.Sqrt(_shape.HeadDim);
    }

    /// <summary>An element of a query.</summary>
    public double Query(int row, int head, int element) => Value(row, head * _shape.HeadDim + element);

    /// <summary>An element of a key.</summary>
    public double Key(int token, int kvHead, int element) => Value(token, (_shape.Heads + kvHead) * _shape.HeadDim + element);

    private double Value(int row, int column) => Qkv[row * _shape.QkvColumns + column];
}
