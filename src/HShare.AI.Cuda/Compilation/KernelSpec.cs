namespace HShare.AI.Cuda.Compilation;

/// <summary>A kernel file with its macros: what one compilation makes.</summary>
/// <param name="File">Name of the file: "embed.cu".</param>
/// <param name="Macros">Names and values, in the order in which the operation gives them.</param>
internal sealed record KernelSpec(string File, params IReadOnlyList<(string Name, string Value)> Macros)
{
    /// <summary>The file and its macros as one text, the same for equal specifications.</summary>
    public string Key => $"{File} {string.Join(' ', Macros.Select(macro => $"{macro.Name}={macro.Value}"))}";
}

/// <summary>What it took to get the kernels ready.</summary>
/// <param name="Compiled">Number of files compiled.</param>
/// <param name="FromCache">Number of files taken from the cache folder.</param>
/// <param name="CompileTime">Time spent compiling, summed over the threads.</param>
internal readonly record struct KernelStatistics(int Compiled, int FromCache, TimeSpan CompileTime);
