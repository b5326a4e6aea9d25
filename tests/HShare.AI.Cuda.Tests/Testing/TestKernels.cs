using HShare.AI.Cuda.Compilation;
using HShare.AI.Cuda.Driver;

namespace HShare.AI.Cuda.Tests.Testing;

/// <summary>Small kernels that tests give as text.</summary>
internal static class TestKernels
{
    /// <summary>values[i] += amount, for each of count.</summary>
    public const string Add = """
        #include "device.cuh"
        #ifndef FACTOR
        #define FACTOR 1
        #endif
        extern "C" __global__ void __launch_bounds__(64) add(int* values, int amount, int count)
        {
            wait_for_previous_kernel();
            let_next_kernel_start();
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < count)
                values[i] += FACTOR * amount;
        }
        """;

    /// <summary>A library of kernel files, with the headers of the real ones beside them.</summary>
    /// <param name="cuda">The GPU.</param>
    /// <param name="cachePath">Folder for compiled kernels; null = the tests' own.</param>
    /// <param name="files">Names and texts.</param>
    public static KernelLibrary Library(
        CudaRuntime cuda, string? cachePath, params ReadOnlySpan<(string Name, string Text)> files)
    {
        Dictionary<string, string> sources = KernelSources.Embedded
            .Where(file => file.Key.EndsWith(".cuh", StringComparison.Ordinal))
            .ToDictionary(file => file.Key, file => file.Value);
        foreach ((string name, string text) in files)
            sources.Add(name, text);
        return new KernelLibrary(cuda, sources, cachePath ?? cuda.Options.CachePath);
    }
}
