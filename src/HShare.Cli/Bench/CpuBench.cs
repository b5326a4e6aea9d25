using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.Cli.Output;

namespace HShare.Cli.Bench;

/// <summary>Measures one model's parts and whole, each in the unit of the machine's limit for it.</summary>
internal sealed class CpuBench
{
    private static readonly int[] Contexts = [1024, 4096, 8192];
    private static readonly int[] PromptLengths = [2048, 6000];
    private const int DecodeSteps = 16;

    private readonly BenchModel _model;
    private readonly string _weights;
    private readonly string _kv;
    private readonly CancellationToken _cancellationToken;

    /// <summary>A bench of one model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">Format of its weights, for the report.</param>
    /// <param name="cancellationToken">Ends it between two measurements.</param>
    public CpuBench(BenchModel model, string weights, CancellationToken cancellationToken)
    {
        _model = model;
        _weights = weights;
        _kv = $"kv {Formats.Name(model.Cache.Shape.Type)}";
        _cancellationToken = cancellationToken;
    }

    /// <summary>Measures everything, figure by figure.</summary>
    /// <param name="withAttention">Whether to measure attention on its own, which does not depend on the weights' format.</param>
    public IEnumerable<BenchFigure> Measure(bool withAttention) =>
    [
        .. PrefillProducts(),
        DecodeProducts(),
        .. withAttention ? AttendPrefill() : [],
        .. withAttention ? AttendDecode() : [],
        .. EndToEnd(),
    ];

    /// <summary>The matrix products of a prefill chunk, one layer's matrices.</summary>
    private IEnumerable<BenchFigure> PrefillProducts()
    {
        LayerWeights layer = _model.Weights.Layers[0];
        (string, LinearWeight)[] products =
            [("qkv", layer.Qkv), ("output", layer.Output), ("gate, up", layer.GateUp), ("down", layer.Down)];
        Measurement? total = null;
        double flops = 0;
        foreach ((string name, LinearWeight weight) in products)
        {
            Tensor input = Random(BenchModel.ChunkRows, weight.InFeatures);
            Tensor output = _model.Backend.Allocate(DType.Float32, BenchModel.ChunkRows, weight.OutFeatures);
            Measurement time = Measurement.Of(() => _model.Backend.Linear(input, weight, output), _cancellationToken);
            double work = 2.0 * BenchModel.ChunkRows * weight.InFeatures * weight.OutFeatures;
            string sizes = $"{name}: {BenchModel.ChunkRows} x {weight.InFeatures} x {weight.OutFeatures}";
            yield return BenchFigure.Flops("prefill product", sizes, _weights, time, work);
            total = total is { } sum ? sum + time : time;
            flops += work;
        }

        yield return BenchFigure.Flops("prefill product", "all of a layer", _weights, total!.Value, flops);
    }

    /// <summary>A decode step's matrix-vector products over all layers: a stream through all weights.</summary>
    private BenchFigure DecodeProducts()
    {
        LinearWeight[] layers = [.. _model.LinearLayers];
        Tensor input = Random(1, layers.Max(layer => layer.InFeatures));
        Tensor output = _model.Backend.Allocate(DType.Float32, 1, layers.Max(layer => layer.OutFeatures));
        Measurement time = Measurement.Of(
            () =>
            {
                foreach (LinearWeight layer in layers)
                    _model.Backend.Linear(input with { Columns = layer.InFeatures }, layer, output with { Columns = layer.OutFeatures });
            },
            _cancellationToken);
        return BenchFigure.Bytes(
            "decode products", $"{_model.StepWeightBytes / 1e6:N0} MB of weights", _weights, time, _model.StepWeightBytes);
    }

    /// <summary>Attention of a prefill chunk at the end of several contexts, over all layers.</summary>
    private IEnumerable<BenchFigure> AttendPrefill()
    {
        (Tensor qkv, Tensor attended) = AttentionTensors(BenchModel.ChunkRows);
        foreach (int context in Contexts.Where(context => context <= _model.Context))
        {
            int first = context - BenchModel.ChunkRows;
            _model.SetStep(first, BenchModel.ChunkRows, withLogits: false);
            Measurement time = Measurement.Of(() => ForEachLayer((shape, i) =>
                _model.Backend.AttendPrefill(qkv, _model.Step, shape, _model.Cache[i], attended)), _cancellationToken);
            double flops = AttentionFlops(first, BenchModel.ChunkRows);
            string sizes = $"{BenchModel.ChunkRows} rows at context {context}";
            yield return BenchFigure.Flops("prefill attention", sizes, _kv, time, flops);
        }
    }

    /// <summary>Attention of one decoded token at several contexts, over all layers.</summary>
    private IEnumerable<BenchFigure> AttendDecode()
    {
        (Tensor qkv, Tensor attended) = AttentionTensors(1);
        foreach (int context in Contexts.Where(context => context <= _model.Context))
        {
            _model.SetStep(context - 1, 1, withLogits: false);
            Measurement time = Measurement.Of(() => ForEachLayer((shape, i) =>
                _model.Backend.AttendDecode(
                    qkv, _model.Step, new SequenceRange(0, 1), shape, _model.Cache[i], attended)), _cancellationToken);
            long bytes = _model.KvBytes(context);
            yield return BenchFigure.Bytes("decode attention", $"context {context}, {bytes / 1e6:N0} MB", _kv, time, bytes);
        }
    }

    /// <summary>Whole steps: reading a prompt, then decoding behind it.</summary>
    private IEnumerable<BenchFigure> EndToEnd()
    {
        foreach (int length in PromptLengths.Where(length => length + DecodeSteps <= _model.Context))
        {
            Measurement prefill = Measurement.Of(() => Prefill(length), _cancellationToken);
            yield return BenchFigure.Tokens("prefill", $"{length} tokens", _weights, prefill, length);

            Measurement step = Measurement.Of(() => Decode(length), _cancellationToken).DividedBy(DecodeSteps);
            yield return BenchFigure.Tokens("decode", $"behind {length} tokens", _weights, step, 1);
            long bytes = _model.StepWeightBytes + _model.KvBytes(length);
            yield return BenchFigure.Bytes("decode step", $"behind {length} tokens, weights and KV", _weights, step, bytes);
        }
    }

    private void Prefill(int length)
    {
        for (int position = 0; position < length; position += BenchModel.ChunkRows)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            int rows = Math.Min(BenchModel.ChunkRows, length - position);
            _model.SetStep(position, rows, withLogits: position + rows == length);
            _model.Forward();
        }
    }

    private void Decode(int position)
    {
        for (int i = 0; i < DecodeSteps; i++)
        {
            _model.SetStep(position + i, 1, withLogits: true);
            _model.Forward();
        }
    }

    /// <summary>Two operations for each of q·k and p·v, over the tokens each row sees.</summary>
    private double AttentionFlops(int first, int rows)
    {
        double pairs = 0;
        foreach (int window in _model.Config.SlidingWindows)
        {
            for (int row = first + 1; row <= first + rows; row++)
                pairs += window > 0 ? Math.Min(window, row) : row;
        }

        return 4 * pairs * _model.Config.HeadCount * _model.Config.HeadDim;
    }

    private (Tensor Qkv, Tensor Attended) AttentionTensors(int rows)
    {
        int queries = _model.Config.HeadCount * _model.Config.HeadDim;
        int columns = queries + 2 * _model.Config.KvHeadCount * _model.Config.HeadDim;
        return (Random(rows, columns), _model.Backend.Allocate(DType.Float32, rows, queries));
    }

    private void ForEachLayer(Action<AttentionShape, int> attend)
    {
        for (int i = 0; i < _model.Config.LayerCount; i++)
        {
            var shape = new AttentionShape(
                _model.Config.HeadCount, _model.Config.KvHeadCount, _model.Config.HeadDim, _model.Config.SlidingWindows[i]);
            attend(shape, i);
        }
    }

    private Tensor Random(int rows, int columns)
    {
        var random = new Random(rows);
        var values = new float[rows * columns];
        foreach (ref float value in values.AsSpan())
            value = random.NextSingle() - 0.5f;
        Tensor tensor = _model.Backend.Allocate(DType.Float32, rows, columns);
        _model.Backend.Write<float>(tensor, values);
        return tensor;
    }
}
