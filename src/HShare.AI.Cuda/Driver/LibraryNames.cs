using System.Globalization;
using System.Text.RegularExpressions;

namespace HShare.AI.Cuda.Driver;

/// <summary>What the files of one library may be called on this operating system, and what to do where there is none.</summary>
/// <param name="Name">The library's name for people.</param>
/// <param name="LoaderNames">The names that the system's loader is asked for, best first.</param>
/// <param name="Pattern">What a file of it is called; the group "major" is the CUDA version where the name tells it.</param>
/// <param name="Fix">What to do where it is missing.</param>
internal sealed partial record LibraryNames(string Name, IReadOnlyList<string> LoaderNames, Regex Pattern, string Fix)
{
    private const string ToolkitFix = "Install the runtime libraries of the CUDA toolkit 12 or 13, reference a libtorch-cuda package, "
        + "or set HSHARE_CUDA_LIBRARY_PATH to the folder that holds it.";

    /// <summary>The driver.</summary>
    public static LibraryNames Driver { get; } = OperatingSystem.IsWindows()
        ? new("libcuda", ["nvcuda.dll"], WindowsDriver(), "Install the NVIDIA driver, or choose the CPU backend.")
        : new("libcuda", ["libcuda.so.1", "libcuda.so"], LinuxDriver(), "Install the NVIDIA driver, or choose the CPU backend.");

    /// <summary>The compiler of kernels.</summary>
    public static LibraryNames Nvrtc { get; } = OperatingSystem.IsWindows()
        ? new("NVRTC", ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll"], WindowsNvrtc(), ToolkitFix)
        : new("NVRTC", ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"], LinuxNvrtc(), ToolkitFix);

    /// <summary>Large matrix products.</summary>
    public static LibraryNames CublasLt { get; } = OperatingSystem.IsWindows()
        ? new("cuBLASLt", ["cublasLt64_13.dll", "cublasLt64_12.dll"], WindowsCublasLt(), ToolkitFix)
        : new("cuBLASLt", ["libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"], LinuxCublasLt(), ToolkitFix);

    /// <summary>Whether a name is one of this library's and its CUDA version, where it has one, is one that works here.</summary>
    /// <param name="fileName">Name of a file, without its folder.</param>
    /// <param name="newestMajor">The CUDA version of the driver: what is newer than it would not run.</param>
    /// <param name="major">The CUDA version that the name tells, or 0.</param>
    public bool Matches(string fileName, int newestMajor, out int major)
    {
        Match match = Pattern.Match(fileName);
        major = match.Groups["major"].Success ? int.Parse(match.Groups["major"].ValueSpan, CultureInfo.InvariantCulture) : 0;
        return match.Success && (major == 0 || (major >= 12 && major <= newestMajor));
    }

    // Packages of LibTorch put eight hex digits into the names.
    [GeneratedRegex(@"^libcuda\.so(\.[0-9]+)*$")]
    private static partial Regex LinuxDriver();

    [GeneratedRegex(@"^nvcuda\.dll$", RegexOptions.IgnoreCase)]
    private static partial Regex WindowsDriver();

    [GeneratedRegex(@"^libnvrtc(-[0-9a-f]{8})?\.so(\.(?<major>[0-9]+)(\.[0-9]+)*)?$")]
    private static partial Regex LinuxNvrtc();

    [GeneratedRegex(@"^nvrtc64_(?<major>[0-9]{2})[0-9]_0\.dll$", RegexOptions.IgnoreCase)]
    private static partial Regex WindowsNvrtc();

    [GeneratedRegex(@"^libcublasLt(-[0-9a-f]{8})?\.so(\.(?<major>[0-9]+)(\.[0-9]+)*)?$")]
    private static partial Regex LinuxCublasLt();

    [GeneratedRegex(@"^cublasLt64_(?<major>[0-9]{2})\.dll$", RegexOptions.IgnoreCase)]
    private static partial Regex WindowsCublasLt();
}
