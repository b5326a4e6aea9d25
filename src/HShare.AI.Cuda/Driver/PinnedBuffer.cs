namespace HShare.AI.Cuda.Driver;

/// <summary>
/// Page-locked host memory: the GPU copies to and from it directly, while the host goes on. What it holds at first is undefined.
/// </summary>
internal sealed unsafe class PinnedBuffer : IDisposable
{
    private readonly CudaRuntime _cuda;

    /// <summary>Allocates.</summary>
    /// <exception cref="CudaException">The memory is not there, or cannot be locked.</exception>
    public PinnedBuffer(CudaRuntime cuda, long bytes)
    {
        _cuda = cuda;
        cuda.ThrowIfCapturing("allocate page-locked memory");
        cuda.MakeCurrent();
        DriverStatus.Check(
            DriverApi.MemHostAlloc(out nint address, (nuint)bytes, DriverApi.HostAllocPortable),
            $"Allocating {bytes:N0} bytes of page-locked host memory");
        Address = address;
        ByteCount = bytes;
    }

    /// <summary>Address of the first byte, on the host.</summary>
    public nint Address { get; private set; }

    /// <summary>Its size.</summary>
    public long ByteCount { get; private set; }

    /// <summary>The memory as values.</summary>
    public Span<T> AsSpan<T>()
        where T : unmanaged => new((void*)Address, checked((int)(ByteCount / sizeof(T))));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Address != 0 && _cuda.TryMakeCurrent())
            DriverApi.MemFreeHost(Address);
        Address = 0;
        ByteCount = 0;
    }
}
