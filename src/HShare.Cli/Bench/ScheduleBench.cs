using System.Diagnostics;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;

namespace HShare.Cli.Bench;

/// <summary>What the engine's own part of decode steps costs under one preset.</summary>
/// <param name="Preset">The attention preset.</param>
/// <param name="Steps">Steps of a repeat.</param>
/// <param name="Microseconds">Median of a step: requests in, step planned and filled, tokens appended, handed out and read.</param>
/// <param name="Repeats">How often it was measured.</param>
internal sealed record ScheduleFigure(string Preset, long Steps, double Microseconds, int Repeats);

/// <summary>What <c>hshare bench schedule</c> found.</summary>
/// <param name="Shape">The model's shape.</param>
/// <param name="Batch">Requests side by side.</param>
/// <param name="Figures">By preset.</param>
internal sealed record ScheduleReport(string Shape, int Batch, IReadOnlyList<ScheduleFigure> Figures);

/// <summary>
/// Measures what of a decode step is not the model's: the engine runs on a backend that computes nothing, with as many readers as requests.
/// A GPU stands still for this long between two steps.
/// </summary>
/// <param name="Shape">The model's shape; its layers and heads are what is planned for.</param>
/// <param name="Batch">Requests side by side.</param>
/// <param name="Presets">The attention presets.</param>
internal sealed record ScheduleBench(string Shape, int Batch, IReadOnlyList<AttentionPreset> Presets)
{
    private const int PromptTokens = 1024, OutputTokens = 1024;
    private const int Repeats = 5;
    private const int WarmRepeats = 5; // .NET compiles what runs often anew

    /// <summary>Measures all presets.</summary>
    public ScheduleReport Measure(IProgress<double> progress, CancellationToken cancellationToken)
    {
        List<ScheduleFigure> figures = [];
        foreach (AttentionPreset preset in Presets)
        {
            figures.Add(MeasureAsync(preset, cancellationToken).GetAwaiter().GetResult());
            progress.Report((double)figures.Count / Presets.Count);
        }

        return new ScheduleReport(Shape, Batch, figures);
    }

    private async Task<ScheduleFigure> MeasureAsync(AttentionPreset preset, CancellationToken cancellationToken)
    {
        EngineOptions options = new()
        {
            MaxContext = PromptTokens + OutputTokens,
            MaxBatch = Batch,
            MaxStepRows = Math.Max(Batch, PromptTokens),
            QueueLength = Batch,
            PrefixSharing = PrefixSharing.Off,
            Attention = preset,
        };
        var model = SyntheticModel.Create(Shape, new NullBackend(), cancellationToken: cancellationToken, context: options.MaxContext);
        await using InferenceEngine engine = new(model, options);
        List<double> microseconds = [];
        long steps = 0;
        for (int repeat = 0; repeat < WarmRepeats + Repeats; repeat++)
        {
            long before = engine.GetStatistics().Steps, start = Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, Batch).Select(_ => ReadAsync(engine, cancellationToken)));
            steps = engine.GetStatistics().Steps - before;
            microseconds.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / steps);
        }

        return new ScheduleFigure($"{preset}", steps, Measurement.OfRepeats(microseconds[WarmRepeats..]).Seconds, Repeats);
    }

    private static Task ReadAsync(InferenceEngine engine, CancellationToken cancellationToken) => Task.Run(
        async () =>
        {
            GenerationRequest request = new() { Prompt = new int[PromptTokens], MaxOutputTokens = OutputTokens, StopIds = [] };
            await foreach (GeneratedToken _ in engine.Submit(request).ReadAllAsync(cancellationToken))
            {
            }
        },
        cancellationToken);
}
