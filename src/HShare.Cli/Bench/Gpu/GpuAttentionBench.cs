using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;

namespace HShare.Cli.Bench.Gpu;

/// <summary>
/// Measures the attention operator under several presets: attention and, spread over steps and layers as the plan has it, the choice of
/// tokens. Steps are replayed graphs over a stack of layers; the device's cache is cold.
/// </summary>
/// <param name="Device">What is measured.</param>
/// <param name="Heads">The heads, one geometry after the other.</param>
/// <param name="Batches">Sequences of a step.</param>
/// <param name="Contexts">Tokens of each.</param>
/// <param name="Presets">The presets, full attention first.</param>
/// <param name="Kv">Element type of the cache.</param>
internal sealed record GpuAttentionBench(
    HeadGeometry Heads,
    IReadOnlyList<int> Batches,
    IReadOnlyList<int> Contexts,
    IReadOnlyList<string> Presets,
    DType Kv,
    BenchDevice Device)
{
    private const int Repeats = 7;
    private const double ShortestTime = 0.002; // seconds of one timed run of replays

    /// <summary>Left to everything that is not keys and values: working memory of the presets, queries, copies.</summary>
    private const long Reserve = 8L << 30;

    /// <summary>Measures all cells; what does not fit is skipped by name.</summary>
    /// <param name="limits">The device's limits.</param>
    /// <param name="progress">Told each cell as it is done, as a share of all.</param>
    /// <param name="cancellationToken">Ends it between two cells.</param>
    /// <exception cref="InputException">A preset cannot be measured.</exception>
    public (IReadOnlyList<GpuAttentionFigure> Figures, IReadOnlyList<SkippedCell> Skipped) Measure(
        GpuLimits limits, IProgress<double> progress, CancellationToken cancellationToken)
    {
        AttentionPolicy[] sample = Policies(2);
        var needs = AttentionNeeds.Of(sample, Contexts.Max(), tracksReads: false);
        if (sample.Any(policy => policy.LabelChannels != 0 && policy.LabelChannels != needs.LabelChannels))
            throw new InputException("--attention: presets with labels go together only with as many channels each, such as channels=16.");

        KvMemory memory = new(
            Device.Backend,
            Heads,
            Kv,
            needs.Retrievers.Contains(Retriever.PageBounds),
            needs.LabelChannels,
            Batches.Max(batch => Contexts.Max(context => Fit(batch, context, int.MaxValue)?.Blocks ?? 0)),
            Device.Memory - Math.Min(Reserve, Device.Memory / 4),
            cancellationToken);
        List<GpuAttentionFigure> figures = [];
        List<SkippedCell> skipped = [];
        int done = 0;
        foreach (int batch in Batches)
        {
            foreach (int context in Contexts)
            {
                cancellationToken.ThrowIfCancellationRequested();
                MeasureCell(memory, batch, context, limits, figures, skipped);
                progress.Report((double)++done / (Batches.Count * Contexts.Count));
            }
        }

        return (figures, skipped);
    }

    private void MeasureCell(
        KvMemory memory, int batch, int context, GpuLimits limits, List<GpuAttentionFigure> figures, List<SkippedCell> skipped)
    {
        if (Fit(batch, context, memory.Blocks) is not { } size)
        {
            double needed = 2.0 * batch * context * TokenBytes / (1L << 30);
            double there = memory.Blocks * (double)memory.Shape.BlockBytes / (1L << 30);
            skipped.Add(new SkippedCell(
                $"{Heads}, batch {batch}, context {context}", $"two layers take {needed:N1} GiB; there is room for {there:N1}"));
            return;
        }

        AttentionPolicy[] policies = Policies(size.Layers);
        AttentionCell cell = new(memory, Device.Backend, Heads, size, AttentionNeeds.Of(policies, context, tracksReads: false));
        GpuAttentionFigure? full = null;
        for (int i = 0; i < policies.Length; i++)
        {
            if (context <= policies[i].Plan.Interval)
                continue;
            GpuAttentionFigure figure = MeasurePreset(cell, size, policies[i]) with { Preset = Presets[i] };
            full ??= figure;
            figures.Add(figure.Against(full, limits));
        }
    }

    private GpuAttentionFigure MeasurePreset(AttentionCell cell, CellSize size, AttentionPolicy policy)
    {
        IReadOnlyList<LayerReading> readings = cell.Bind(policy);
        SelectionClock clock = new(policy);
        AttentionStep[] steps =
        [
            .. Enumerable.Range(size.Context - policy.Plan.Interval + 1, policy.Plan.Interval).Select(clock.Decode),
        ];
        Dictionary<(bool Refreshes, bool Reads), (Recording Pass, int Times)> passes = [];
        foreach (AttentionStep step in steps)
        {
            cell.SetStep(step);
            if (!passes.ContainsKey((step.Refreshes, step.Reads)))
                passes.Add((step.Refreshes, step.Reads), Prepare(() => cell.Pass(readings, step.Refreshes, step.Reads)));
        }

        double[][] seconds = [.. Enumerable.Range(0, Repeats).Select(_ => Time(cell, steps, passes))]; // [repeats][steps]
        Device.Wait();
        foreach ((Recording pass, _) in passes.Values)
            pass.Free();
        double perLayer = 1e6 / (size.Layers * size.Sets);
        int[] plain = [.. Enumerable.Range(0, steps.Length).Where(i => !steps[i].Refreshes)];
        return new GpuAttentionFigure(
            Heads.ToString(),
            size.Batch,
            size.Context,
            "",
            size.Layers,
            size.Sets,
            policy.Plan.Interval,
            Median(seconds.Select(repeat => repeat.Average())) * perLayer,
            plain.Length == 0 ? null : Median(seconds.Select(repeat => plain.Average(i => repeat[i]))) * perLayer,
            Repeats,
            steps.Average(step => AttentionCost.Of(policy, cell.Shape, new int[size.Layers], step)) * size.Batch / size.Layers);
    }

    // Runs a pass as it is, which compiles what it needs, then records it and finds out how many replays make a time worth measuring.
    private (Recording Pass, int Times) Prepare(Action pass)
    {
        pass();
        Device.Wait();
        Recording recorded = Device.Record(pass);
        recorded.Replay();
        double seconds = Device.Time(recorded.Replay);
        return (recorded, (int)Math.Clamp(Math.Ceiling(ShortestTime / Math.Max(seconds, 1e-6)), 1, 100));
    }

    private double[] Time(
        AttentionCell cell, AttentionStep[] steps, Dictionary<(bool Refreshes, bool Reads), (Recording Pass, int Times)> passes)
    {
        double[] seconds = new double[steps.Length];
        for (int i = 0; i < steps.Length; i++)
        {
            (Recording pass, int times) = passes[(steps[i].Refreshes, steps[i].Reads)];
            cell.SetStep(steps[i]);
            Device.Wait();
            seconds[i] = Device.Time(() => Repeat(pass.Replay, times)) / times;
        }

        return seconds;
    }

    private static void Repeat(Action work, int times)
    {
        for (int i = 0; i < times; i++)
            work();
    }

    // Bytes of a layer's key and value of a token.
    private long TokenBytes => 2L * Heads.KvHeads * Heads.HeadDim * Kv.ByteSize();

    private CellSize? Fit(int batch, int context, int blocks)
    {
        int least = Policies(2).Min(policy => policy.Budget is { } budget ? Math.Min(budget.TotalOf(context), context) : context);
        return CellSize.Fit(batch, context, blocks, least, TokenBytes, Device.CacheBytes);
    }

    private AttentionPolicy[] Policies(int layers)
    {
        try
        {
            return [.. Presets.Select(text => RatioPlan.Policy(AttentionPreset.Parse(text), layers, Heads.KvHeads, Heads.HeadDim))];
        }
        catch (ArgumentException error)
        {
            throw new InputException($"--attention: {error.Message}", error);
        }
    }

    private static double Median(IEnumerable<double> values) => Measurement.OfRepeats(values).Seconds;
}
