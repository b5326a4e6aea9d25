using HShare.AI.Engine;
using HShare.AI.Hosting;

namespace HShare.AI.Tests.Hosting;

public class ServedModelTests
{
    private static readonly LoadedModel Model = new(null!, null!, null!); // never used, only handed out

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_loaded_once_whoever_asks()
    {
        int loads = 0;
        var served = new ServedModel(_ =>
        {
            Interlocked.Increment(ref loads);
            Thread.Sleep(20);
            return Model;
        });
        Assert.False(served.IsRequested);
        Assert.Null(served.Ready);

        LoadedModel[] models = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Task.Run(() => served.GetAsync(TestToken), TestToken)));
        Assert.All(models, model => Assert.Same(Model, model));
        Assert.Equal(1, loads);
        Assert.Same(Model, served.Ready);
    }

    [Fact]
    public async Task A_failed_load_stays_failed_with_its_own_error()
    {
        int loads = 0;
        var failure = new ModelLoadException("model.safetensors", "It is truncated.");
        await using var served = new ServedModel(_ =>
        {
            loads++;
            throw failure;
        });
        for (int i = 0; i < 2; i++)
            Assert.Same(failure, await Assert.ThrowsAsync<ModelLoadException>(() => served.GetAsync(TestToken)));
        Assert.Equal(1, loads);
        Assert.Same(failure, served.Failure);
        Assert.Null(served.Ready);
    }

    [Fact]
    public async Task Cancelling_ends_the_waiting_not_the_loading()
    {
        using var release = new ManualResetEventSlim();
        var served = new ServedModel(_ =>
        {
            release.Wait(CancellationToken.None);
            return Model;
        });
        using var cancel = new CancellationTokenSource();
        Task<LoadedModel> waiting = served.GetAsync(cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        release.Set();
        Assert.Same(Model, await served.GetAsync(TestToken));
    }

    [Fact]
    public async Task Disposing_ends_the_loading()
    {
        using var started = new ManualResetEventSlim();
        var served = new ServedModel(cancellationToken =>
        {
            started.Set();
            cancellationToken.WaitHandle.WaitOne();
            cancellationToken.ThrowIfCancellationRequested();
            return Model;
        });
        Task<LoadedModel> waiting = served.GetAsync(CancellationToken.None);
        started.Wait(TestToken);
        await served.DisposeAsync();
        await served.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting); // who waits has cancelled nothing
        Assert.True(served.IsDisposed);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => served.GetAsync(TestToken));
    }

    [Fact]
    public async Task A_stopped_model_is_not_loaded_for_a_late_request()
    {
        int loads = 0;
        await using var served = new ServedModel(_ =>
        {
            loads++;
            return Model;
        });
        await served.StopAsync(TimeSpan.Zero);
        await Assert.ThrowsAsync<EngineStoppedException>(() => served.GetAsync(TestToken));
        Assert.Equal(0, loads);
    }

    [Fact]
    public async Task A_model_that_is_stopped_while_it_is_loaded_takes_no_request()
    {
        using var release = new ManualResetEventSlim();
        var served = new ServedModel(_ =>
        {
            release.Wait(CancellationToken.None);
            return Model;
        });
        Task<LoadedModel> waiting = served.GetAsync(TestToken);
        await served.StopAsync(TimeSpan.Zero);
        release.Set();
        await Assert.ThrowsAsync<EngineStoppedException>(() => waiting);
    }
}
