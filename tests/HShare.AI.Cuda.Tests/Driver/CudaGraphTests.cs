using HShare.AI.Cuda.Compilation;
using HShare.AI.Cuda.Driver;
using HShare.AI.Cuda.Tests.Testing;

namespace HShare.AI.Cuda.Tests.Driver;

public sealed class CudaGraphTests : IDisposable
{
    private readonly CudaRuntime _cuda = Gpu.Runtime();
    private readonly KernelLibrary _kernels;
    private readonly CudaFunction _add;

    public CudaGraphTests()
    {
        _kernels = TestKernels.Library(_cuda, null, ("add.cu", TestKernels.Add));
        _add = _kernels.Get("add.cu", "add");
    }

    public void Dispose()
    {
        _kernels.Dispose();
        _cuda.Dispose();
    }

    [Fact]
    public void A_replay_works_on_what_memory_holds_by_then()
    {
        nint values = _cuda.Upload(1, 2, 3), copy = _cuda.Allocate(12);
        using CudaGraph graph = _cuda.Capture(() =>
        {
            Add(values, 10, 3);
            Add(values, 100, 2);
            _cuda.CopyOnDevice(copy, values, 12);
        });
        Assert.Equal(3, graph.NodeCount);
        Assert.Equal([1, 2, 3], _cuda.Download<int>(values, 3));
        graph.Launch();
        Assert.Equal([111, 112, 13], _cuda.Download<int>(copy, 3));
        _cuda.CopyToDevice(values, new byte[12]);
        graph.Launch();
        graph.Launch();
        Assert.Equal([220, 220, 20], _cuda.Download<int>(copy, 3));
    }

    [Fact]
    public void A_failed_capture_is_ended_and_its_error_told()
    {
        nint values = _cuda.Upload(1);
        Assert.Throws<NotSupportedException>(() => _cuda.Capture(() =>
        {
            Add(values, 1, 1);
            throw new NotSupportedException();
        }));
        Assert.False(_cuda.IsCapturing);
        Add(values, 5, 1);
        Assert.Equal([6], _cuda.Download<int>(values, 1));
        using CudaGraph graph = _cuda.Capture(() => Add(values, 1, 1));
        graph.Launch();
        Assert.Equal([7], _cuda.Download<int>(values, 1));
    }

    [Fact]
    public void What_cannot_be_recorded_is_refused_with_the_reason()
    {
        nint values = _cuda.Upload(1);
        DeviceScratch scratch = _cuda.NewScratch();
        Action[] attempts =
        [
            () => _cuda.CopyToDevice(values, [1, 2]),
            () => _cuda.Download<int>(values, 1),
            () => _cuda.Allocate(1),
            () => scratch.Reserve(1),
            _cuda.Synchronize,
            () => _kernels.Get("add.cu", "add", ("FACTOR", "77")),
            () => _cuda.Capture(() => { }),
        ];
        foreach (Action attempt in attempts)
        {
            InvalidOperationException problem = Assert.Throws<InvalidOperationException>(() => _cuda.Capture(attempt));
            Assert.Contains("graph capture", problem.Message);
        }

        Assert.Equal([1], _cuda.Download<int>(values, 1));
        _kernels.Get("add.cu", "add", ("FACTOR", "77")); // the refusal is not kept
    }

    [Fact]
    public void Time_on_the_device_is_measured()
    {
        nint values = _cuda.Upload(1);
        TimeSpan time = _cuda.Time(() => Add(values, 1, 1));
        Assert.InRange(time, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    private void Add(nint values, int amount, int count) =>
        _cuda.Launch.Start(_add).Add(values).Add(amount).Add(count).Run(new Grid(1), 32);
}
