using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.Cli.CommandLine;
using HShare.Cli.Output;

namespace HShare.Cli.Bench;

/// <summary>What is measured: a model, or random weights of some shape, in one weight format after the other.</summary>
/// <param name="Settings">Threads, KV type, context and, without a shape, the model.</param>
/// <param name="Shape">Name of a <see cref="SyntheticModel"/>, or null for a model.</param>
/// <param name="WeightFormats">Weight formats to measure.</param>
internal sealed record BenchTarget(ModelSettings Settings, string? Shape, IReadOnlyList<WeightFormat> WeightFormats)
{
    /// <summary>Longer contexts are measured only where asked for.</summary>
    private const int DefaultContext = 8192;

    /// <summary>Name of the shape or model.</summary>
    public string Name => Shape ?? Settings.Name;

    /// <summary>
    /// Measures the model in each format, and the machine's limits before and after: other work on the machine comes and goes.
    /// </summary>
    public BenchReport Measure(IProgress<double> progress, CancellationToken cancellationToken)
    {
        int threads = Settings.Threads ?? Environment.ProcessorCount;
        var before = MachineLimits.Measure(threads, cancellationToken);
        List<BenchFigure> figures = [];
        string backend = "";
        for (int i = 0; i < WeightFormats.Count; i++)
        {
            progress.Report((i + 0.5) / (WeightFormats.Count + 0.5));
            using BenchModel model = Load(WeightFormats[i], cancellationToken);
            backend = model.Backend.Description;
            figures.AddRange(new CpuBench(model, Formats.Name(WeightFormats[i]), cancellationToken).Measure(withAttention: i == 0));
        }

        MachineLimits limits = before.Best(MachineLimits.Measure(threads, cancellationToken));
        return new BenchReport(Name, backend, limits, [.. figures.Select(figure => figure.Against(limits))]);
    }

    private BenchModel Load(WeightFormat format, CancellationToken cancellationToken)
    {
        Backend backend = Settings.CreateBackend();
        LanguageModel model = Shape is null
            ? LanguageModel.Load(Settings.Directory, backend, format, null, cancellationToken)
            : SyntheticModel.Create(Shape, backend, format, null, cancellationToken);
        try
        {
            return new BenchModel(
                model, Settings.Kv ?? backend.CacheTypes[0], Settings.Context ?? Math.Min(model.Config.ContextLength, DefaultContext));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
