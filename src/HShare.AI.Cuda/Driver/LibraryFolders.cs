using System.Runtime.InteropServices;

namespace HShare.AI.Cuda.Driver;

/// <summary>The folders that may hold CUDA's libraries, in the order in which they are searched.</summary>
internal static class LibraryFolders
{
    /// <summary>Environment variable with folders, separated as in PATH.</summary>
    public const string Variable = "HSHARE_CUDA_LIBRARY_PATH";

    /// <summary>
    /// The folders asked for, those of the environment variable, the application's, those of installed toolkits, and of LibTorch packages
    /// for CUDA. The first two kinds are listed whether or not they exist, the others where they do.
    /// </summary>
    public static IReadOnlyList<string> InOrder(IReadOnlyList<string> asked)
    {
        string[] named = Environment.GetEnvironmentVariable(Variable)?.Split(
            Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        IEnumerable<string> usual = Application().Concat(Toolkits()).Concat(Packages()).Where(Directory.Exists);
        return [.. asked.Concat(named).Concat(usual).Select(Path.GetFullPath).Distinct()];
    }

    private static string[] Application()
    {
        string architecture = RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant();
        string platform = (OperatingSystem.IsWindows() ? "win-" : "linux-") + architecture;
        return [AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "runtimes", platform, "native")];
    }

    private static IEnumerable<string> Toolkits()
    {
        string?[] roots = [Environment.GetEnvironmentVariable("CUDA_PATH"), Environment.GetEnvironmentVariable("CUDA_HOME")];
        IEnumerable<string> all = roots.OfType<string>().Where(root => root.Length > 0);
        if (OperatingSystem.IsWindows())
        {
            string programs = Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles);
            string toolkits = Path.Combine(programs, "NVIDIA GPU Computing Toolkit", "CUDA");
            return all.Concat(NewestFirst(toolkits, "v*"))
                .SelectMany<string, string>(root => [Path.Combine(root, "bin"), Path.Combine(root, "bin", "x64")]);
        }

        string target = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "sbsa-linux" : "x86_64-linux";
        return all.Append("/usr/local/cuda").Concat(NewestFirst("/usr/local", "cuda-*"))
            .SelectMany<string, string>(root => [Path.Combine(root, "lib64"), Path.Combine(root, "targets", target, "lib")]);
    }

    private static IEnumerable<string> Packages()
    {
        string? packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES");
        if (string.IsNullOrEmpty(packages))
            packages = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        return NewestFirst(packages, "libtorch-cuda-*").SelectMany(package => Folders(package, "native", deep: true));
    }

    private static IEnumerable<string> NewestFirst(string folder, string pattern) =>
        Folders(folder, pattern, deep: false).OrderByDescending(path => path, StringComparer.Ordinal);

    private static string[] Folders(string folder, string pattern, bool deep) => !Directory.Exists(folder)
        ? []
        : Directory.GetDirectories(folder, pattern, new EnumerationOptions { RecurseSubdirectories = deep, IgnoreInaccessible = true });
}
