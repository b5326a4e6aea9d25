using System.Diagnostics;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;
using HShare.Cli.Output;

namespace HShare.Cli.Bench.Gpu;

/// <summary>
/// Measures whole decode steps of random weights by the wall clock: the engine's own step, from the scheduled rows to the sampled ids on
/// the host, over whole intervals from one choice of tokens to the next. The keys and values are those of prompts that were read.
/// </summary>
/// <param name="Model">What is measured.</param>
/// <param name="Batches">Sequences of a step.</param>
/// <param name="Contexts">Tokens of each, reached with the last step.</param>
/// <param name="Presets">The attention presets.</param>
internal sealed record GpuDecodeBench(
    SyntheticBench Model, IReadOnlyList<int> Batches, IReadOnlyList<int> Contexts, IReadOnlyList<string> Presets)
{
    private const int Repeats = 7;
    private const int FewestSteps = 4; // of a repeat
    // The first of a make-up runs as it is, the second is recorded; and .NET compiles what runs often anew.
    private const int WarmSteps = 64;
    private const int ChunkRows = 2048;

    /// <summary>Measures all cells; what does not fit is skipped by name.</summary>
    /// <exception cref="InputException">A preset cannot be measured.</exception>
    public GpuDecodeReport Measure(IProgress<double> progress, CancellationToken cancellationToken)
    {
        (string Text, AttentionPolicy Policy)[] presets = [.. Presets.Select(text => (text, Model.Policy(text)))];
        GpuLimits? limits = null;
        string backend = "", kv = "";
        List<GpuDecodeFigure> figures = [];
        List<SkippedCell> skipped = [];
        int done = 0;
        foreach (int context in Contexts)
        {
            foreach ((string text, AttentionPolicy policy) in presets)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using BenchDevice device = Model.Open();
                (backend, kv) = (device.Backend.Description, Formats.Name(Model.KvOn(device)));
                limits ??= GpuLimits.Measure(device, withMatrix: false);
                int[] batches = Fitting(device, text, policy, context, skipped);
                try
                {
                    if (batches.Length > 0)
                        figures.AddRange(MeasureBatches(device, text, policy, batches, context, limits, cancellationToken));
                }
                catch (InsufficientMemoryException problem)
                {
                    skipped.Add(new SkippedCell(Name(text, $"{string.Join(", ", batches)}", context), problem.Message.TrimEnd('.')));
                }

                progress.Report((double)++done / (Contexts.Count * presets.Length));
            }
        }

        return new GpuDecodeReport(Model.Shape, Formats.Name(Model.Weights), kv, backend, limits!, figures, skipped);
    }

    private int[] Fitting(BenchDevice device, string preset, AttentionPolicy policy, int context, List<SkippedCell> skipped)
    {
        List<int> fitting = [];
        foreach (int batch in Batches)
        {
            string? misfit = Steps(policy) >= context
                ? "the context is shorter than the steps that are timed"
                : Model.Misfit(device, policy, batch, context);
            if (misfit is null)
                fitting.Add(batch);
            else
                skipped.Add(new SkippedCell(Name(preset, $"{batch}", context), misfit));
        }

        return [.. fitting];
    }

    private IEnumerable<GpuDecodeFigure> MeasureBatches(
        BenchDevice device,
        string preset,
        AttentionPolicy policy,
        int[] batches,
        int context,
        GpuLimits limits,
        CancellationToken cancellationToken)
    {
        LanguageModel model = Model.Load(device, context, cancellationToken);
        int[][] prompts = EngineSteps.RandomPrompts(batches.Max(), context - Steps(policy), model.Config.VocabularySize);
        EngineSteps engine = new(model, policy, prompts, context, ChunkRows, Model.KvOn(device));
        int[] first = [.. Enumerable.Range(0, prompts.Length).Select(i => engine.Prefill(i, cancellationToken))];
        foreach (int batch in batches)
            yield return MeasureBatch(engine, engine.Start(first.AsSpan(0, batch)), preset, policy, context, limits, cancellationToken);
    }

    private GpuDecodeFigure MeasureBatch(
        EngineSteps engine,
        Sequence[] sequences,
        string preset,
        AttentionPolicy policy,
        int context,
        GpuLimits limits,
        CancellationToken cancellationToken)
    {
        int interval = policy.Plan.Interval, steps = StepsOfRepeat(interval);
        for (int step = 0; step < WarmStepsOf(interval); step++)
            engine.Decode(sequences);
        List<double> milliseconds = [];
        double kvBytes = 0;
        for (int repeat = 0; repeat < Repeats; repeat++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long start = Stopwatch.GetTimestamp();
            for (int step = 0; step < steps; step++)
            {
                engine.Decode(sequences);
                kvBytes += engine.KvBytes;
            }

            milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds / steps);
        }

        Measurement time = Measurement.OfRepeats(milliseconds);
        double logits = 2.0 * sequences.Length * Model.Config.VocabularySize * sizeof(float);
        double bytes = Model.StepWeightBytes + kvBytes / (Repeats * steps) + logits;
        return new GpuDecodeFigure(
            sequences.Length, context, preset, interval, time.Seconds, Repeats, bytes, bytes / limits.CopyBytesPerSecond * 1e3);
    }

    private string Name(string preset, string batches, int context) =>
        $"{Model.Shape} {Formats.Name(Model.Weights)}, {preset}, batch {batches}, context {context}";

    // All steps of a batch. Every batch starts behind the same prompts.
    private static int Steps(AttentionPolicy policy) =>
        WarmStepsOf(policy.Plan.Interval) + Repeats * StepsOfRepeat(policy.Plan.Interval);

    // Whole intervals, three at least.
    private static int WarmStepsOf(int interval) => Math.Max(3, (WarmSteps + interval - 1) / interval) * interval;

    private static int StepsOfRepeat(int interval) => (FewestSteps + interval - 1) / interval * interval;
}
