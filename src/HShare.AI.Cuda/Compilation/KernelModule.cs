using System.Collections.Concurrent;
using HShare.AI.Cuda.Driver;

namespace HShare.AI.Cuda.Compilation;

/// <summary>A compiled file, loaded onto the GPU.</summary>
internal sealed unsafe class KernelModule : IDisposable
{
    private readonly ConcurrentDictionary<string, CudaFunction> _functions = new();
    private readonly CudaRuntime _cuda;
    private readonly string _name;
    private nint _handle;

    /// <summary>Loads an image.</summary>
    /// <param name="cuda">The GPU.</param>
    /// <param name="name">What it is, for messages.</param>
    /// <param name="image">Machine code, or PTX with a zero at its end.</param>
    /// <exception cref="CudaException">The driver does not take it.</exception>
    public KernelModule(CudaRuntime cuda, string name, byte[] image)
    {
        _cuda = cuda;
        _name = name;
        cuda.MakeCurrent();
        fixed (byte* first = image)
            DriverStatus.Check(DriverApi.ModuleLoadData(out _handle, first), $"Loading kernel file {name}");
    }

    /// <summary>One of its kernels.</summary>
    /// <exception cref="CudaException">It has none of that name.</exception>
    public CudaFunction Get(string kernel) => _functions.GetOrAdd(kernel, name =>
    {
        _cuda.MakeCurrent();
        DriverStatus.Check(DriverApi.ModuleGetFunction(out nint function, _handle, name), $"Looking up kernel {name} of {_name}");
        return new CudaFunction(function, name, _cuda.Properties);
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_handle != 0 && _cuda.TryMakeCurrent())
            DriverApi.ModuleUnload(_handle);
        _handle = 0;
    }
}
