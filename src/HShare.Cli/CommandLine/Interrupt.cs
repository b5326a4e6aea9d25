namespace HShare.Cli.CommandLine;

/// <summary>
/// Ctrl-C: cancels the work in progress; ends the process where no work is in progress, or where it was cancelled before and goes on.
/// Work is in progress from the start.
/// </summary>
internal sealed class Interrupt : IDisposable
{
    private readonly Lock _lock = new();
    private CancellationTokenSource _work = new();
    private bool _isResting;

    /// <summary>Listens to Ctrl-C until disposed.</summary>
    public Interrupt() => Console.CancelKeyPress += OnCancelKeyPress;

    /// <summary>Cancelled when the work in progress is.</summary>
    public CancellationToken Token => _work.Token;

    /// <summary>Starts a new piece of work, which only a Ctrl-C from now on cancels.</summary>
    public CancellationToken StartWork()
    {
        lock (_lock)
        {
            _isResting = false;
            _work = new CancellationTokenSource();
            return _work.Token;
        }
    }

    /// <summary>Says that no work is in progress: somebody is being waited for.</summary>
    public void Rest()
    {
        lock (_lock)
            _isResting = true;
    }

    /// <inheritdoc/>
    public void Dispose() => Console.CancelKeyPress -= OnCancelKeyPress;

    private void OnCancelKeyPress(object? sender, ConsoleCancelEventArgs pressed)
    {
        CancellationTokenSource work;
        lock (_lock)
        {
            pressed.Cancel = !_isResting && !_work.IsCancellationRequested;
            work = _work;
        }

        work.Cancel();
    }
}
