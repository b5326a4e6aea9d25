namespace HShare.AI.Cuda.Driver;

/// <summary>
/// Working memory of one operation on the device. It grows to the largest request ever made and is reused from then on. Memory that it
/// grew out of is kept until the runtime ends: work in flight, or a captured graph, may still use it.
/// </summary>
internal sealed class DeviceScratch(CudaRuntime cuda)
{
    private const long SmallBytes = 64L << 20;

    private nint _address;
    private long _bytes;

    /// <summary>
    /// Memory at a multiple of 256 bytes, of this size or more. It is zeroed when the scratch had to grow; otherwise it holds what was left
    /// in it.
    /// </summary>
    /// <exception cref="InsufficientMemoryException">The memory is not there.</exception>
    /// <exception cref="InvalidOperationException">It would have to grow during a graph capture.</exception>
    public nint Reserve(long bytes)
    {
        if (_address != 0 && bytes <= _bytes)
            return _address;

        // Small ones at least double, so that those left behind never add up to more than the last.
        long size = bytes <= SmallBytes ? Math.Max(bytes, 2 * Math.Min(_bytes, SmallBytes / 2)) : bytes;
        if (size <= SmallBytes)
        {
            _address = cuda.Allocate(size);
        }
        else
        {
            _address = cuda.AllocateBlock(size);
            cuda.Clear(_address, size);
        }

        _bytes = size;
        return _address;
    }
}
