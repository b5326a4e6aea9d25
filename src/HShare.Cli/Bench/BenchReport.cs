namespace HShare.Cli.Bench;

/// <summary>What a figure is compared with.</summary>
internal enum Limit
{
    /// <summary>Nothing: a whole, made of parts with different limits.</summary>
    None,

    /// <summary>The float32 multiply-add peak.</summary>
    FmaPeak,

    /// <summary>The copy bandwidth.</summary>
    CopyBandwidth,
}

/// <summary>One measured figure.</summary>
/// <param name="Part">What was measured: "prefill product", "decode step" and the like.</param>
/// <param name="Case">On what sizes.</param>
/// <param name="Format">Format of the weights, or of the cache where the part is attention.</param>
/// <param name="Milliseconds">Median time of one execution.</param>
/// <param name="Repeats">Repeats the median is of.</param>
/// <param name="Value">The figure.</param>
/// <param name="Unit">Its unit: GFLOP/s, GB/s (1e9 bytes) or tokens/s.</param>
/// <param name="Limit">What it is compared with.</param>
internal sealed record BenchFigure(
    string Part, string Case, string Format, double Milliseconds, int Repeats, double Value, string Unit, Limit Limit)
{
    /// <summary>Value over limit, 0 to 1 (above 1 where caches help); null without a limit.</summary>
    public double? ShareOfLimit { get; private init; }

    /// <summary>Where the limit is the copy bandwidth: value over the plain read bandwidth.</summary>
    public double? ShareOfRead { get; private init; }

    /// <summary>A rate of operations, to compare with the multiply-add peak.</summary>
    public static BenchFigure Flops(string part, string sizes, string format, Measurement time, double flops) =>
        new(part, sizes, format, time.Seconds * 1e3, time.Repeats, flops / time.Seconds / 1e9, "GFLOP/s", Limit.FmaPeak);

    /// <summary>A rate of bytes, to compare with the bandwidth of the memory.</summary>
    public static BenchFigure Bytes(string part, string sizes, string format, Measurement time, double bytes) =>
        new(part, sizes, format, time.Seconds * 1e3, time.Repeats, bytes / time.Seconds / 1e9, "GB/s", Limit.CopyBandwidth);

    /// <summary>A rate of tokens.</summary>
    public static BenchFigure Tokens(string part, string sizes, string format, Measurement time, int tokens) =>
        new(part, sizes, format, time.Seconds * 1e3, time.Repeats, tokens / time.Seconds, "tokens/s", Limit.None);

    /// <summary>The figure with its shares of a machine's limits.</summary>
    public BenchFigure Against(MachineLimits limits) => Limit switch
    {
        Limit.FmaPeak => this with { ShareOfLimit = Value * 1e9 / limits.FmaFlopsPerSecond },
        Limit.CopyBandwidth => this with
        {
            ShareOfLimit = Value * 1e9 / limits.CopyBytesPerSecond,
            ShareOfRead = Value * 1e9 / limits.ReadBytesPerSecond,
        },
        _ => this,
    };
}

/// <summary>What <c>hshare bench</c> found.</summary>
/// <param name="Shape">Name of the shape or model.</param>
/// <param name="Backend">What it ran on.</param>
/// <param name="Limits">The machine's limits, measured in the same run.</param>
/// <param name="Figures">The figures, in the order of measuring.</param>
internal sealed record BenchReport(string Shape, string Backend, MachineLimits Limits, IReadOnlyList<BenchFigure> Figures);
