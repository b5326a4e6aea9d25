using HShare.AI;
using HShare.AI.Cuda;
using HShare.AI.Cuda.Compilation;
using HShare.AI.Cuda.Driver;
using HShare.AI.Engine;
using HShare.AI.Engine.Compute.Cpu;
using HShare.Cli.Bench.Gpu;

namespace HShare.Cli.Doctor;

/// <summary>What the NVIDIA backend needs, from the driver to a decode.</summary>
internal static class GpuChecks
{
    /// <summary>Name of the check whether a GPU can be opened: what <c>--backend auto</c> decides by.</summary>
    public const string Opening = "GPU backend";

    private const HShareBackend Gpu = HShareBackend.Cuda;
    private const long LittleMemory = 2L << 30;

    /// <summary>Libraries, driver and GPUs; none is opened.</summary>
    public static IEnumerable<DoctorCheck> Machine()
    {
        foreach (CudaLibrary library in CudaLibraries.Find(new CudaOptions()))
        {
            yield return library.Path is { } path
                ? DoctorCheck.Ok($"library {library.Name}", path, Gpu)
                : DoctorCheck.Failed(
                    $"library {library.Name}", $"not found. Looked in: {string.Join("; ", library.Tried)}", Fix(library.Name), Gpu);
        }

        (IReadOnlyList<DeviceProperties> devices, DoctorCheck? problem) = Devices();
        if (problem is not null)
        {
            yield return problem;
            yield break;
        }

        yield return DoctorCheck.Ok(
            "NVIDIA driver", $"supports CUDA {devices[0].DriverVersion / 1000}.{devices[0].DriverVersion % 1000 / 10}", Gpu);
        foreach (DeviceProperties device in devices)
        {
            yield return DoctorCheck.Ok(
                $"GPU {device.Index}",
                $"{device.Name}, {device.MemoryBytes / (double)(1L << 30):0.0} GiB, compute capability "
                + $"{device.ComputeCapability / 10}.{device.ComputeCapability % 10}, {device.MultiprocessorCount} multiprocessors",
                Gpu);
        }
    }

    /// <summary>Opens the GPU and tries everything on it.</summary>
    /// <param name="directory">Folder of the model that is decoded with.</param>
    /// <param name="expected">What the CPU has drawn.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellationToken">Ends it between two checks.</param>
    public static IEnumerable<DoctorCheck> Use(
        string? directory, int[] expected, IProgress<double> progress, CancellationToken cancellationToken)
    {
        (CudaBackend? opened, DoctorCheck opening) = Open();
        yield return opening;
        if (opened is null)
            yield break;

        using CudaBackend cuda = opened;
        long free = cuda.Runtime.FreeMemory;
        string memory = $"{free / (double)(1L << 30):0.0} of {cuda.Device.MemoryBytes / (double)(1L << 30):0.0} GiB";
        yield return free >= LittleMemory
            ? DoctorCheck.Ok("memory free", memory, Gpu)
            : new DoctorCheck(
                "memory free", CheckStatus.Warning, memory, "End other programs that use the GPU (nvidia-smi lists them).", Gpu);

        using CpuBackend cpu = new();
        int done = 0;
        foreach (DoctorCheck check in new OperationChecks(cuda, cpu, Gpu).Run())
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress.Report(++done / 20.0);
            yield return check with { Name = $"operation {check.Name}" };
        }

        if (directory is not null && expected.Length > 0)
            yield return DecodeCheck.On(directory, cuda, expected, Gpu, cancellationToken);
        yield return Kernels(cuda);
        yield return Bandwidth();
    }

    private static (CudaBackend? Backend, DoctorCheck Check) Open()
    {
        try
        {
            CudaBackend cuda = new();
            return (cuda, DoctorCheck.Ok(Opening, cuda.Description, Gpu));
        }
        catch (Exception error) when (error is HShareException or InsufficientMemoryException)
        {
            return (null, DoctorCheck.Failed(Opening, error.Message, "See the lines above; the CPU backend needs no GPU.", Gpu));
        }
    }

    private static (IReadOnlyList<DeviceProperties> Devices, DoctorCheck? Problem) Devices()
    {
        try
        {
            IReadOnlyList<DeviceProperties> devices = DeviceProperties.ReadAll();
            return devices.Count > 0
                ? (devices, null)
                : (devices, DoctorCheck.Failed(
                    "GPU",
                    "the NVIDIA driver finds none",
                    "Check nvidia-smi and CUDA_VISIBLE_DEVICES; in a container, start it with the GPUs.",
                    Gpu));
        }
        catch (HShareException error)
        {
            return ([], DoctorCheck.Failed("NVIDIA driver", error.Message, "Install the NVIDIA driver, 525 or later.", Gpu));
        }
    }

    private static DoctorCheck Kernels(CudaBackend cuda)
    {
        KernelStatistics kernels = cuda.Kernels.Statistics;
        string finding = $"{kernels.Compiled} compiled in {kernels.CompileTime.TotalSeconds:0.0} s, {kernels.FromCache} from the cache"
            + (cuda.Kernels.CacheFolder is { } folder ? $" ({folder})" : "");
        return cuda.Kernels.CacheFolder is not null
            ? DoctorCheck.Ok("kernels", finding, Gpu)
            : new DoctorCheck(
                "kernels",
                CheckStatus.Warning,
                finding + "; no folder to keep them in",
                "Set HSHARE_KERNEL_CACHE to a folder that can be written: else kernels are compiled at every start.",
                Gpu);
    }

    private static DoctorCheck Bandwidth()
    {
        const string Name = "copy bandwidth";
        try
        {
            using BenchDevice device = BenchDevice.OpenCuda();
            GpuLimits limits = GpuLimits.Measure(device, withMatrix: true);
            return DoctorCheck.Ok(
                Name,
                $"{limits.CopyBytesPerSecond / 1e9:N0} GB/s read + written; "
                + $"16-bit matrix product {limits.MatrixFlopsPerSecond / 1e12:N0} TFLOP/s",
                Gpu);
        }
        catch (Exception error) when (error is HShareException or InsufficientMemoryException)
        {
            return new DoctorCheck(
                Name, CheckStatus.Warning, error.Message, "End other programs that use the GPU, and run hshare doctor again.", Gpu);
        }
    }

    private static string Fix(string library) => library == "libcuda"
        ? "Install the NVIDIA driver, 525 or later (in a container, start it with the GPUs)."
        : "Install the CUDA toolkit or its runtime packages, or name their folder in HSHARE_CUDA_LIBRARY_PATH (docs/cuda.md).";
}
