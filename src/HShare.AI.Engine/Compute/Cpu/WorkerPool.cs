using System.Runtime.ExceptionServices;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Threads that share the items of one <see cref="ParallelWork"/> at a time with the calling thread. An idle worker first spins,
/// because the next operation of a step follows within microseconds, and then sleeps.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private const int SpinsBeforeSleep = 200;

    private readonly object _gate = new();
    private readonly Thread[] _threads;
    private ParallelWork? _work;
    private Exception? _error;
    private int _count;
    private int _completed;
    private int _sleepers;
    private bool _stopped;

    // Generation in the upper half, items not yet taken in the lower. An item is taken by a compare-and-swap on both, so a worker
    // that comes late from an earlier generation can take nothing and nobody has to wait for it.
    private long _ticket;

    /// <summary>Starts <paramref name="threadCount"/> - 1 threads; the caller is the other one.</summary>
    public WorkerPool(int threadCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threadCount, 1);
        _threads = new Thread[threadCount - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"HShare CPU worker {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Threads, the caller's included.</summary>
    public int ThreadCount => _threads.Length + 1;

    /// <summary>Does all items and returns when they are done. The first exception of any item is thrown here.</summary>
    public void Run(ParallelWork work, int count)
    {
        if (_threads.Length == 0 || count <= 1)
        {
            for (int i = 0; i < count; i++)
                work.Execute(i, 0);
            return;
        }

        _work = work;
        _count = count;
        _completed = 0;
        long generation = (_ticket >> 32) + 1;
        Interlocked.Exchange(ref _ticket, generation << 32 | (uint)count);
        WakeSleepers();
        while (TakeItem(0))
        {
        }

        WaitUntilCompleted();
        _work = null;
        if (_error is { } error)
        {
            _error = null;
            ExceptionDispatchInfo.Throw(error);
        }
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }

        foreach (Thread thread in _threads)
            thread.Join();
    }

    private bool HasItems => (int)Volatile.Read(ref _ticket) != 0;

    private bool IsCompleted => Volatile.Read(ref _completed) == _count;

    private void Work(int worker)
    {
        while (!Volatile.Read(ref _stopped))
        {
            while (TakeItem(worker))
            {
            }

            AwaitItems();
        }
    }

    private bool TakeItem(int worker)
    {
        long ticket = Volatile.Read(ref _ticket);
        int left = (int)ticket;
        if (left == 0)
            return false;
        if (Interlocked.CompareExchange(ref _ticket, ticket - 1, ticket) != ticket)
            return true;

        // The fields belong to this generation until the item just taken is completed.
        int count = _count;
        try
        {
            _work!.Execute(count - left, worker);
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _error, exception, null);
        }

        if (Interlocked.Increment(ref _completed) == count)
            WakeSleepers();
        return true;
    }

    private void AwaitItems()
    {
        for (int i = 0; i < SpinsBeforeSleep; i++)
        {
            if (HasItems || Volatile.Read(ref _stopped))
                return;
            Thread.SpinWait(20);
        }

        lock (_gate)
        {
            Interlocked.Increment(ref _sleepers);
            while (!HasItems && !_stopped)
                Monitor.Wait(_gate);
            Interlocked.Decrement(ref _sleepers);
        }
    }

    private void WaitUntilCompleted()
    {
        for (int i = 0; i < SpinsBeforeSleep; i++)
        {
            if (IsCompleted)
                return;
            Thread.SpinWait(20);
        }

        lock (_gate)
        {
            Interlocked.Increment(ref _sleepers);
            while (!IsCompleted)
                Monitor.Wait(_gate);
            Interlocked.Decrement(ref _sleepers);
        }
    }

    private void WakeSleepers()
    {
        if (Volatile.Read(ref _sleepers) > 0)
        {
            lock (_gate)
                Monitor.PulseAll(_gate);
        }
    }
}
