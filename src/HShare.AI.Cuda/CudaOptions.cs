using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda;

/// <summary>Which GPU the NVIDIA backend uses, in which precision it computes, and where it finds and keeps files.</summary>
public sealed record CudaOptions
{
    /// <summary>Number of the GPU, as the driver counts those that it shows (CUDA_VISIBLE_DEVICES hides some).</summary>
    public int DeviceIndex { get; init; }

    /// <summary>
    /// Type of the 16-bit weights and of the activations that feed matrix products: <see cref="DType.BFloat16"/> or
    /// <see cref="DType.Float16"/>. Sums are float32 in either case.
    /// </summary>
    public DType ComputeType { get; init; } = DType.BFloat16;

    /// <summary>
    /// Folders in which libcuda, NVRTC and cuBLASLt are looked for before anywhere else (see <see cref="Driver.CudaLibraries"/>). A library
    /// is loaded once in a process: these folders no longer matter for one that is loaded already.
    /// </summary>
    public IReadOnlyList<string> LibraryPaths { get; init; } = [];

    /// <summary>
    /// Folder that keeps compiled kernels for the next start. Null = the environment variable HSHARE_KERNEL_CACHE, or, where that is not
    /// set, HShare.AI/kernels in the user's local application data. May be deleted at any time; several processes may share it; one that
    /// cannot be written only costs the compilation at every start.
    /// </summary>
    public string? CachePath { get; init; }

    /// <summary>
    /// Whether every piece of device memory gets an allocation of its own, for tools that find accesses outside of one (compute-sanitizer)
    /// and for tests.
    /// </summary>
    internal bool SeparateAllocations { get; init; }
}
