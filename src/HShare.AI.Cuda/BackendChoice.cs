using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Cuda;

/// <summary>A backend that was chosen where nobody said which.</summary>
/// <param name="Backend">The backend; the caller's to dispose.</param>
/// <param name="Reason">Why this one, to be shown.</param>
/// <param name="IsSecondBest">
/// Whether it is the CPU although an NVIDIA driver and a GPU are there: something is missing or broken that can be mended.
/// </param>
public sealed record BackendChoice(Backend Backend, string Reason, bool IsSecondBest)
{
    /// <summary>The GPU where it can be used, else the CPU.</summary>
    /// <param name="options">Which GPU.</param>
    /// <param name="threads">Threads of the CPU backend; null = one for each core.</param>
    /// <exception cref="CudaException">A GPU other than the first is asked for, there is a driver, and that GPU cannot be used.</exception>
    public static BackendChoice Fastest(CudaOptions? options = null, int? threads = null)
    {
        options ??= new CudaOptions();
        try
        {
            return new BackendChoice(new CudaBackend(options), "it is the fastest that this machine has", IsSecondBest: false);
        }
        catch (CudaException problem) when (options.DeviceIndex == 0 || !HasDriver(options))
        {
            bool isThere = problem.Failure != CudaFailure.NoDevice && HasDriver(options);
            return new BackendChoice(new CpuBackend(threads), $"no GPU can be used: {problem.Message}", isThere);
        }
    }

    private static bool HasDriver(CudaOptions options) => CudaLibraries.Find(options)[0].Path is not null;
}
