namespace HShare.AI.Cuda.Driver;

/// <summary>A kernel, compiled and loaded.</summary>
internal sealed class CudaFunction
{
    private const int SharedBytesWithoutAsking = 48 << 10;
    private const int DecodeShare = 57, WholeShare = 100; // percent of the on-chip memory; 57 are 132 KiB of an H100's

    private readonly int _maxSharedBytes;
    private int _allowedSharedBytes;

    /// <summary>Takes over a kernel of a loaded module.</summary>
    /// <param name="handle">The driver's handle.</param>
    /// <param name="name">The kernel's name.</param>
    /// <param name="device">The GPU.</param>
    public CudaFunction(nint handle, string name, DeviceProperties device)
    {
        Handle = handle;
        Name = name;
        StaticSharedBytes = Attribute(FunctionAttribute.SharedBytes);
        MaxThreads = Attribute(FunctionAttribute.MaxThreadsPerBlock);
        _maxSharedBytes = device.SharedBytesPerBlock;
        _allowedSharedBytes = SharedBytesWithoutAsking - StaticSharedBytes;

        // A multiprocessor must run empty before shared memory and first-level cache are divided anew: left to itself the driver divides
        // them otherwise for every other kernel, and none starts beside the one before it. So all of a decode step take the same: enough
        // shared memory for one block of linear_skinny (two would make some multiprocessors take two and leave others none), and enough
        // cache for what attention has in flight.
        Divide(DecodeShare);
    }

    /// <summary>The driver's handle.</summary>
    public nint Handle { get; }

    /// <summary>The kernel's name.</summary>
    public string Name { get; }

    /// <summary>Shared memory of fixed size, bytes a block.</summary>
    public int StaticSharedBytes { get; }

    /// <summary>Most threads of a block.</summary>
    public int MaxThreads { get; }

    /// <summary>Makes sure that a launch may have this much dynamic shared memory.</summary>
    /// <exception cref="CudaException">The GPU has less.</exception>
    public void AllowShared(int bytes)
    {
        if (bytes <= _allowedSharedBytes)
            return;
        int limit = _maxSharedBytes - StaticSharedBytes;
        if (bytes > limit)
        {
            throw new CudaException(
                CudaFailure.Launch,
                $"Kernel {Name} asks for {bytes:N0} bytes of shared memory besides its fixed {StaticSharedBytes:N0}; the GPU has "
                + $"{_maxSharedBytes:N0} for a block. The operation does not suit this GPU and model: report it.");
        }

        // The whole limit at once: the attribute reserves nothing, it is only a permission.
        DriverStatus.Check(
            DriverApi.FuncSetAttribute(Handle, FunctionAttribute.MaxDynamicSharedBytes, limit),
            $"Allowing {Name} {limit:N0} bytes of shared memory");
        _allowedSharedBytes = limit;
    }

    /// <summary>
    /// As much shared memory as there is, for a kernel that is not part of decode steps and runs best with several large blocks.
    /// </summary>
    /// <returns>This kernel.</returns>
    public CudaFunction WithAllShared()
    {
        Divide(WholeShare);
        return this;
    }

    private void Divide(int percent) => DriverStatus.Check(
        DriverApi.FuncSetAttribute(Handle, FunctionAttribute.SharedCarveout, percent), $"Dividing the on-chip memory for {Name}");

    private int Attribute(FunctionAttribute attribute)
    {
        DriverStatus.Check(DriverApi.FuncGetAttribute(out int value, attribute, Handle), $"Asking for {attribute} of kernel {Name}");
        return value;
    }
}
