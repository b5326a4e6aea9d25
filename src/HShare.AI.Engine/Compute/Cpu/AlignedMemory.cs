using System.Runtime.InteropServices;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Native memory, zeroed, that begins on a cache line. The zeroing is left to the operating system, so that pages of a large
/// pool cost nothing until they are touched.
/// </summary>
internal sealed unsafe class AlignedMemory : IDisposable
{
    /// <summary>Bytes of a cache line, and of the widest vector.</summary>
    public const int Alignment = 64;

    private void* _allocation;

    /// <summary>Allocates.</summary>
    /// <exception cref="InsufficientMemoryException">The memory is not there.</exception>
    public AlignedMemory(UInt128 byteCount)
    {
        try
        {
            _allocation = byteCount <= (UInt128)(nint.MaxValue - Alignment)
                ? NativeMemory.AllocZeroed((nuint)byteCount + Alignment)
                : throw new OutOfMemoryException();
        }
        catch (OutOfMemoryException exception)
        {
            throw new InsufficientMemoryException(
                $"{byteCount:N0} bytes of memory were asked for and are not there. "
                + "Choose a smaller KV cache, context or batch, or a smaller weight format.",
                exception);
        }

        ByteCount = (long)byteCount;
        Address = ((nint)_allocation + Alignment - 1) & -Alignment;
    }

    /// <summary>Address of the first byte.</summary>
    public nint Address { get; private set; }

    /// <summary>Usable bytes.</summary>
    public long ByteCount { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_allocation);
        _allocation = null;
        Address = 0;
        ByteCount = 0;
    }
}
