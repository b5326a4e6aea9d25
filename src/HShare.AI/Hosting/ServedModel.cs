using HShare.AI.Engine;

namespace HShare.AI.Hosting;

/// <summary>
/// A model that is loaded once, when it is first asked for, off the caller's thread. A failed load stays failed: everybody who asks gets
/// the same error. Thread-safe.
/// </summary>
internal sealed class ServedModel : IAsyncDisposable
{
    private readonly Lazy<Task<LoadedModel>> _loading;
    private readonly CancellationTokenSource _disposing = new();
    private readonly bool _ownsEngine = true;
    private volatile bool _stopping;

    /// <summary>A model that runs already.</summary>
    public ServedModel(LoadedModel model, bool ownsEngine)
    {
        _loading = new Lazy<Task<LoadedModel>>(Task.FromResult(model));
        _ownsEngine = ownsEngine;
    }

    /// <summary>A model to load.</summary>
    public ServedModel(Func<CancellationToken, LoadedModel> load) => _loading = new Lazy<Task<LoadedModel>>(
        () => Task.Run(() => load(_disposing.Token), _disposing.Token));

    /// <summary>Whether anybody has asked for it yet.</summary>
    public bool IsRequested => _loading.IsValueCreated;

    /// <summary>The model where it is ready, or null.</summary>
    public LoadedModel? Ready => _loading is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } ? _loading.Value.Result : null;

    /// <summary>Why loading failed, or null.</summary>
    public Exception? Failure => _loading is { IsValueCreated: true, Value.Exception: { } error } ? error.InnerException : null;

    /// <summary>Whether it takes no more requests.</summary>
    public bool IsStopping => _stopping || IsDisposed;

    /// <summary>Whether it was disposed.</summary>
    public bool IsDisposed => _disposing.IsCancellationRequested;

    /// <summary>The model, loaded where nobody did so before. Cancelling ends the waiting, not the loading.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed, perhaps while it was loaded.</exception>
    /// <exception cref="EngineStoppedException">It takes no more requests.</exception>
    public async Task<LoadedModel> GetAsync(CancellationToken cancellationToken)
    {
        ThrowIfStopping();
        try
        {
            LoadedModel model = await _loading.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
            ThrowIfStopping();
            return model;
        }
        catch (OperationCanceledException) when (IsDisposed && !cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(HShareChatClient)); // who waits has cancelled nothing
        }
    }

    /// <summary>Takes no new requests and lets those in progress finish, within a limit.</summary>
    public Task StopAsync(TimeSpan limit)
    {
        _stopping = true;
        return Ready is { } model ? model.Engine.StopAsync(limit) : Task.CompletedTask;
    }

    /// <summary>Ends the loading, or stops the engine at once.</summary>
    public async ValueTask DisposeAsync()
    {
        if (IsDisposed)
            return;

        await _disposing.CancelAsync().ConfigureAwait(false);

        // A load that nobody has asked for is cancelled before it starts. Who waits for one that fails or is cancelled now hears of it
        // there; here only an engine that did start matters.
        await ((Task)_loading.Value).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_ownsEngine && Ready is { } model)
            await model.Engine.DisposeAsync().ConfigureAwait(false);
    }

    private void ThrowIfStopping()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, typeof(HShareChatClient));
        if (_stopping)
            throw new EngineStoppedException("The app is stopping: the model takes no more requests.");
    }
}
