using HShare.AI.Cuda.Driver;
using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Tests.Driver;

public class CudaRuntimeTests
{
    [Fact]
    public void The_device_tells_what_it_has()
    {
        using CudaRuntime cuda = Gpu.Runtime(DType.Float16);
        DeviceProperties device = cuda.Properties;
        Assert.NotEmpty(device.Name);
        Assert.InRange(device.ComputeCapability, 80, 200);
        Assert.InRange(device.MultiprocessorCount, 1, 1000);
        Assert.InRange(device.SharedBytesPerBlock, 90 << 10, 1 << 20);
        Assert.InRange(cuda.FreeMemory, 1, device.MemoryBytes);
        Assert.True(device.L2Bytes > 0);
        Assert.Equal((DType.Float16, "f16"), (cuda.Element, cuda.ElementName));
        Assert.Contains(device, DeviceProperties.ReadAll());
    }

    [Fact]
    public void A_device_number_that_is_not_there_is_refused()
    {
        CudaException problem = Assert.Throws<CudaException>(() => new CudaRuntime(Gpu.Options() with { DeviceIndex = 99 }));
        Assert.Equal(CudaFailure.NoDevice, problem.Failure);
        Assert.Contains("99", problem.Message);
    }

    [Fact]
    public void Only_16_bit_compute_types_are_taken() => Assert.Throws<ArgumentException>(() => Gpu.Runtime(DType.Float32));

    [Fact]
    public void Several_runtimes_live_beside_each_other()
    {
        using CudaRuntime first = Gpu.Runtime();
        nint kept = first.Upload(1, 2, 3);
        using (CudaRuntime second = Gpu.Runtime())
            Assert.Equal([4], second.Download<int>(second.Upload(4), 1));
        Assert.Equal([1, 2, 3], first.Download<int>(kept, 3));
    }

    [Fact]
    public void A_disposed_runtime_is_not_used_any_more()
    {
        CudaRuntime cuda = Gpu.Runtime();
        CudaEvent mark = new(cuda);
        CudaGraph graph = cuda.Capture(() => { });
        cuda.Dispose();
        cuda.Dispose();
        mark.Dispose();
        graph.Dispose();
        Assert.Throws<ObjectDisposedException>(() => cuda.Allocate(1));
        Assert.Throws<ObjectDisposedException>(() => cuda.Launch.Start(null!));
    }

    [Fact]
    public void A_runtime_is_disposed_by_another_thread_than_used_it()
    {
        CudaRuntime cuda = Gpu.Runtime();
        CudaGraph graph = cuda.Capture(() => { });
        Assert.Equal([7], cuda.Download<int>(cuda.Upload(7), 1));
        Thread other = new(() =>
        {
            graph.Dispose();
            cuda.Dispose();
        });
        other.Start();
        other.Join();
        Assert.False(cuda.TryMakeCurrent());
        Assert.Throws<ObjectDisposedException>(cuda.MakeCurrent);
    }

    [Theory]
    [InlineData(700, "restart it")]
    [InlineData(702, "restart it")]
    [InlineData(710, "restart it")]
    [InlineData(719, "restart it")]
    [InlineData(214, "nvidia-smi -q")]
    [InlineData(218, "update the driver")]
    public void After_an_error_that_ends_the_context_the_advice_is_to_restart(int status, string advice) =>
        Assert.Contains(advice, CudaException.Call("Work on the GPU", status).Message);

    [Fact]
    public void An_old_driver_and_an_old_device_are_named()
    {
        Assert.Contains("CUDA 11.8; 12.0 or later", CudaException.DriverTooOld(11080).Message);
        Assert.Contains("Tesla T4 has compute capability 7.5; 8.0 or later", CudaException.DeviceTooOld(Device("Tesla T4", 75)).Message);
        Assert.Contains("finds no GPU", CudaException.NoDevice(0, 0).Message);
    }

    [Theory]
    [InlineData(80, false, false)]
    [InlineData(86, false, false)]
    [InlineData(89, true, false)]
    [InlineData(90, true, true)]
    [InlineData(120, true, true)]
    public void A_device_does_what_its_generation_does(int computeCapability, bool convertsFloat8, bool overlapsLaunches)
    {
        DeviceProperties device = Device("some GPU", computeCapability);
        Assert.Equal((convertsFloat8, overlapsLaunches), (device.ConvertsFloat8, device.OverlapsLaunches));
    }

    private static DeviceProperties Device(string name, int computeCapability) => new()
    {
        Index = 0,
        Name = name,
        ComputeCapability = computeCapability,
        MultiprocessorCount = 40,
        MemoryBytes = 1,
        L2Bytes = 1,
        SharedBytesPerBlock = 1,
        SharedBytesPerMultiprocessor = 1,
        MemoryBandwidth = 1,
        DriverVersion = 12040,
    };
}
