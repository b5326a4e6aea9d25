using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HShare.AI.Cuda.Driver;

/// <summary>Number of blocks in each dimension.</summary>
internal readonly record struct Grid(int X, int Y = 1, int Z = 1);

/// <summary>
/// Puts a kernel's arguments together and enqueues it. One object is reused for every launch and allocates nothing:
/// <c>launch.Start(kernel).Add(pointer).Add(count).Run(grid, threads)</c>.
/// </summary>
internal sealed unsafe class KernelLaunch : IDisposable
{
    private const int MaxBytes = 4096; // what every driver takes
    private const int MaxArguments = 256;
    private const int MaxAlignment = 16;

    private readonly CudaRuntime _cuda;
    private byte* _values;
    private void** _places;
    private int _bytes;
    private int _count;
    private CudaFunction? _function;

    /// <summary>For launches on the stream of a runtime.</summary>
    public KernelLaunch(CudaRuntime cuda)
    {
        _cuda = cuda;
        _values = (byte*)NativeMemory.AlignedAlloc(MaxBytes, MaxAlignment);
        _places = (void**)NativeMemory.AllocZeroed(MaxArguments, (nuint)sizeof(void*));
    }

    /// <summary>Begins a launch, without arguments yet.</summary>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    public KernelLaunch Start(CudaFunction function)
    {
        ObjectDisposedException.ThrowIf(_values == null, _cuda);
        _function = function;
        _bytes = 0;
        _count = 0;
        return this;
    }

    /// <summary>Adds a device pointer.</summary>
    public KernelLaunch Add(nint pointer) => Add<nint>(in pointer);

    /// <summary>Adds a 32-bit integer.</summary>
    public KernelLaunch Add(int value) => Add<int>(in value);

    /// <summary>Adds a float.</summary>
    public KernelLaunch Add(float value) => Add<float>(in value);

    /// <summary>Adds a 64-bit integer.</summary>
    public KernelLaunch Add(long value) => Add<long>(in value);

    /// <summary>Adds a structure by value; it is laid out as the kernel's.</summary>
    /// <exception cref="InvalidOperationException">The arguments take more than a launch can carry.</exception>
    public KernelLaunch Add<T>(in T value)
        where T : unmanaged
    {
        // A type's size is a multiple of its natural alignment, so the size's lowest bit serves for that.
        int alignment = Math.Min(sizeof(T) & -sizeof(T), MaxAlignment);
        int place = (_bytes + alignment - 1) & -alignment;
        if (place + sizeof(T) > MaxBytes || _count == MaxArguments)
        {
            throw new InvalidOperationException(
                $"Kernel {_function?.Name} has more arguments than a launch can carry ({MaxBytes} bytes, {MaxArguments} values).");
        }

        Unsafe.WriteUnaligned(_values + place, value);
        _places[_count++] = _values + place;
        _bytes = place + sizeof(T);
        return this;
    }

    /// <summary>Enqueues the kernel. A grid without blocks is nothing to do.</summary>
    /// <param name="grid">Blocks.</param>
    /// <param name="threads">Threads of a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory of a block.</param>
    /// <exception cref="CudaException">It cannot be launched so; errors of its execution show at the next synchronisation.</exception>
    public void Run(Grid grid, int threads, int sharedBytes = 0)
    {
        CudaFunction function = _function ?? throw new InvalidOperationException("A launch was run before it was started.");
        _function = null;
        if (grid.X == 0 || grid.Y == 0 || grid.Z == 0)
            return;
        _cuda.MakeCurrent();
        function.AllowShared(sharedBytes);

        LaunchAttribute overlap = new() { Id = LaunchAttribute.ProgrammaticStreamSerialization, Value = 1 };
        LaunchConfiguration configuration = new()
        {
            GridX = (uint)grid.X,
            GridY = (uint)grid.Y,
            GridZ = (uint)grid.Z,
            BlockX = (uint)threads,
            BlockY = 1,
            BlockZ = 1,
            SharedBytes = (uint)sharedBytes,
            Stream = _cuda.Stream,
            Attributes = &overlap,
            AttributeCount = _cuda.Properties.OverlapsLaunches ? 1u : 0u,
        };
        int status = DriverApi.LaunchKernelEx(&configuration, function.Handle, _places, null);
        if (status != DriverStatus.Success)
            throw Failed(function, grid, threads, sharedBytes, status);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_values);
        NativeMemory.Free(_places);
        _values = null;
        _places = null;
    }

    private static CudaException Failed(CudaFunction function, Grid grid, int threads, int sharedBytes, int status) => CudaException.Call(
        $"Launching {function.Name} with {grid.X} x {grid.Y} x {grid.Z} blocks of {threads} threads (at most {function.MaxThreads}) "
            + $"and {sharedBytes:N0} bytes of shared memory",
        status,
        CudaFailure.Launch);
}
