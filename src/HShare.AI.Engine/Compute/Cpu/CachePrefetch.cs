using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Asks for memory that will be read soon. The processor's own prefetch follows streams but begins anew at every page, and panels
/// and cache blocks are no longer than some pages. Into the second-level cache: the first one is full of the work at hand.
/// </summary>
internal static unsafe class CachePrefetch
{
    /// <summary>Prefetches a range, which need not be mapped; does nothing where the processor has no such instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(byte* address, int byteCount)
    {
        if (Sse.IsSupported)
        {
            for (int i = 0; i < byteCount; i += AlignedMemory.Alignment)
                Sse.Prefetch1(address + i);
        }
    }
}
