using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Cuda;

/// <summary>Which backend a machine has, where nobody says it.</summary>
public static class BackendChoice
{
    /// <summary>The GPU where it can be used, else the CPU; and why, to be shown.</summary>
    /// <param name="options">Which GPU.</param>
    /// <param name="threads">Threads of the CPU backend; null = one for each core.</param>
    public static (Backend Backend, string Reason) Fastest(CudaOptions? options = null, int? threads = null)
    {
        try
        {
            return (new CudaBackend(options), "it is the fastest that this machine has");
        }
        catch (CudaException problem)
        {
            return (new CpuBackend(threads), $"no GPU can be used: {problem.Message}");
        }
    }
}
