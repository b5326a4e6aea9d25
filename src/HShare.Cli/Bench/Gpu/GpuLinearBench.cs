using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.Cli.Output;

namespace HShare.Cli.Bench.Gpu;

/// <summary>
/// Measures the matrix products of a layer with random weights, each alone and all four behind each other, over a stack of layers, so that
/// weights come from memory: one recorded pass over the stack, timed on the device.
/// </summary>
/// <param name="Model">Whose layers.</param>
/// <param name="Rows">Rows of the input.</param>
internal sealed record GpuLinearBench(SyntheticBench Model, IReadOnlyList<int> Rows)
{
    private const int Repeats = 7;

    /// <summary>Measures all products for all numbers of rows.</summary>
    /// <exception cref="InputException">Not even two layers fit.</exception>
    public GpuLinearReport Measure(IProgress<double> progress, CancellationToken cancellationToken)
    {
        using BenchDevice device = Model.Open();
        GpuLimits limits = GpuLimits.Measure(device, withMatrix: false);
        ModelConfig config = Model.Config;
        int layers = (int)Math.Min(config.LayerCount, device.Memory / 2 / Math.Max(1, Model.WeightBytes / config.LayerCount));
        if (layers < 2)
            throw new InputException($"bench linear: two layers of {Model.Shape} do not fit the memory.");

        Stack stack = new(device.Backend, config, Model.Weights, layers, Rows.Max());
        List<GpuLinearFigure> figures = [];
        foreach (int rows in Rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach ((string name, long weights, Action pass) in stack.Passes(rows))
            {
                double bytes = weights * Model.BytesOfWeight, microseconds = Median(device, pass) / layers * 1e6;
                figures.Add(new GpuLinearFigure(
                    name, rows, layers, microseconds, Repeats, bytes, bytes / limits.CopyBytesPerSecond * 1e6));
            }

            progress.Report((double)figures.Count / (5 * Rows.Count));
        }

        return new GpuLinearReport(Model.Shape, Formats.Name(Model.Weights), device.Backend.Description, limits, figures);
    }

    private static double Median(BenchDevice device, Action pass)
    {
        pass();
        Recording recording = device.Record(pass);
        recording.Replay();
        double seconds = Measurement.OfRepeats(Enumerable.Range(0, Repeats).Select(_ => device.Time(recording.Replay))).Seconds;
        recording.Free();
        return seconds;
    }

    // The layers' matrices, and what goes in and out of them.
    private sealed class Stack
    {
        private readonly Backend _backend;
        private readonly LinearWeight[][] _layers; // [layers][qkv, output, gate and up, down]
        private readonly Tensor _normed;           // [max_rows, hidden]
        private readonly Tensor _attended;         // [max_rows, heads * head_dim]
        private readonly Tensor _activated;        // [max_rows, intermediate]
        private readonly Tensor _qkv;              // [max_rows, (heads + 2 kv_heads) * head_dim]
        private readonly Tensor _gateUp;           // [max_rows, 2 * intermediate]
        private readonly Tensor _delta;            // [max_rows, hidden]

        public Stack(Backend backend, ModelConfig config, WeightFormat format, int layers, int maxRows)
        {
            _backend = backend;
            int hidden = config.HiddenSize, attended = config.HeadCount * config.HeadDim, intermediate = config.IntermediateSize;
            int qkv = attended + 2 * config.KvHeadCount * config.HeadDim;
            (int Out, int In)[] shapes = [(qkv, hidden), (hidden, attended), (2 * intermediate, hidden), (hidden, intermediate)];
            _layers = new LinearWeight[layers][];
            for (int layer = 0; layer < layers; layer++)
                _layers[layer] = new LinearWeight[shapes.Length];
            for (int i = 0; i < shapes.Length; i++)
            {
                using RandomMatrix values = new(shapes[i].Out, shapes[i].In);
                foreach (LinearWeight[] layer in _layers)
                    layer[i] = backend.LoadLinear([values.Tensor], [], format);
            }

            _normed = RandomMatrix.Activations(backend, maxRows, hidden);
            _attended = RandomMatrix.Activations(backend, maxRows, attended);
            _activated = RandomMatrix.Activations(backend, maxRows, intermediate);
            _qkv = backend.Allocate(DType.Float32, maxRows, qkv);
            _gateUp = backend.Allocate(DType.Float32, maxRows, 2 * intermediate);
            _delta = backend.Allocate(DType.Float32, maxRows, hidden);
        }

        /// <summary>Each product over all layers, and all of a layer in a step's order: names, weights of a layer, what enqueues it.</summary>
        public IEnumerable<(string Name, long Weights, Action Pass)> Passes(int rows)
        {
            (string, int, Action<LinearWeight>)[] products =
            [
                ("q, k, v", 0, weight => _backend.Linear(_normed.Take(rows), weight, _qkv.Take(rows))),
                ("output", 1, weight => _backend.Linear(_attended.Take(rows), weight, _delta.Take(rows))),
                ("gate and up", 2, weight => _backend.LinearSwiGlu(
                    _normed.Take(rows), weight, _gateUp.Take(rows), _activated.Take(rows))),
                ("down", 3, weight => _backend.Linear(_activated.Take(rows), weight, _delta.Take(rows))),
            ];
            foreach ((string name, int i, Action<LinearWeight> product) in products)
                yield return (name, Weights(_layers[0][i]), () => Array.ForEach(_layers, layer => product(layer[i])));
            yield return ("all four", _layers[0].Sum(Weights), () => Array.ForEach(_layers, layer =>
            {
                foreach ((_, int i, Action<LinearWeight> product) in products)
                    product(layer[i]);
            }));
        }

        private static long Weights(LinearWeight weight) => (long)weight.OutFeatures * weight.InFeatures;
    }
}
