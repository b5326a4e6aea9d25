using HShare.AI.Cuda.Driver;
using HShare.AI.Engine;

namespace HShare.AI.Cuda;

/// <summary>What kind of thing went wrong with the GPU.</summary>
public enum CudaFailure
{
    /// <summary>A library (the driver, NVRTC or cuBLASLt) was not found or could not be loaded.</summary>
    LibraryMissing,

    /// <summary>There is no GPU, or none of that number.</summary>
    NoDevice,

    /// <summary>The driver is older than the backend needs.</summary>
    DriverTooOld,

    /// <summary>The GPU is older than the backend needs.</summary>
    DeviceTooOld,

    /// <summary>A kernel did not compile.</summary>
    Compilation,

    /// <summary>A kernel could not be launched.</summary>
    Launch,

    /// <summary>A call of the driver or of cuBLASLt failed, or work on the GPU did.</summary>
    Call,
}

/// <summary>
/// The GPU, its driver or one of its libraries cannot do what was asked. The message says what failed, the driver's own name and text
/// for it, and what to do. (Too little memory is an <see cref="InsufficientMemoryException"/> instead.)
/// </summary>
public sealed class CudaException : HShareException
{
    /// <summary>The oldest driver that works, as the driver counts: 1000 * major + 10 * minor.</summary>
    internal const int OldestDriver = 12000;

    /// <summary>The oldest GPU that works: 10 * major + minor of its compute capability.</summary>
    internal const int OldestDevice = 80;

    /// <summary>An error.</summary>
    /// <param name="failure">What kind of error.</param>
    /// <param name="message">What was wrong and what to do.</param>
    /// <param name="status">The driver's (or library's) error number, 0 where none is behind it.</param>
    public CudaException(CudaFailure failure, string message, int status = 0)
        : base(message)
    {
        Failure = failure;
        Status = status;
    }

    /// <summary>What kind of error.</summary>
    public CudaFailure Failure { get; }

    /// <summary>The driver's (or library's) error number, 0 where none is behind it.</summary>
    public int Status { get; }

    internal static CudaException LibraryMissing(CudaLibrary library, string names, string fix) => new(
        CudaFailure.LibraryMissing,
        $"{library.Name} ({names}) was not found. {fix} Looked in: {string.Join("; ", library.Tried)}.");

    internal static CudaException NoDevice(int index, int count) => new(
        CudaFailure.NoDevice,
        count == 0
            ? "The NVIDIA driver finds no GPU. Check `nvidia-smi` and CUDA_VISIBLE_DEVICES (in a container: that it was started with the "
                + "GPUs), or choose the CPU backend."
            : $"There is no GPU number {index}: the NVIDIA driver shows {count}, numbered from 0. Choose one of them, or check "
                + "CUDA_VISIBLE_DEVICES.",
        count == 0 ? DriverStatus.NoDevice : 0);

    internal static CudaException DriverTooOld(int version) => new(
        CudaFailure.DriverTooOld,
        $"The NVIDIA driver supports CUDA {VersionText(version)}; {VersionText(OldestDriver)} or later is needed. "
            + "Install a newer driver (525 or later).");

    internal static CudaException DeviceTooOld(DeviceProperties device) => new(
        CudaFailure.DeviceTooOld,
        $"{device.Name} has compute capability {device.ComputeCapability / 10}.{device.ComputeCapability % 10}; "
            + $"{OldestDevice / 10}.{OldestDevice % 10} or later is needed (Ampere and newer). Choose another GPU, or the CPU backend.");

    internal static CudaException Compilation(string file, string options, string log) => new(
        CudaFailure.Compilation,
        $"The kernel file {file} does not compile ({options}). This is a defect of the kernel or a mismatch with the NVRTC version; "
            + $"NVRTC says:{Environment.NewLine}{log}");

    internal static CudaException Call(string what, int status, CudaFailure failure = CudaFailure.Call) =>
        new(failure, $"{what} failed: {DriverStatus.Describe(status)}. {DriverStatus.Advice(status)}", status);

    private static string VersionText(int version) => $"{version / 1000}.{version % 1000 / 10}";
}
