using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HShare.Cli.Bench;

/// <summary>Copy and read bandwidth of main memory.</summary>
internal static unsafe partial class MemoryBandwidth
{
    private const int HugePageBytes = 2 << 20;
    private const int AdviseHugePages = 14; // MADV_HUGEPAGE

    /// <summary>Bytes of each of the two buffers: many times the last-level cache of common machines.</summary>
    private const long BufferBytes = 256L << 20;

    private static ulong _sink;

    /// <summary>Measures both on all threads of a team, each on its own share of the buffers.</summary>
    /// <returns>Copy (bytes read plus written) and read, in bytes per second.</returns>
    public static (double Copy, double Read) Measure(ThreadTeam team, CancellationToken cancellationToken)
    {
        nuint share = (nuint)(BufferBytes / team.Count) & ~(nuint)(HugePageBytes - 1);
        byte* source = Allocate(share * (nuint)team.Count);
        byte* target = Allocate(share * (nuint)team.Count);
        try
        {
            // Every page is written first, by the thread that will use it: untouched pages all map to one page of zeros, which stays in
            // the cache.
            team.Run(thread =>
            {
                NativeMemory.Fill(source + (nuint)thread * share, share, 1);
                NativeMemory.Fill(target + (nuint)thread * share, share, 2);
            });

            Measurement copy = Measurement.Of(
                () => team.Run(thread => NativeMemory.Copy(source + (nuint)thread * share, target + (nuint)thread * share, share)),
                cancellationToken);
            Measurement read = Measurement.Of(
                () => team.Run(thread => Volatile.Write(ref _sink, Sum(source + (nuint)thread * share, share))), cancellationToken);
            double bytes = (double)share * team.Count;
            return (2 * bytes / copy.Fastest, bytes / read.Fastest);
        }
        finally
        {
            NativeMemory.AlignedFree(source);
            NativeMemory.AlignedFree(target);
        }
    }

    /// <summary>
    /// With pages of 4 KiB the look-up of addresses costs a quarter of the bandwidth: asks for large ones, where there are any.
    /// </summary>
    private static byte* Allocate(nuint bytes)
    {
        void* memory = NativeMemory.AlignedAlloc(bytes, HugePageBytes);
        if (OperatingSystem.IsLinux())
            _ = Advise(memory, bytes, AdviseHugePages); // only advice: without it the limit is that of small pages
        return (byte*)memory;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static ulong Sum(byte* data, nuint bytes)
    {
        Vector<ulong> a = default, b = default, c = default, d = default;
        nuint width = (nuint)Vector<byte>.Count;
        for (byte* end = data + bytes; data < end; data += 4 * width)
        {
            a += Unsafe.ReadUnaligned<Vector<ulong>>(data);
            b += Unsafe.ReadUnaligned<Vector<ulong>>(data + width);
            c += Unsafe.ReadUnaligned<Vector<ulong>>(data + 2 * width);
            d += Unsafe.ReadUnaligned<Vector<ulong>>(data + 3 * width);
        }

        return Vector.Sum(a + b + c + d);
    }
}
