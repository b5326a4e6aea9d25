namespace HShare.AI.Engine.Scheduling;

/// <summary>
/// The door between callers and the owner thread: requests come in here, up to a bound, and the owner sleeps here while there is
/// nothing to do.
/// </summary>
internal sealed class RequestInbox
{
    private readonly object _gate = new();
    private readonly Queue<Sequence> _arrived = [];
    private readonly EngineOptions _options;
    private int _live;
    private bool _awake;
    private Func<EngineStoppedException>? _refusal;

    /// <summary>An open inbox.</summary>
    /// <param name="options">The bound: batch and queue.</param>
    public RequestInbox(EngineOptions options) => _options = options;

    /// <summary>Requests that were let in and have not ended.</summary>
    public int Live
    {
        get
        {
            lock (_gate)
                return _live;
        }
    }

    /// <summary>Whether no more requests are let in.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate)
                return _refusal is not null;
        }
    }

    /// <summary>Lets a request in and wakes the owner.</summary>
    /// <exception cref="QueueFullException">Batch and queue are full.</exception>
    /// <exception cref="EngineStoppedException">The inbox is closed.</exception>
    public void Submit(Sequence sequence)
    {
        lock (_gate)
        {
            if (_refusal is not null)
                throw _refusal();
            if (_live >= (long)_options.MaxBatch + _options.QueueLength)
                throw new QueueFullException(_options.QueueLength);

            _live++;
            _arrived.Enqueue(sequence);
            Signal();
        }
    }

    /// <summary>Lets no more requests in and wakes the owner.</summary>
    /// <param name="refusal">The error of later requests; that of the first call stays.</param>
    public void Close(Func<EngineStoppedException> refusal)
    {
        lock (_gate)
        {
            _refusal ??= refusal;
            Signal();
        }
    }

    /// <summary>Wakes the owner: something it must look at has changed.</summary>
    public void Wake()
    {
        lock (_gate)
            Signal();
    }

    /// <summary>Takes the next arrived request.</summary>
    public bool TryTake(out Sequence? sequence)
    {
        lock (_gate)
            return _arrived.TryDequeue(out sequence);
    }

    /// <summary>Makes room for another request: one has ended.</summary>
    public void Leave()
    {
        lock (_gate)
            _live--;
    }

    /// <summary>Sleeps until something has happened since the last return.</summary>
    public void Wait()
    {
        lock (_gate)
        {
            while (!_awake)
                Monitor.Wait(_gate);
            _awake = false;
        }
    }

    private void Signal()
    {
        _awake = true;
        Monitor.Pulse(_gate);
    }
}
