using System.Diagnostics;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Scheduling;

/// <summary>
/// The owner thread: takes requests in, plans and computes step after step, hands out tokens, and sleeps while there is nothing to do.
/// It alone touches scheduler, block pool and backend.
/// </summary>
internal sealed class EngineLoop
{
    private readonly BlockPool _pool;
    private readonly BlockPool? _proximalPool;
    private readonly Scheduler _scheduler;
    private readonly StepRunner _runner;
    private readonly RequestInbox _inbox;
    private readonly EngineMeter _meter;
    private readonly TimeSpan? _timeLimit;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Sequence> _leaving = []; // those that end before the next step
    private readonly Lock _statisticsGate = new();
    private EngineStatistics _statistics;
    private long _prefillTokens;
    private long _generatedTokens;
    private long _steps;
    private KvReads _reads;
    private long _stopAt = long.MaxValue; // Stopwatch ticks

    /// <summary>Starts the thread.</summary>
    public EngineLoop(StepRunner runner, EngineSizing sizing, RequestInbox inbox, string modelName)
    {
        _pool = new BlockPool(sizing.Cache.BlockCount);
        _proximalPool = sizing.Cache.KeySharing is null ? null : new BlockPool(sizing.Cache.ProximalBlockCount);
        _scheduler = new Scheduler(_pool, sizing.Options, _proximalPool, sizing.Cache.KeySharing);
        _runner = runner;
        _inbox = inbox;
        _timeLimit = sizing.Options.RequestTimeLimit;
        _meter = new EngineMeter(modelName, () => Statistics);
        PublishStatistics();
        new Thread(Run) { IsBackground = true, Name = "HShare.AI engine" }.UnsafeStart(); // the caller's context is no concern of it
    }

    /// <summary>Completes when the thread has ended and every request with it.</summary>
    public Task Ended => _ended.Task;

    /// <summary>What ended the thread before its time, or null; from any thread.</summary>
    public Exception? Failure { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); }

    /// <summary>The latest snapshot; from any thread.</summary>
    public EngineStatistics Statistics
    {
        get
        {
            lock (_statisticsGate)
                return _statistics with { Waiting = Math.Max(0, _inbox.Live - _statistics.Running) };
        }
    }

    /// <summary>Takes no new requests, and ends at a point in time those that are left; from any thread. The earliest counts.</summary>
    /// <param name="timestamp">In <see cref="Stopwatch"/> ticks.</param>
    public void StopAt(long timestamp)
    {
        long earlier = Volatile.Read(ref _stopAt);
        while (timestamp < earlier)
        {
            long found = Interlocked.CompareExchange(ref _stopAt, timestamp, earlier);
            if (found == earlier)
                break;
            earlier = found;
        }

        _inbox.Close(static () => new EngineStoppedException("The engine is stopping and takes no new requests."));
    }

    private static EngineStoppedException Stopped() => new("The engine was stopped before the request was done.");

    private void Run()
    {
        Func<EngineStoppedException> ending = Stopped;
        try
        {
            while (ServeOnce())
            {
            }
        }
        catch (Exception failure) // whatever it was: no caller may be left waiting
        {
            Failure = failure;
            ending = () => new EngineStoppedException($"The engine failed and must be created anew: {failure.Message}", failure);
        }

        _inbox.Close(ending);
        TakeArrivals();
        EndAll(ending);
        _meter.Dispose();
        _ended.SetResult();
    }

    /// <summary>Computes a step, or sleeps where there is nothing to compute; false once the engine has stopped and is empty.</summary>
    private bool ServeOnce()
    {
        bool closed = _inbox.IsClosed; // asked first: whatever was let in before is taken below
        TakeArrivals();
        EndOverdue();
        if (_scheduler.Running.Length + _scheduler.Waiting.Length > 0)
            ComputeStep();
        else if (closed)
            return false;
        else
            _inbox.Wait();
        return true;
    }

    private void ComputeStep()
    {
        long start = Stopwatch.GetTimestamp();
        ScheduledStep step = _scheduler.Plan();
        ReadOnlySpan<SampledToken> sampled = _runner.Run(step);
        _scheduler.Complete(step);
        _reads += _runner.StepReads;

        _steps++;
        _prefillTokens += step.RowCount - step.DecodeCount;
        _generatedTokens += sampled.Length;
        foreach ((Sequence sequence, _) in step.Sequences)
            sequence.Generation.Report(sequence.PrefilledTokens, sequence.CachedPromptTokens);
        PublishStatistics();
        _meter.RecordStep(Stopwatch.GetElapsedTime(start));

        foreach ((Sequence sequence, int id, TokenLogprobs? logprobs) in sampled)
            Emit(sequence, id, logprobs);
    }

    private void Emit(Sequence sequence, int id, TokenLogprobs? logprobs)
    {
        if (id == Sampler.NoToken) // this sequence is damaged, but its neighbours in the step are not
        {
            bool isStuck = sequence.Constraint?.IsStuck == true;
            if (!isStuck)
                sequence.Unpublish(_pool);
            End(sequence, isStuck ? new ConstraintException(sequence.GeneratedTokens) : new InvalidLogitsException());
            return;
        }

        if (sequence.GeneratedTokens == 0)
            _meter.RecordFirstToken(Stopwatch.GetElapsedTime(sequence.Submitted));

        GenerationEnd? end = sequence.Append(id);
        sequence.Generation.Emit(new GeneratedToken(id, end, logprobs));
        if (end is null)
            return;

        if (sequence.TracksReads)
            sequence.Generation.ReadsMass = _runner.ReadMass(sequence);
        End(sequence, null);
    }

    private void TakeArrivals()
    {
        while (_inbox.TryTake(out Sequence? sequence))
            _scheduler.Add(sequence!);
    }

    /// <summary>Ends what its caller has given up, what has run out of time, and, once the engine's own time is up, everything.</summary>
    private void EndOverdue()
    {
        if (Stopwatch.GetTimestamp() >= Volatile.Read(ref _stopAt))
            EndAll(Stopped);

        Collect(_scheduler.Waiting);
        Collect(_scheduler.Running);
        foreach (Sequence sequence in _leaving)
        {
            End(sequence, sequence.Generation.IsAbandoned
                ? new OperationCanceledException("The generation was disposed or cancelled.")
                : new RequestTimeLimitException(_timeLimit!.Value));
        }

        _leaving.Clear();

        void Collect(ReadOnlySpan<Sequence> sequences)
        {
            foreach (Sequence sequence in sequences)
            {
                if (sequence.Generation.IsAbandoned || Stopwatch.GetElapsedTime(sequence.Submitted) > _timeLimit)
                    _leaving.Add(sequence);
            }
        }
    }

    private void EndAll(Func<EngineStoppedException> error)
    {
        while (_scheduler.Running is [.., Sequence running])
            End(running, error());
        while (_scheduler.Waiting is [.., Sequence waiting])
            End(waiting, error());
    }

    private void End(Sequence sequence, Exception? error)
    {
        _scheduler.Remove(sequence);
        _inbox.Leave();
        PublishStatistics(); // before the caller hears of it, so that it finds its blocks back
        sequence.Generation.Complete(error);
    }

    private void PublishStatistics()
    {
        lock (_statisticsGate)
        {
            _statistics = new EngineStatistics(
                0, _scheduler.Running.Length, _pool.Count, _pool.FreeCount, _pool.CachedCount, _prefillTokens, _scheduler.CachedTokens,
                _generatedTokens, _scheduler.Preemptions, _steps)
            {
                Reads = _reads,
                ProximalBlocks = _proximalPool?.Count ?? 0,
                FreeProximalBlocks = _proximalPool?.FreeCount ?? 0,
            };
        }
    }
}
