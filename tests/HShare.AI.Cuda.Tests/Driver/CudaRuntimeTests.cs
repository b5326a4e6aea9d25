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
    }

    [Fact]
    public void An_old_driver_and_an_old_device_are_named()
    {
        Assert.Contains("CUDA 11.8; 12.0 or later", CudaException.DriverTooOld(11080).Message);
        DeviceProperties old = new()
        {
            Index = 0,
            Name = "Tesla T4",
            ComputeCapability = 75,
            MultiprocessorCount = 40,
            MemoryBytes = 1,
            L2Bytes = 1,
            SharedBytesPerBlock = 1,
            SharedBytesPerMultiprocessor = 1,
            MemoryBandwidth = 1,
            DriverVersion = 12000,
        };
        Assert.Contains("Tesla T4 has compute capability 7.5; 8.0 or later", CudaException.DeviceTooOld(old).Message);
        Assert.Contains("finds no GPU", CudaException.NoDevice(0, 0).Message);
    }
}
