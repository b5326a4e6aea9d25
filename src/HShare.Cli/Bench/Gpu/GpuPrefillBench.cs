using System.Diagnostics;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Models;
using HShare.Cli.Output;

namespace HShare.Cli.Bench.Gpu;

/// <summary>
/// Measures reading a prompt with random weights by the wall clock: chunk by chunk as the engine does, to the first sampled token.
/// </summary>
/// <param name="Model">What is measured.</param>
/// <param name="Tokens">Tokens of the prompts.</param>
/// <param name="ChunkRows">Rows of a step.</param>
internal sealed record GpuPrefillBench(SyntheticBench Model, IReadOnlyList<int> Tokens, IReadOnlyList<int> ChunkRows)
{
    private const int Repeats = 5;

    /// <summary>Measures all lengths and chunks; what does not fit is skipped by name.</summary>
    public GpuPrefillReport Measure(IProgress<double> progress, CancellationToken cancellationToken)
    {
        AttentionPolicy policy = Model.Policy("full");
        GpuLimits? limits = null;
        string backend = "", kv = "";
        List<GpuPrefillFigure> figures = [];
        List<SkippedCell> skipped = [];
        int done = 0;
        foreach (int tokens in Tokens)
        {
            foreach (int rows in ChunkRows)
            {
                using BenchDevice device = Model.Open();
                (backend, kv) = (device.Backend.Description, Formats.Name(Model.KvOn(device)));
                limits ??= GpuLimits.Measure(device, withMatrix: true);
                if (Model.Misfit(device, policy, 1, tokens + 1) is { } misfit)
                    skipped.Add(new SkippedCell($"{Model.Shape} {Formats.Name(Model.Weights)}, {tokens} tokens", misfit));
                else
                    figures.Add(Measure(device, policy, tokens, rows, limits, cancellationToken));
                progress.Report((double)++done / (Tokens.Count * ChunkRows.Count));
            }
        }

        return new GpuPrefillReport(Model.Shape, Formats.Name(Model.Weights), kv, backend, limits!, figures, skipped);
    }

    private GpuPrefillFigure Measure(
        BenchDevice device, AttentionPolicy policy, int tokens, int rows, GpuLimits limits, CancellationToken cancellationToken)
    {
        LanguageModel model = Model.Load(device, tokens + 1, cancellationToken);
        int[][] prompts = EngineSteps.RandomPrompts(1, tokens, model.Config.VocabularySize);
        EngineSteps engine = new(model, policy, prompts, tokens + 1, Math.Min(rows, tokens), Model.KvOn(device));
        engine.Prefill(0, cancellationToken);
        List<double> milliseconds = [];
        for (int repeat = 0; repeat < Repeats; repeat++)
        {
            long start = Stopwatch.GetTimestamp();
            engine.Prefill(0, cancellationToken);
            milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return new GpuPrefillFigure(
            tokens, rows, Measurement.OfRepeats(milliseconds).Seconds, Repeats, Flops(tokens), limits.MatrixFlopsPerSecond!.Value);
    }

    private double Flops(int tokens)
    {
        ModelConfig config = Model.Config;
        double pairs = 0;
        foreach (int window in config.SlidingWindows)
        {
            double rising = window > 0 ? Math.Min(window, tokens) : tokens;
            pairs += rising * (rising + 1) / 2 + (tokens - rising) * rising;
        }

        return 2.0 * Model.LayerWeights * tokens + 4 * pairs * config.HeadCount * config.HeadDim;
    }
}
