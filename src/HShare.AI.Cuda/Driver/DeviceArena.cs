namespace HShare.AI.Cuda.Driver;

/// <summary>
/// Device memory that lives as long as the runtime: a few slabs, handed out piece by piece at multiples of 256 bytes, because the driver's
/// own allocations take 2 MiB at least and milliseconds each. A large piece gets an allocation of its own.
/// </summary>
internal sealed class DeviceArena(CudaRuntime cuda) : IDisposable
{
    private const int Alignment = 256;
    private const long SlabBytes = 32L << 20;
    private const long LargeBytes = SlabBytes / 4;

    private readonly List<nint> _blocks = [];
    private nint _next;
    private nint _end;

    /// <summary>Memory, zeroed (in the stream's order). A request for nothing gets an address too.</summary>
    /// <exception cref="InsufficientMemoryException">The memory is not there.</exception>
    public nint Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        long size = Math.Max(bytes, 1) > long.MaxValue - Alignment ? long.MaxValue : (Math.Max(bytes, 1) + Alignment - 1) & -Alignment;
        if (cuda.Options.SeparateAllocations)
            return NewBlock(Math.Max(bytes, 1));
        if (size > LargeBytes)
            return NewBlock(size);
        if (size > _end - _next)
        {
            _next = NewBlock(SlabBytes, atLeast: size, out long slab);
            _end = _next + (nint)slab;
        }

        nint address = _next;
        _next += (nint)size;
        return address;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (nint block in _blocks)
            DriverApi.MemFree(block);
        _blocks.Clear();
    }

    /// <summary>Memory from the driver, not zeroed.</summary>
    /// <exception cref="InsufficientMemoryException">It is not there.</exception>
    /// <exception cref="CudaException">The driver fails.</exception>
    public static nint AllocateBlock(long bytes)
    {
        int status = DriverApi.MemAlloc(out nint address, (nuint)bytes);
        if (status == DriverStatus.Success)
            return address;
        DriverApi.MemGetInfo(out nuint free, out nuint total);
        if (status != DriverStatus.OutOfMemory && (nuint)bytes <= total)
            throw CudaException.Call($"Allocating {bytes:N0} bytes of GPU memory", status);
        throw new InsufficientMemoryException(
            $"{bytes:N0} bytes of GPU memory were asked for, and {free:N0} of {total:N0} are free. Choose 8-bit weights, a smaller KV "
            + "cache, context or batch, or end other programs on the GPU.");
    }

    // A slab, or, where there is no room for a whole one, only what is asked for.
    private nint NewBlock(long bytes, long atLeast, out long size)
    {
        try
        {
            size = bytes;
            return NewBlock(bytes);
        }
        catch (InsufficientMemoryException)
        {
            size = atLeast;
            return NewBlock(atLeast);
        }
    }

    private nint NewBlock(long bytes)
    {
        nint address = AllocateBlock(bytes);
        _blocks.Add(address);
        cuda.Clear(address, bytes);
        return address;
    }
}
