namespace HShare.Cli.Bench;

/// <summary>Attention of one decoded token over all layers under one preset.</summary>
/// <param name="Context">Tokens of the context at the end of the interval.</param>
/// <param name="Preset">The preset, as it was asked for.</param>
/// <param name="Interval">Steps that one choice serves, and that are timed together.</param>
/// <param name="Milliseconds">Median time of a token: selection and attention, refresh steps spread over the interval.</param>
/// <param name="SelectionMilliseconds">Of this, the choice of tokens (median of its own).</param>
/// <param name="AttentionMilliseconds">Of this, attention over what is read (median of its own).</param>
/// <param name="FastestMilliseconds">Time of a token in the fastest repeat.</param>
/// <param name="Repeats">Repeats the medians are of.</param>
/// <param name="Bytes">Bytes of the cache that a token reads by the byte model, selection included.</param>
internal sealed record AttentionFigure(
    int Context,
    string Preset,
    int Interval,
    double Milliseconds,
    double SelectionMilliseconds,
    double AttentionMilliseconds,
    double FastestMilliseconds,
    int Repeats,
    double Bytes)
{
    /// <summary>Time of full attention at this context over this time.</summary>
    public double Speedup { get; private init; }

    /// <summary>Time that the bytes take at the copy bandwidth.</summary>
    public double LimitMilliseconds { get; private init; }

    /// <summary>Limit over time, 0 to 1 (above 1 where caches help).</summary>
    public double ShareOfLimit { get; private init; }

    /// <summary>The figure beside full attention at the same context, and beside a machine's limits.</summary>
    public AttentionFigure Against(AttentionFigure full, MachineLimits limits)
    {
        double limit = Bytes / limits.CopyBytesPerSecond * 1e3;
        return this with { Speedup = full.Milliseconds / Milliseconds, LimitMilliseconds = limit, ShareOfLimit = limit / Milliseconds };
    }
}

/// <summary>What <c>hshare bench attention</c> found.</summary>
/// <param name="Shape">Name of the shape or model.</param>
/// <param name="Backend">What it ran on.</param>
/// <param name="Kv">Element type of the cache.</param>
/// <param name="Batch">Sequences of a step; times and bytes are of one of them.</param>
/// <param name="EvictedBytes">Bytes of other sequences' caches that are read before each timed step.</param>
/// <param name="Limits">The machine's limits, measured in the same run.</param>
/// <param name="Figures">The figures: context by context, full attention first.</param>
internal sealed record AttentionReport(
    string Shape, string Backend, string Kv, int Batch, long EvictedBytes, MachineLimits Limits, IReadOnlyList<AttentionFigure> Figures);
