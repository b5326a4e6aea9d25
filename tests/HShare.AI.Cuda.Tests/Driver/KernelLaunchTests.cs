using System.Runtime.CompilerServices;
using HShare.AI.Cuda.Compilation;
using HShare.AI.Cuda.Driver;
using HShare.AI.Cuda.Tests.Testing;

namespace HShare.AI.Cuda.Tests.Driver;

public class KernelLaunchTests
{
    private const string Echo = """
        #include "device.cuh"
        struct Odd { uint8 a, b, c; };
        struct Three { float x, y, z; };
        struct Mixed { int64 wide; int narrow; };
        struct PerHead { int at[128]; };
        extern "C" __global__ void __launch_bounds__(32) echo(
            double* to, const int* from, int i, Odd odd, float f, int64 l, Three three, int j, Mixed mixed, PerHead heads, int last)
        {
            wait_for_previous_kernel();
            let_next_kernel_start();
            if (threadIdx.x > 0)
                return;
            to[0] = from[0]; to[1] = i; to[2] = odd.a * 10000 + odd.b * 100 + odd.c; to[3] = f; to[4] = l;
            to[5] = three.x + 10 * three.y + 100 * three.z; to[6] = j; to[7] = mixed.wide; to[8] = mixed.narrow;
            to[9] = heads.at[0] + heads.at[127]; to[10] = last;
        }
        """;

    private const string Reverse = """
        #include "device.cuh"
        extern "C" __global__ void __launch_bounds__(64) reverse(int* values, int count)
        {
            wait_for_previous_kernel();
            let_next_kernel_start();
            int* copy = (int*)shared_memory();
            for (int i = threadIdx.x; i < count; i += blockDim.x)
                copy[i] = values[i];
            sync_block();
            for (int i = threadIdx.x; i < count; i += blockDim.x)
                values[i] = copy[count - 1 - i];
        }
        """;

    private const string Astray = """
        #include "device.cuh"
        extern "C" __global__ void __launch_bounds__(32) astray(int* values) { values[(1 << 20) + threadIdx.x] = 1; }
        """;

    [Fact]
    public void Arguments_of_every_kind_arrive()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        using KernelLibrary kernels = TestKernels.Library(cuda, null, ("echo.cu", Echo.Replace("int64", "long long")));
        nint to = cuda.Allocate(11 * sizeof(double)), from = cuda.Upload(41);
        PerHead heads = default;
        heads[0] = 1000;
        heads[127] = 234;
        cuda.Launch.Start(kernels.Get("echo.cu", "echo"))
            .Add(to).Add(from).Add(-7).Add(new Odd(12, 34, 56)).Add(0.25f).Add(1L << 40).Add(new Three(1, 2, 3)).Add(8)
            .Add(new Mixed(-(1L << 33), 9)).Add(heads).Add(10)
            .Run(new Grid(1), 32);
        Assert.Equal([41, -7, 123456, 0.25, 1L << 40, 321, 8, -(1L << 33), 9, 1234, 10], cuda.Download<double>(to, 11));
    }

    [Fact]
    public void Every_block_and_thread_runs()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        using KernelLibrary kernels = TestKernels.Library(cuda, null, ("add.cu", TestKernels.Add));
        nint values = cuda.Upload<int>([.. Enumerable.Range(0, 1000)]);
        CudaFunction add = kernels.Get("add.cu", "add", ("FACTOR", "3"));
        cuda.Launch.Start(add).Add(values).Add(5).Add(1000).Run(new Grid(16), 64);
        cuda.Launch.Start(add).Add(values).Add(-1).Add(1000).Run(new Grid(0), 64);
        cuda.Launch.Start(add).Add(values).Add(1).Add(1000).Run(new Grid(16), 64);
        Assert.Equal(Enumerable.Range(18, 1000), cuda.Download<int>(values, 1000));
    }

    [Fact]
    public void Another_thread_may_take_over()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        int[] result = [];
        Thread thread = new(() =>
        {
            using KernelLibrary kernels = TestKernels.Library(cuda, null, ("add.cu", TestKernels.Add));
            nint values = cuda.Upload(1, 2);
            cuda.Launch.Start(kernels.Get("add.cu", "add")).Add(values).Add(1).Add(2).Run(new Grid(1), 32);
            result = cuda.Download<int>(values, 2);
        });
        thread.Start();
        thread.Join();
        Assert.Equal([2, 3], result);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(12 << 10)]
    [InlineData(40 << 10)] // 160 KB
    public void Shared_memory_of_any_size_the_device_has_is_allowed(int count)
    {
        using CudaRuntime cuda = Gpu.Runtime();
        Assert.SkipWhen(count * 4 > cuda.Properties.SharedBytesPerBlock, "This GPU has less shared memory.");
        using KernelLibrary kernels = TestKernels.Library(cuda, null, ("reverse.cu", Reverse));
        nint values = cuda.Upload<int>([.. Enumerable.Range(0, count)]);
        cuda.Launch.Start(kernels.Get("reverse.cu", "reverse")).Add(values).Add(count).Run(new Grid(1), 64, count * 4);
        Assert.Equal(Enumerable.Range(0, count).Reverse(), cuda.Download<int>(values, count));
    }

    [Fact]
    public void More_shared_memory_than_the_device_has_is_refused()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        using KernelLibrary kernels = TestKernels.Library(cuda, null, ("reverse.cu", Reverse));
        int bytes = cuda.Properties.SharedBytesPerBlock + 4;
        CudaException problem = Assert.Throws<CudaException>(
            () => cuda.Launch.Start(kernels.Get("reverse.cu", "reverse")).Add((nint)0).Add(0).Run(new Grid(1), 64, bytes));
        Assert.Equal(CudaFailure.Launch, problem.Failure);
        Assert.Contains("reverse", problem.Message);
        Assert.Contains($"{bytes:N0}", problem.Message);
    }

    [Fact]
    public void A_launch_that_the_driver_refuses_names_kernel_and_grid()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        using KernelLibrary kernels = TestKernels.Library(cuda, null, ("add.cu", TestKernels.Add));
        CudaException problem = Assert.Throws<CudaException>(
            () => cuda.Launch.Start(kernels.Get("add.cu", "add")).Add((nint)0).Add(0).Add(0).Run(new Grid(2, 3), 2048));
        Assert.Equal(CudaFailure.Launch, problem.Failure);
        Assert.Contains("add with 2 x 3 x 1 blocks of 2048 threads", problem.Message);
        Assert.Contains("CUDA_ERROR_", problem.Message);
        cuda.Synchronize();
    }

    [Fact]
    public void More_arguments_than_fit_are_refused()
    {
        using CudaRuntime cuda = Gpu.Runtime();
        using KernelLibrary kernels = TestKernels.Library(cuda, null, ("add.cu", TestKernels.Add));
        KernelLaunch launch = cuda.Launch.Start(kernels.Get("add.cu", "add"));
        for (int i = 0; i < 8; i++)
            launch.Add(default(PerHead));
        Assert.Throws<InvalidOperationException>(() => launch.Add(1));
    }

    [Fact]
    public void A_kernel_that_goes_astray_is_told_at_the_latest_at_the_next_synchronization()
    {
        Gpu.Options();
        Assert.SkipUnless(Gpu.IsEmulated, "A real GPU's context would be lost for all tests of this process.");
        using CudaRuntime cuda = Gpu.Runtime();
        using KernelLibrary kernels = TestKernels.Library(cuda, null, ("astray.cu", Astray));
        nint values = cuda.Allocate(4);
        CudaException problem = Assert.Throws<CudaException>(() =>
        {
            cuda.Launch.Start(kernels.Get("astray.cu", "astray")).Add(values).Run(new Grid(1), 32);
            cuda.Synchronize();
        });
        Assert.Contains("CUDA_ERROR_ILLEGAL_ADDRESS, an illegal memory access was encountered", problem.Message);
        Assert.Contains("restart", problem.Message);
    }

    private readonly record struct Odd(byte A, byte B, byte C);

    private readonly record struct Three(float X, float Y, float Z);

    private readonly record struct Mixed(long Wide, int Narrow);

    [InlineArray(128)]
    private struct PerHead
    {
        private int _at;
    }
}
