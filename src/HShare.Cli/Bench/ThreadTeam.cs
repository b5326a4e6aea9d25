using System.Diagnostics;

namespace HShare.Cli.Bench;

/// <summary>A fixed number of threads that do one piece of work side by side: the frame in which a machine's limits are measured.</summary>
internal sealed class ThreadTeam : IDisposable
{
    private readonly Barrier _start;
    private readonly Barrier _end;
    private readonly Thread[] _others;
    private Action<int>? _work;

    /// <summary>Starts the threads.</summary>
    /// <param name="threads">How many, the caller's own included.</param>
    public ThreadTeam(int threads)
    {
        Count = threads;
        _start = new Barrier(threads);
        _end = new Barrier(threads);
        _others = new Thread[threads - 1];
        for (int i = 0; i < _others.Length; i++)
        {
            int member = i + 1;
            _others[i] = new Thread(() => Work(member)) { IsBackground = true, Name = $"bench {member}" };
            _others[i].Start();
        }
    }

    /// <summary>Threads of the team.</summary>
    public int Count { get; }

    /// <summary>Runs the work on every thread and returns the seconds from the common start to the last one's end.</summary>
    /// <param name="work">Receives the thread's number, from 0.</param>
    public double Run(Action<int> work)
    {
        _work = work;
        _start.SignalAndWait();
        long start = Stopwatch.GetTimestamp();
        work(0);
        _end.SignalAndWait();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _work = null;
        _start.SignalAndWait();
        foreach (Thread thread in _others)
            thread.Join();
        _start.Dispose();
        _end.Dispose();
    }

    private void Work(int member)
    {
        while (true)
        {
            _start.SignalAndWait();
            if (_work is not { } work)
                return;
            work(member);
            _end.SignalAndWait();
        }
    }
}
