using HShare.AI.Cuda.Compilation;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Driver;

/// <summary>
/// One GPU as the operations see it: its memory, its one stream of work, its kernels. Work is enqueued in the order of the calls; only
/// <see cref="Synchronize"/> and <see cref="CopyToHost"/> wait for it.
/// </summary>
/// <remarks>
/// Not thread-safe, but not bound to a thread either: one thread at a time calls it. Only <see cref="Kernels"/> may be used by several at
/// once.
/// </remarks>
internal sealed unsafe class CudaRuntime : IDisposable
{
    // Which runtime's context is current on a thread: asking the driver at every call would cost more than the call.
    [ThreadStatic]
    private static CudaRuntime? _current;

    private readonly List<nint> _scratchBlocks = [];
    private readonly int _device;
    private readonly nint _context;
    private readonly DeviceArena _arena;
    private readonly HostTransfer _transfer;
    private CublasLt? _cublas;
    private bool _disposed;

    /// <summary>Opens a GPU.</summary>
    /// <exception cref="CudaException">A library is missing, there is no such GPU, or it or the driver is too old.</exception>
    /// <exception cref="ArgumentException">The compute type is neither bfloat16 nor float16.</exception>
    public CudaRuntime(CudaOptions options)
    {
        Options = options;
        ElementName = options.ComputeType switch
        {
            DType.BFloat16 => "bf16",
            DType.Float16 => "f16",
            _ => throw new ArgumentException($"The NVIDIA backend computes in BFloat16 or Float16, not in {options.ComputeType}."),
        };
        CudaLibraries.Use(options);
        Properties = Choose(options.DeviceIndex);
        CudaLibraries.Require(LibraryNames.Nvrtc);
        CudaLibraries.Require(LibraryNames.CublasLt); // used late, but a prompt that finds it missing is no time to say so
        _device = DeviceProperties.Handle(Properties.Index);
        Launch = new KernelLaunch(this);
        Kernels = new KernelLibrary(this);
        _arena = new DeviceArena(this);
        _transfer = new HostTransfer(this);
        try
        {
            DriverStatus.Check(DriverApi.DevicePrimaryCtxRetain(out _context, _device), $"Opening {Properties.Name}");
            MakeCurrent();
            DriverStatus.Check(DriverApi.StreamCreate(out nint stream, DriverApi.StreamNonBlocking), "Creating a stream");
            Stream = stream;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What it was opened with.</summary>
    public CudaOptions Options { get; }

    /// <summary>The GPU.</summary>
    public DeviceProperties Properties { get; }

    /// <summary>The kernels.</summary>
    public KernelLibrary Kernels { get; }

    /// <summary>For every launch, one at a time.</summary>
    public KernelLaunch Launch { get; }

    /// <summary>Type of weights and of activations that feed matrix products: bfloat16 or float16.</summary>
    public DType Element => Options.ComputeType;

    /// <summary>The name of <see cref="Element"/> in kernels: "bf16" or "f16".</summary>
    public string ElementName { get; }

    /// <summary>Large matrix products; cuBLASLt is started at first use.</summary>
    /// <exception cref="CudaException">It does not start.</exception>
    public CublasLt Cublas => _cublas ??= new CublasLt(this);

    /// <summary>The driver's handle of the stream that all work goes to.</summary>
    public nint Stream { get; private set; }

    /// <summary>Whether work is being recorded into a graph now, not executed.</summary>
    public bool IsCapturing { get; private set; }

    /// <summary>Bytes of device memory that are free now; other programs use it too.</summary>
    public long FreeMemory
    {
        get
        {
            MakeCurrent();
            DriverStatus.Check(DriverApi.MemGetInfo(out nuint free, out _), "Asking for free device memory");
            return (long)free;
        }
    }

    /// <summary>Makes the GPU's context the calling thread's. Cheap; every method here does it.</summary>
    public void MakeCurrent()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (ReferenceEquals(_current, this))
            return;
        DriverStatus.Check(DriverApi.CtxSetCurrent(_context), "Using the GPU on this thread");
        _current = this;
    }

    /// <summary>
    /// The same where something is to be freed: false where nothing is left to free (the runtime is disposed) or nothing can be (work has
    /// failed and the context is lost). It never throws: what it guards runs in <c>Dispose</c>.
    /// </summary>
    public bool TryMakeCurrent()
    {
        if (_disposed || ReferenceEquals(_current, this))
            return !_disposed;
        if (DriverApi.CtxSetCurrent(_context) != DriverStatus.Success)
            return false;
        _current = this;
        return true;
    }

    /// <summary>Device memory, zeroed, at a multiple of 256 bytes, that lives as long as the runtime.</summary>
    /// <exception cref="InsufficientMemoryException">The memory is not there.</exception>
    public nint Allocate(long bytes)
    {
        ThrowIfCapturing("allocate device memory");
        MakeCurrent();
        return _arena.Allocate(bytes);
    }

    /// <summary>Working memory for one operation; none is taken yet.</summary>
    public DeviceScratch NewScratch() => new(this);

    /// <summary>Copies host memory to the device in the stream's order. The source may be changed as soon as the call returns.</summary>
    public void CopyToDevice(nint destination, ReadOnlySpan<byte> source)
    {
        fixed (byte* from = source)
            CopyToDevice(destination, (nint)from, source.Length);
    }

    /// <summary>The same for host memory that may be longer than a span.</summary>
    public void CopyToDevice(nint destination, nint source, long bytes)
    {
        ThrowIfCapturing("copy from the host");
        MakeCurrent();
        _transfer.Upload(destination, source, bytes);
    }

    /// <summary>Waits for all work before it and copies device memory to the host.</summary>
    public void CopyToHost(Span<byte> destination, nint source)
    {
        ThrowIfCapturing("copy to the host");
        MakeCurrent();
        fixed (byte* to = destination)
            _transfer.Download((nint)to, source, destination.Length);
    }

    /// <summary>Copies within device memory, in the stream's order. The two do not overlap.</summary>
    public void CopyOnDevice(nint destination, nint source, long bytes)
    {
        MakeCurrent();
        DriverStatus.Check(DriverApi.MemcpyDtoDAsync(destination, source, (nuint)bytes, Stream), "Copying device memory");
    }

    /// <summary>Sets device memory to zero, in the stream's order.</summary>
    public void Clear(nint address, long bytes)
    {
        MakeCurrent();
        DriverStatus.Check(DriverApi.MemsetD8Async(address, 0, (nuint)bytes, Stream), "Clearing device memory");
    }

    /// <summary>Waits until all work is done.</summary>
    /// <exception cref="CudaException">Some of it failed; the GPU cannot be used any more.</exception>
    public void Synchronize()
    {
        ThrowIfCapturing("wait");
        MakeCurrent();
        DriverStatus.Check(DriverApi.StreamSynchronize(Stream), "Work on the GPU");
    }

    /// <summary>Waits for all work before it, then tells how long the GPU takes for what an action enqueues.</summary>
    public TimeSpan Time(Action enqueue)
    {
        Synchronize();
        using CudaEvent start = new(this, timing: true);
        using CudaEvent end = new(this, timing: true);
        start.Record();
        enqueue();
        end.Record();
        return end.Since(start);
    }

    /// <summary>Records what an action enqueues, to launch it many times at the price of one launch.</summary>
    /// <param name="work">
    /// Enqueues work on this runtime. Everything that it allocates, compiles or copies from the host must have been done by an earlier run
    /// of it.
    /// </param>
    /// <exception cref="CudaException">Something in it cannot be recorded.</exception>
    public CudaGraph Capture(Action work)
    {
        ThrowIfCapturing("start another capture");
        MakeCurrent();
        DriverStatus.Check(DriverApi.StreamBeginCapture(Stream, DriverApi.CaptureThreadLocal), "Starting a graph capture");
        nint graph;
        IsCapturing = true;
        try
        {
            work();
        }
        catch
        {
            EndCapture(out graph);
            if (graph != 0)
                DriverApi.GraphDestroy(graph);
            throw;
        }

        DriverStatus.Check(EndCapture(out graph), "Ending a graph capture");
        return new CudaGraph(this, graph);
    }

    /// <summary>Throws where work is being recorded and something is asked for that cannot be.</summary>
    /// <exception cref="InvalidOperationException">A capture is under way.</exception>
    public void ThrowIfCapturing(string action)
    {
        if (IsCapturing)
        {
            throw new InvalidOperationException(
                $"A graph capture is under way: it cannot {action}. Run the operation once before it is captured.");
        }
    }

    /// <summary>Frees everything. What the GPU still does for it is waited for; its errors are no longer of interest.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        if (_context != 0)
        {
            if (DriverApi.CtxSetCurrent(_context) == DriverStatus.Success)
                FreeDevice();
            DriverApi.DevicePrimaryCtxRelease(_device);
        }

        Launch.Dispose();
        _disposed = true;
        _current = null;
    }

    /// <summary>Device memory of its own, not zeroed, freed with the runtime.</summary>
    internal nint AllocateBlock(long bytes)
    {
        ThrowIfCapturing("allocate device memory");
        MakeCurrent();
        nint block = DeviceArena.AllocateBlock(bytes);
        _scratchBlocks.Add(block);
        return block;
    }

    private void FreeDevice()
    {
        if (Stream != 0)
            DriverApi.StreamSynchronize(Stream);
        _cublas?.Dispose();
        Kernels.Dispose();
        _transfer.Dispose();
        foreach (nint block in _scratchBlocks)
            DriverApi.MemFree(block);
        _arena.Dispose();
        if (Stream != 0)
            DriverApi.StreamDestroy(Stream);
    }

    private int EndCapture(out nint graph)
    {
        IsCapturing = false;
        return DriverApi.StreamEndCapture(Stream, out graph);
    }

    private static DeviceProperties Choose(int index)
    {
        IReadOnlyList<DeviceProperties> devices = DeviceProperties.ReadAll();
        if (index < 0 || index >= devices.Count)
            throw CudaException.NoDevice(index, devices.Count);
        DeviceProperties device = devices[index];
        return device.ComputeCapability >= CudaException.OldestDevice ? device : throw CudaException.DeviceTooOld(device);
    }
}
