using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.Cli.CommandLine;
using HShare.Cli.Output;

namespace HShare.Cli.Bench;

/// <summary>Whose attention is measured: presets at contexts, on a model's geometry or a shape's. No weights are loaded.</summary>
/// <param name="Settings">Threads, KV type and, without a shape, the model.</param>
/// <param name="Shape">Name of a <see cref="SyntheticModel"/>, or null for a model.</param>
/// <param name="Presets">Presets to measure beside full attention, as they were asked for; empty = those that the model can use.</param>
/// <param name="Contexts">Tokens of the contexts.</param>
/// <param name="Batch">Sequences of a step.</param>
internal sealed record AttentionTarget(
    ModelSettings Settings, string? Shape, IReadOnlyList<string> Presets, IReadOnlyList<int> Contexts, int Batch)
{
    private const string Full = "full";

    private static readonly string[] Plain =
        ["streaming-llm", "quest", "hshare:1-1-1/4", "hshare:1-1-1/8", "hshare:1-1-1,retriever=exact"];

    // What is made from a calibration.
    private static readonly string[] Calibrated = ["double-sparse", "hshare:1/2-1-1/4"];

    /// <summary>Name of the shape or model.</summary>
    public string Name => Shape ?? Settings.Name;

    /// <summary>Measures all presets, and the machine's limits before and after.</summary>
    /// <exception cref="InputException">A preset cannot be read, does not fit the model, or cannot be measured.</exception>
    public AttentionReport Measure(IProgress<double> progress, CancellationToken cancellationToken)
    {
        string directory = Shape is null ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(Settings.Directory)) : Shape;
        ModelConfig config = Shape is null ? ModelConfigReader.Read(directory) : SyntheticModel.GetConfig(Shape);
        AttentionPolicyFactory factory = new(config, directory);
        (string Text, AttentionPolicy Policy)[] presets = [.. PresetsFor(directory).Select(text => (text, Create(factory, text)))];
        int context = Contexts.Max();
        CheckContexts(presets);

        int threads = Settings.Threads ?? Environment.ProcessorCount;
        var before = MachineLimits.Measure(threads, cancellationToken);
        using Backend backend = Settings.CreateBackend();
        AttentionPolicy[] policies = [.. presets.Select(preset => preset.Policy)];
        var needs = AttentionNeeds.Of(policies, context, tracksReads: false);
        KvCacheShape shape = new(config.LayerCount, config.KvHeadCount, config.HeadDim, 0, 0, Settings.Kv ?? backend.CacheTypes[0])
        {
            HasPageBounds = needs.Retrievers.Contains(Retriever.PageBounds),
            LabelChannels = needs.LabelChannels > 0 ? factory.LabelChannels(needs.LabelChannels) : [],
        };
        AttentionBenchCache cache = new(backend, config, shape, needs, Batch, context);
        AttentionBench bench = new(cache, config, Batch, cancellationToken);
        List<AttentionFigure[]> figures = [];
        foreach (int tokens in Contexts)
        {
            progress.Report((figures.Count + 0.5) / (Contexts.Count + 0.5));
            figures.Add([.. bench.Measure(tokens, policies).Zip(presets, (figure, preset) => figure with { Preset = preset.Text })]);
        }

        MachineLimits limits = before.Best(MachineLimits.Measure(threads, cancellationToken));
        return new AttentionReport(
            Name,
            backend.Description,
            Formats.Name(shape.Type),
            Batch,
            cache.EvictedBytes,
            limits,
            [.. figures.SelectMany(row => row.Select(figure => figure.Against(row[0], limits)))]);
    }

    // Full attention is what the others are compared with.
    private IEnumerable<string> PresetsFor(string directory)
    {
        if (Presets.Count > 0)
            return Presets.Where(text => text != Full).Prepend(Full);
        bool isCalibrated = Shape is null && File.Exists(Path.Combine(directory, AttentionCalibration.FileName));
        return [Full, .. Plain, .. isCalibrated ? Calibrated : []];
    }

    private static AttentionPolicy Create(AttentionPolicyFactory factory, string text)
    {
        try
        {
            AttentionPolicy policy = factory.Create(AttentionPreset.Parse(text));
            return policy.Preset.Distant is null
                ? policy
                : throw new InputException(
                    $"--attention '{text}' keeps fewer keys than other presets: bench attention cannot measure it beside them.");
        }
        catch (ArgumentException error)
        {
            throw new InputException($"--attention: {error.Message}", error);
        }
    }

    private void CheckContexts((string Text, AttentionPolicy Policy)[] presets)
    {
        (string text, AttentionPolicy policy) = presets.MaxBy(preset => preset.Policy.Plan.Interval);
        if (Contexts.Min() < policy.Plan.Interval)
        {
            throw new InputException(
                $"--contexts {Contexts.Min()} is shorter than the {policy.Plan.Interval} steps of '{text}' that are timed together. "
                + "Give a longer one.");
        }
    }
}
