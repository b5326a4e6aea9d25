namespace HShare.AI.Cuda.Driver;

/// <summary>A mark in the stream of work: the host can wait for it, and two that keep time measure what lies between them.</summary>
internal sealed class CudaEvent : IDisposable
{
    private readonly CudaRuntime _cuda;
    private nint _handle;

    /// <summary>Creates an event; until it is recorded, waiting for it does not wait.</summary>
    /// <param name="cuda">Whose stream.</param>
    /// <param name="timing">Whether it keeps the time.</param>
    public CudaEvent(CudaRuntime cuda, bool timing = false)
    {
        _cuda = cuda;
        cuda.MakeCurrent();
        DriverStatus.Check(DriverApi.EventCreate(out _handle, timing ? 0 : DriverApi.EventDisableTiming), "Creating an event");
    }

    /// <summary>Marks this place in the stream.</summary>
    public void Record()
    {
        _cuda.MakeCurrent();
        DriverStatus.Check(DriverApi.EventRecord(_handle, _cuda.Stream), "Recording an event");
    }

    /// <summary>Waits until the work before the mark is done.</summary>
    /// <exception cref="CudaException">Work on the GPU failed.</exception>
    public void Wait()
    {
        _cuda.MakeCurrent();
        DriverStatus.Check(DriverApi.EventSynchronize(_handle), "Work on the GPU");
    }

    /// <summary>Waits for this mark and tells the time on the GPU since an earlier one. Both keep time.</summary>
    public TimeSpan Since(CudaEvent start)
    {
        Wait();
        DriverStatus.Check(DriverApi.EventElapsedTime(out float milliseconds, start._handle, _handle), "Measuring time on the GPU");
        return TimeSpan.FromMilliseconds(milliseconds);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_handle != 0 && _cuda.TryMakeCurrent())
            DriverApi.EventDestroy(_handle);
        _handle = 0;
    }
}
