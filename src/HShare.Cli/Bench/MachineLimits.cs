namespace HShare.Cli.Bench;

/// <summary>
/// What this machine can do at most, measured in the run whose figures are compared with it. The fastest repeat counts, where figures are
/// medians: whatever disturbs the measuring makes the shares of the limit too small rather than too large.
/// </summary>
/// <param name="Threads">Threads the limits were measured with.</param>
/// <param name="CopyBytesPerSecond">Memory copy between buffers far larger than the caches, bytes read plus bytes written.</param>
/// <param name="ReadBytesPerSecond">Plain reading of such a buffer.</param>
/// <param name="FmaFlopsPerSecond">float32 fused multiply-adds in registers only, two operations each.</param>
/// <param name="VectorBits">Vector width that reached the multiply-add peak.</param>
internal sealed record MachineLimits(
    int Threads, double CopyBytesPerSecond, double ReadBytesPerSecond, double FmaFlopsPerSecond, int VectorBits)
{
    /// <summary>Measures all limits with a number of threads. Takes a few seconds and half a gigabyte.</summary>
    public static MachineLimits Measure(int threads, CancellationToken cancellationToken)
    {
        using var team = new ThreadTeam(threads);
        (double copy, double read) = MemoryBandwidth.Measure(team, cancellationToken);
        (double flops, int bits) = FmaPeak.Measure(team, cancellationToken);
        return new MachineLimits(threads, copy, read, flops, bits);
    }

    /// <summary>The higher of two measurements, limit by limit.</summary>
    public MachineLimits Best(MachineLimits other) => (FmaFlopsPerSecond >= other.FmaFlopsPerSecond ? this : other) with
    {
        CopyBytesPerSecond = Math.Max(CopyBytesPerSecond, other.CopyBytesPerSecond),
        ReadBytesPerSecond = Math.Max(ReadBytesPerSecond, other.ReadBytesPerSecond),
    };
}
