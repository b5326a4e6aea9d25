namespace HShare.AI.Cuda.Driver;

/// <summary>
/// Recorded work (<see cref="CudaRuntime.Capture"/>), launched as a whole: the same kernels with the same arguments on whatever the device
/// memory holds by then.
/// </summary>
internal sealed unsafe class CudaGraph : IDisposable
{
    private readonly CudaRuntime _cuda;
    private nint _executable;

    /// <summary>Prepares a captured graph and takes it over.</summary>
    /// <exception cref="CudaException">The driver cannot execute it.</exception>
    public CudaGraph(CudaRuntime cuda, nint graph)
    {
        _cuda = cuda;
        try
        {
            nuint count = 0;
            DriverStatus.Check(DriverApi.GraphGetNodes(graph, null, ref count), "Counting a graph's nodes");
            NodeCount = (int)count;
            DriverStatus.Check(DriverApi.GraphInstantiateWithFlags(out _executable, graph, 0), $"Preparing a graph of {count} nodes");
        }
        finally
        {
            DriverApi.GraphDestroy(graph);
        }
    }

    /// <summary>Number of kernels, copies and clearings in it.</summary>
    public int NodeCount { get; }

    /// <summary>Enqueues the whole.</summary>
    /// <exception cref="CudaException">It cannot be launched.</exception>
    public void Launch()
    {
        ObjectDisposedException.ThrowIf(_executable == 0, this);
        _cuda.MakeCurrent();
        DriverStatus.Check(DriverApi.GraphLaunch(_executable, _cuda.Stream), "Launching a graph");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_executable != 0 && _cuda.TryMakeCurrent())
            DriverApi.GraphExecDestroy(_executable);
        _executable = 0;
    }
}
