using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HShare.Cli.Bench;

/// <summary>
/// The float32 multiply-add rate that the cores reach with all operands in registers: the ceiling of every matrix product.
/// Twelve independent chains cover the latency of two units (4 to 5 cycles each).
/// </summary>
internal static class FmaPeak
{
    private const int Chains = 12;
    private const int Rounds = 2_000_000;

    private static float _sink;

    /// <summary>Measures every vector width the hardware has and returns the best.</summary>
    /// <returns>Operations per second (a multiply-add counts as two) and the width in bits.</returns>
    public static (double FlopsPerSecond, int VectorBits) Measure(ThreadTeam team, CancellationToken cancellationToken)
    {
        (double, int) best = (Measure(team, Run128, 128, cancellationToken), 128);
        if (Vector256.IsHardwareAccelerated)
            best = Better(best, (Measure(team, Run256, 256, cancellationToken), 256));
        if (Vector512.IsHardwareAccelerated)
            best = Better(best, (Measure(team, Run512, 512, cancellationToken), 512));
        return best;
    }

    private static (double Flops, int Bits) Better((double Flops, int Bits) a, (double Flops, int Bits) b) => b.Flops > a.Flops ? b : a;

    private static double Measure(ThreadTeam team, Func<float> chains, int bits, CancellationToken cancellationToken)
    {
        Measurement time = Measurement.Of(() => team.Run(_ => Volatile.Write(ref _sink, chains())), cancellationToken);
        return 2.0 * Chains * (bits / 32) * Rounds * team.Count / time.Fastest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Run128()
    {
        Vector128<float> factor = Vector128.Create(0.9999f), term = Vector128.Create(0.0001f);
        Vector128<float> a = factor, b = factor, c = factor, d = factor, e = factor, f = factor;
        Vector128<float> g = factor, h = factor, i = factor, j = factor, k = factor, l = factor;
        for (int round = 0; round < Rounds; round++)
        {
            a = Vector128.FusedMultiplyAdd(a, factor, term);
            b = Vector128.FusedMultiplyAdd(b, factor, term);
            c = Vector128.FusedMultiplyAdd(c, factor, term);
            d = Vector128.FusedMultiplyAdd(d, factor, term);
            e = Vector128.FusedMultiplyAdd(e, factor, term);
            f = Vector128.FusedMultiplyAdd(f, factor, term);
            g = Vector128.FusedMultiplyAdd(g, factor, term);
            h = Vector128.FusedMultiplyAdd(h, factor, term);
            i = Vector128.FusedMultiplyAdd(i, factor, term);
            j = Vector128.FusedMultiplyAdd(j, factor, term);
            k = Vector128.FusedMultiplyAdd(k, factor, term);
            l = Vector128.FusedMultiplyAdd(l, factor, term);
        }

        return Vector128.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Run256()
    {
        Vector256<float> factor = Vector256.Create(0.9999f), term = Vector256.Create(0.0001f);
        Vector256<float> a = factor, b = factor, c = factor, d = factor, e = factor, f = factor;
        Vector256<float> g = factor, h = factor, i = factor, j = factor, k = factor, l = factor;
        for (int round = 0; round < Rounds; round++)
        {
            a = Vector256.FusedMultiplyAdd(a, factor, term);
            b = Vector256.FusedMultiplyAdd(b, factor, term);
            c = Vector256.FusedMultiplyAdd(c, factor, term);
            d = Vector256.FusedMultiplyAdd(d, factor, term);
            e = Vector256.FusedMultiplyAdd(e, factor, term);
            f = Vector256.FusedMultiplyAdd(f, factor, term);
            g = Vector256.FusedMultiplyAdd(g, factor, term);
            h = Vector256.FusedMultiplyAdd(h, factor, term);
            i = Vector256.FusedMultiplyAdd(i, factor, term);
            j = Vector256.FusedMultiplyAdd(j, factor, term);
            k = Vector256.FusedMultiplyAdd(k, factor, term);
            l = Vector256.FusedMultiplyAdd(l, factor, term);
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Run512()
    {
        Vector512<float> factor = Vector512.Create(0.9999f), term = Vector512.Create(0.0001f);
        Vector512<float> a = factor, b = factor, c = factor, d = factor, e = factor, f = factor;
        Vector512<float> g = factor, h = factor, i = factor, j = factor, k = factor, l = factor;
        for (int round = 0; round < Rounds; round++)
        {
            a = Vector512.FusedMultiplyAdd(a, factor, term);
            b = Vector512.FusedMultiplyAdd(b, factor, term);
            c = Vector512.FusedMultiplyAdd(c, factor, term);
            d = Vector512.FusedMultiplyAdd(d, factor, term);
            e = Vector512.FusedMultiplyAdd(e, factor, term);
            f = Vector512.FusedMultiplyAdd(f, factor, term);
            g = Vector512.FusedMultiplyAdd(g, factor, term);
            h = Vector512.FusedMultiplyAdd(h, factor, term);
            i = Vector512.FusedMultiplyAdd(i, factor, term);
            j = Vector512.FusedMultiplyAdd(j, factor, term);
            k = Vector512.FusedMultiplyAdd(k, factor, term);
            l = Vector512.FusedMultiplyAdd(l, factor, term);
        }

        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }
}
