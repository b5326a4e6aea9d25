namespace HShare.AI.Cuda.Compilation;

/// <summary>
/// What kernels are compiled to: machine code of the GPU, or, where NVRTC is older than the GPU, PTX of the newest generation that NVRTC
/// knows, which the driver compiles on.
/// </summary>
/// <param name="Architecture">NVRTC's name for it: "sm_90" or "compute_90".</param>
/// <param name="IsPtx">Whether it is PTX.</param>
internal sealed record KernelTarget(string Architecture, bool IsPtx)
{
    /// <summary>Machine code of a GPU.</summary>
    /// <param name="computeCapability">The GPU's, 10 * major + minor.</param>
    public static KernelTarget MachineCode(int computeCapability) => new($"sm_{computeCapability}", IsPtx: false);

    /// <summary>The target for a GPU that NVRTC may or may not know.</summary>
    /// <param name="computeCapability">The GPU's, 10 * major + minor.</param>
    /// <param name="supported">The architectures that NVRTC knows, counted likewise.</param>
    /// <exception cref="CudaException">NVRTC knows none that the GPU runs.</exception>
    public static KernelTarget For(int computeCapability, IReadOnlyList<int> supported)
    {
        if (supported.Contains(computeCapability))
            return MachineCode(computeCapability);
        int newest = supported.Where(known => known < computeCapability).DefaultIfEmpty().Max();
        return newest > 0
            ? new KernelTarget($"compute_{newest}", IsPtx: true)
            : throw new CudaException(
                CudaFailure.DeviceTooOld,
                $"This version of NVRTC compiles for compute capability {supported.Min() / 10.0:0.0} and later, the GPU has "
                + $"{computeCapability / 10.0:0.0}. Install the runtime libraries of CUDA 12.");
    }
}
