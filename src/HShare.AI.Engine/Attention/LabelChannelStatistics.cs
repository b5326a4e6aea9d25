using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Attention;

/// <summary>
/// Which channels of the keys tell most about the scores: the mean of |q·k| by channel, query and key of the same token, rotated
/// (DoubleSparse's "qk"
/// ranking), summed over a KV head's query heads and over every token that was read.
/// </summary>
internal sealed class LabelChannelStatistics
{
    private readonly ModelConfig _config;
    private readonly double[][] _sums; // [layers * kv_heads][head_dim]
    private float[] _rows = [];

    /// <summary>Statistics of no token yet.</summary>
    public LabelChannelStatistics(ModelConfig config)
    {
        _config = config;
        _sums = [.. Enumerable.Range(0, config.LayerCount * config.KvHeadCount).Select(_ => new double[config.HeadDim])];
    }

    /// <summary>[layers * kv_heads][head_dim]: channels, best first.</summary>
    public IReadOnlyList<int[]> Ranking => [.. _sums.Select(sums =>
        Enumerable.Range(0, sums.Length).OrderByDescending(channel => sums[channel]).ToArray())];

    /// <summary>Adds the rows of a step in one layer.</summary>
    /// <param name="backend">Where they are.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="qkv">float32 [rows, (heads + 2 kv_heads) * head_dim], rotated.</param>
    public void Add(Backend backend, int layer, Tensor qkv)
    {
        if (_rows.Length < qkv.Rows * qkv.Columns)
            _rows = new float[qkv.Rows * qkv.Columns];
        backend.Read<float>(qkv, _rows.AsSpan(0, qkv.Rows * qkv.Columns));
        int headDim = _config.HeadDim, group = _config.HeadCount / _config.KvHeadCount;
        for (int row = 0; row < qkv.Rows; row++)
        {
            ReadOnlySpan<float> values = _rows.AsSpan(row * qkv.Columns, qkv.Columns);
            for (int head = 0; head < _config.HeadCount; head++)
            {
                ReadOnlySpan<float> query = values.Slice(head * headDim, headDim);
                ReadOnlySpan<float> key = values.Slice((_config.HeadCount + head / group) * headDim, headDim);
                double[] sums = _sums[layer * _config.KvHeadCount + head / group];
                for (int channel = 0; channel < headDim; channel++)
                    sums[channel] += MathF.Abs(query[channel] * key[channel]);
            }
        }
    }
}
