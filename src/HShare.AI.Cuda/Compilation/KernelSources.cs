namespace HShare.AI.Cuda.Compilation;

/// <summary>The kernel sources that this assembly carries.</summary>
internal static class KernelSources
{
    private static readonly Lazy<IReadOnlyDictionary<string, string>> Files = new(Read);

    /// <summary>Name ("embed.cu", "device.cuh") to text.</summary>
    public static IReadOnlyDictionary<string, string> Embedded => Files.Value;

    private static Dictionary<string, string> Read()
    {
        Dictionary<string, string> files = [];
        foreach (string name in typeof(KernelSources).Assembly.GetManifestResourceNames())
        {
            if (!name.EndsWith(".cu", StringComparison.Ordinal) && !name.EndsWith(".cuh", StringComparison.Ordinal))
                continue;
            using StreamReader reader = new(typeof(KernelSources).Assembly.GetManifestResourceStream(name)!);
            files.Add(name, reader.ReadToEnd());
        }

        return files;
    }
}
