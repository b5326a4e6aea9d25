using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Engine.Tests.Compute;

public sealed class RowOperationTests : IDisposable
{
    private readonly CpuBackend _backend = new(2);
    private readonly Random _random = new(11);

    public void Dispose() => _backend.Dispose();

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    public void Embed_copies_the_rows_of_the_table(DType type)
    {
        Tensor table = _backend.LoadMatrix(_backend.UploadRandom(type, 50, 37, _random));
        Tensor hidden = _backend.Allocate(DType.Float32, 4, 37);
        _backend.Embed(_backend.Upload(49, 0, 7, 7, 12), table, hidden);
        float[] rows = _backend.Download(table);
        TensorData.AssertSameBits([.. rows[(49 * 37)..], .. rows[..37], .. rows[(7 * 37)..(8 * 37)], .. rows[(7 * 37)..(8 * 37)]],
            _backend.Download(hidden));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(50)]
    public void Embed_refuses_ids_outside_the_vocabulary(int id)
    {
        Tensor table = _backend.Allocate(DType.Float32, 50, 8), hidden = _backend.Allocate(DType.Float32, 2, 8);
        var exception = Assert.Throws<ArgumentException>(() => _backend.Embed(_backend.Upload(0, id), table, hidden));
        Assert.Contains($"token id {id}", exception.Message);
    }

    [Theory]
    [InlineData(1, 1, true)]
    [InlineData(3, 384, true)]
    [InlineData(200, 333, true)]
    [InlineData(5, 64, false)]
    public void AddRmsNorm_equals_double_precision(int rows, int columns, bool withDelta)
    {
        Tensor residual = _backend.UploadRandom(DType.Float32, rows, columns, _random, 3);
        Tensor delta = withDelta ? _backend.UploadRandom(DType.Float32, rows, columns, _random) : Tensor.None;
        Tensor weight = _backend.LoadVector(_backend.UploadRandom(DType.BFloat16, 1, columns, _random));
        Tensor normed = _backend.Allocate(DType.Float32, rows, columns);
        double[] sum = _backend.DownloadDoubles(residual), w = _backend.DownloadDoubles(weight);
        if (withDelta)
            sum = [.. sum.Zip(_backend.DownloadDoubles(delta), (x, d) => x + d)];

        _backend.AddRmsNorm(residual, delta, weight, 1e-5f, normed);

        double[] expected = [.. sum.Chunk(columns).SelectMany(row =>
        {
            double factor = 1 / Math.Sqrt(row.Sum(x => x * x) / columns + 1e-5);
            return row.Select((x, i) => x * factor * w[i]);
        })];
        TensorData.AssertClose(sum, _backend.Download(residual), 1e-6);
        TensorData.AssertClose(expected, _backend.Download(normed), 2e-6);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1024)]
    [InlineData(70, 999)]
    public void SwiGlu_equals_double_precision(int rows, int columns)
    {
        Tensor gateUp = _backend.UploadRandom(DType.Float32, rows, 2 * columns, _random, 20);
        Tensor activated = _backend.Allocate(DType.Float32, rows, columns);
        _backend.SwiGlu(gateUp, activated);
        double[] expected = [.. _backend.DownloadDoubles(gateUp).Chunk(2 * columns).SelectMany(row =>
            Enumerable.Range(0, columns).Select(i => row[i] / (1 + Math.Exp(-row[i])) * row[columns + i]))];
        TensorData.AssertClose(expected, _backend.Download(activated), 1e-6);
    }

    [Fact]
    public void SwiGlu_of_extreme_gates_is_finite()
    {
        Tensor gateUp = _backend.Upload(DType.Float32, 1, 8, [-1000, 1000, -89, 0, 1, 1, 1, 1]);
        Tensor activated = _backend.Allocate(DType.Float32, 1, 4);
        _backend.SwiGlu(gateUp, activated);
        TensorData.AssertClose([0, 1000, 0, 0], _backend.Download(activated), 1e-6);
    }

    [Theory]
    [InlineData(DType.Float32, 64, true)]
    [InlineData(DType.Float16, 20, false)]
    [InlineData(DType.BFloat16, 6, true)]
    public void RotateAndStore_equals_double_precision(DType cacheType, int headDim, bool withNorms)
    {
        const int Rows = 45, BlockSize = 5, Blocks = 12, Positions = 300;
        var shape = new AttentionShape(4, 2, headDim, 0);
        Tensor qkv = _backend.UploadRandom(DType.Float32, Rows, shape.QkvColumns, _random, 3);
        var rotary = new RotaryTable(
            _backend.UploadRandom(DType.Float32, Positions, headDim / 2, _random),
            _backend.UploadRandom(DType.Float32, Positions, headDim / 2, _random));
        HeadNorms? norms = !withNorms ? null : new HeadNorms(
            _backend.UploadRandom(DType.Float32, 1, headDim, _random), _backend.UploadRandom(DType.Float32, 1, headDim, _random), 1e-6f);
        KvLayer cache = new KvCache(_backend, new KvCacheShape(1, 2, headDim, BlockSize, Blocks, cacheType))[0];
        var step = new StepTensors(_backend, Rows, 1, Blocks) { RowCount = Rows, SequenceCount = 1 };
        int[] slots = [.. Enumerable.Range(0, Blocks * BlockSize)];
        _random.Shuffle(slots);
        int[] positions = [.. Enumerable.Range(0, Rows).Select(_ => _random.Next(Positions))];
        _backend.Write<int>(step.Slots, slots.AsSpan(0, Rows));
        _backend.Write<int>(step.Positions, positions);
        double[][] before = [.. _backend.DownloadDoubles(qkv).Chunk(shape.QkvColumns)];

        _backend.RotateAndStore(qkv, step, rotary, norms, shape, cache);

        float[][] after = [.. _backend.Download(qkv).Chunk(shape.QkvColumns)];
        float[] keys = _backend.Download(cache.Keys), values = _backend.Download(cache.Values);
        double storeTolerance = cacheType switch { DType.Float32 => 3e-6, DType.Float16 => 5e-4, _ => 4e-3 };
        for (int row = 0; row < Rows; row++)
        {
            for (int head = 0; head < 6; head++)
            {
                double[] expected = Rotate(
                    before[row][(head * headDim)..((head + 1) * headDim)], head < 4 ? norms?.Query : norms?.Key, rotary, positions[row]);
                if (head < 4)
                {
                    TensorData.AssertClose(expected, after[row].AsSpan(head * headDim, headDim), 3e-6);
                    continue;
                }

                int at = ((slots[row] / BlockSize * 2 + head - 4) * BlockSize + slots[row] % BlockSize) * headDim;
                double[] value = before[row][((head + 2) * headDim)..((head + 3) * headDim)];
                TensorData.AssertClose(expected, keys.AsSpan(at, headDim), storeTolerance);
                TensorData.AssertClose(value, values.AsSpan(at, headDim), storeTolerance);
            }
        }
    }

    private double[] Rotate(double[] head, Tensor? norm, RotaryTable rotary, int position)
    {
        int half = head.Length / 2;
        if (norm is { } weight)
        {
            double factor = 1 / Math.Sqrt(head.Sum(x => x * x) / head.Length + 1e-6);
            head = [.. head.Zip(_backend.DownloadDoubles(weight), (x, w) => x * factor * w)];
        }

        double[] cosines = _backend.DownloadDoubles(rotary.Cosines.Slice(position, 1));
        double[] sines = _backend.DownloadDoubles(rotary.Sines.Slice(position, 1));
        return [.. Enumerable.Range(0, head.Length).Select(i => i < half
            ? head[i] * cosines[i] - head[i + half] * sines[i]
            : head[i] * cosines[i - half] + head[i - half] * sines[i - half])];
    }
}
