namespace HShare.Cli.Bench.Gpu;

/// <summary>A cell of a grid that was not measured.</summary>
/// <param name="Name">Which.</param>
/// <param name="Reason">Why not.</param>
internal sealed record SkippedCell(string Name, string Reason);

/// <summary>One layer's attention of a batch under one preset.</summary>
/// <param name="Heads">Query heads / KV heads x elements.</param>
/// <param name="Batch">Sequences.</param>
/// <param name="Context">Tokens of each.</param>
/// <param name="Preset">The preset, as it was asked for.</param>
/// <param name="Layers">Layers of the stack that was timed.</param>
/// <param name="Sets">Sets of sequences that took turns.</param>
/// <param name="Interval">Steps that one choice serves.</param>
/// <param name="Microseconds">Median time of one layer: attention and the choice of tokens, spread over steps and layers.</param>
/// <param name="PlainMicroseconds">The same of steps without a choice; null where every step chooses.</param>
/// <param name="Repeats">Repeats the medians are of.</param>
/// <param name="Bytes">Bytes of the cache that a layer reads for the batch by the byte model, selection included.</param>
internal sealed record GpuAttentionFigure(
    string Heads,
    int Batch,
    int Context,
    string Preset,
    int Layers,
    int Sets,
    int Interval,
    double Microseconds,
    double? PlainMicroseconds,
    int Repeats,
    double Bytes)
{
    /// <summary>Time that the bytes take at the copy bandwidth.</summary>
    public double LimitMicroseconds { get; private init; }

    /// <summary>Time over limit.</summary>
    public double TimesLimit { get; private init; }

    /// <summary>Time of full attention over this time.</summary>
    public double Speedup { get; private init; }

    /// <summary>The figure beside full attention in the same cell, and beside the device's limits.</summary>
    public GpuAttentionFigure Against(GpuAttentionFigure full, GpuLimits limits)
    {
        double limit = Bytes / limits.CopyBytesPerSecond * 1e6;
        return this with { LimitMicroseconds = limit, TimesLimit = Microseconds / limit, Speedup = full.Microseconds / Microseconds };
    }
}

/// <summary>What <c>hshare bench attention --backend cuda</c> found.</summary>
/// <param name="Backend">What it ran on.</param>
/// <param name="Kv">Element type of the cache.</param>
/// <param name="Limits">The device's limits, measured in the same run.</param>
/// <param name="Figures">The figures: cell by cell, full attention first.</param>
/// <param name="Skipped">Cells that did not fit.</param>
internal sealed record GpuAttentionReport(
    string Backend, string Kv, GpuLimits Limits, IReadOnlyList<GpuAttentionFigure> Figures, IReadOnlyList<SkippedCell> Skipped);

/// <summary>A decode step of a whole model, greedy sampling included.</summary>
/// <param name="Batch">Sequences.</param>
/// <param name="Context">Tokens of each at the end.</param>
/// <param name="Preset">The attention preset, as it was asked for.</param>
/// <param name="Interval">Steps that one choice serves; the mean is over whole intervals.</param>
/// <param name="Milliseconds">Median over repeats of the mean time of a step.</param>
/// <param name="Repeats">Repeats the median is of.</param>
/// <param name="Bytes">Bytes that a step must read: weights, keys and values by the byte model, logits written and read.</param>
/// <param name="LimitMilliseconds">Time that the bytes take at the copy bandwidth.</param>
internal sealed record GpuDecodeFigure(
    int Batch, int Context, string Preset, int Interval, double Milliseconds, int Repeats, double Bytes, double LimitMilliseconds)
{
    /// <summary>Tokens of all sequences in a second.</summary>
    public double TokensPerSecond => Batch / Milliseconds * 1e3;

    /// <summary>Time over limit.</summary>
    public double TimesLimit => Milliseconds / LimitMilliseconds;
}

/// <summary>What <c>hshare bench decode</c> found.</summary>
/// <param name="Shape">Name of the shape.</param>
/// <param name="Weights">Format of the weights.</param>
/// <param name="Kv">Element type of the cache.</param>
/// <param name="Backend">What it ran on.</param>
/// <param name="Limits">The device's limits, measured in the same run.</param>
/// <param name="Figures">The figures.</param>
/// <param name="Skipped">Cells that did not fit.</param>
internal sealed record GpuDecodeReport(
    string Shape,
    string Weights,
    string Kv,
    string Backend,
    GpuLimits Limits,
    IReadOnlyList<GpuDecodeFigure> Figures,
    IReadOnlyList<SkippedCell> Skipped);

/// <summary>Reading a prompt with a whole model.</summary>
/// <param name="Tokens">Tokens of the prompt.</param>
/// <param name="ChunkRows">Rows of a step.</param>
/// <param name="Milliseconds">Median time from the first step to the first sampled token.</param>
/// <param name="Repeats">Repeats the median is of.</param>
/// <param name="Flops">Operations: two for each weight of the layers and token, four for each query, visible token and element.</param>
/// <param name="MatrixFlopsPerSecond">The measured matrix rate.</param>
internal sealed record GpuPrefillFigure(
    int Tokens, int ChunkRows, double Milliseconds, int Repeats, double Flops, double MatrixFlopsPerSecond)
{
    /// <summary>Tokens in a second.</summary>
    public double TokensPerSecond => Tokens / Milliseconds * 1e3;

    /// <summary>Operations in a second.</summary>
    public double FlopsPerSecond => Flops / Milliseconds * 1e3;

    /// <summary>Rate over the measured matrix rate, 0 to 1.</summary>
    public double ShareOfLimit => FlopsPerSecond / MatrixFlopsPerSecond;
}

/// <summary>What <c>hshare bench prefill</c> found.</summary>
/// <param name="Shape">Name of the shape.</param>
/// <param name="Weights">Format of the weights.</param>
/// <param name="Kv">Element type of the cache.</param>
/// <param name="Backend">What it ran on.</param>
/// <param name="Limits">The device's limits, measured in the same run.</param>
/// <param name="Figures">The figures.</param>
/// <param name="Skipped">What did not fit.</param>
internal sealed record GpuPrefillReport(
    string Shape,
    string Weights,
    string Kv,
    string Backend,
    GpuLimits Limits,
    IReadOnlyList<GpuPrefillFigure> Figures,
    IReadOnlyList<SkippedCell> Skipped);

/// <summary>A matrix product of a layer.</summary>
/// <param name="Product">Which, or all four behind each other.</param>
/// <param name="Rows">Rows of the input.</param>
/// <param name="Layers">Layers of the stack that was timed.</param>
/// <param name="Microseconds">Median time of one layer's.</param>
/// <param name="Repeats">Repeats the median is of.</param>
/// <param name="Bytes">Bytes of its weights.</param>
/// <param name="LimitMicroseconds">Time that the bytes take at the copy bandwidth.</param>
internal sealed record GpuLinearFigure(
    string Product, int Rows, int Layers, double Microseconds, int Repeats, double Bytes, double LimitMicroseconds)
{
    /// <summary>Time over limit.</summary>
    public double TimesLimit => Microseconds / LimitMicroseconds;
}

/// <summary>What <c>hshare bench linear</c> found.</summary>
/// <param name="Shape">Name of the shape.</param>
/// <param name="Weights">Format of the weights.</param>
/// <param name="Backend">What it ran on.</param>
/// <param name="Limits">The device's limits, measured in the same run.</param>
/// <param name="Figures">The figures.</param>
internal sealed record GpuLinearReport(
    string Shape, string Weights, string Backend, GpuLimits Limits, IReadOnlyList<GpuLinearFigure> Figures);
