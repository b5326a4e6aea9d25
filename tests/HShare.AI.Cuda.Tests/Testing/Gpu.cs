using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Tests.Testing;

/// <summary>
/// The GPU that tests run on: the machine's own where it has one and HSHARE_EMULATE_GPU=1 is not set, else the emulator of
/// tests/gpu-emulator, which is built at first use. Where neither can be had, the calling test is skipped with the reason.
/// </summary>
internal static unsafe class Gpu
{
    private static readonly Lazy<Place> Found = new(Find);

    /// <summary>Whether it is the emulator.</summary>
    public static bool IsEmulated => Found.Value.IsEmulated;

    /// <summary>A backend of its own for the caller, who disposes it.</summary>
    public static CudaBackend Backend(DType computeType = DType.BFloat16) => new(Options() with { ComputeType = computeType });

    /// <summary>A runtime of its own for the caller, who disposes it.</summary>
    public static CudaRuntime Runtime(DType computeType = DType.BFloat16) => new(Options() with { ComputeType = computeType });

    /// <summary>What backends and runtimes are opened with.</summary>
    public static CudaOptions Options()
    {
        Place place = Found.Value;
        Assert.SkipWhen(place.Missing is not null, place.Missing ?? "");
        return place.Options;
    }

    private static Place Find()
    {
        if (Environment.GetEnvironmentVariable("HSHARE_EMULATE_GPU") != "1" && HasRealDevice())
            return new Place(new CudaOptions { CachePath = NewFolder(), SeparateAllocations = true }, IsEmulated: false, Missing: null);
        if (!OperatingSystem.IsLinux() || !OnPath("g++"))
            return new Place(new CudaOptions(), IsEmulated: true, "There is no NVIDIA GPU here, and no g++ to build the emulator with.");
        CudaOptions options = new() { LibraryPaths = [BuildEmulator()], CachePath = NewFolder(), SeparateAllocations = true };
        return new Place(options, IsEmulated: true, Missing: null);
    }

    private static bool HasRealDevice()
    {
        if (!NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out nint library))
            return false;
        int count = 0;
        bool has = NativeLibrary.TryGetExport(library, "cuInit", out nint start)
            && NativeLibrary.TryGetExport(library, "cuDeviceGetCount", out nint number)
            && ((delegate* unmanaged<uint, int>)start)(0) == 0
            && ((delegate* unmanaged<int*, int>)number)(&count) == 0
            && count > 0;
        if (!has)
            NativeLibrary.Free(library);
        return has;
    }

    // The folder is named by the sources, so that several checkouts and versions do not disturb each other.
    private static string BuildEmulator()
    {
        string sources = Path.Combine(TestFiles.Root, "tests", "gpu-emulator");
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in Directory.GetFiles(sources).Order(StringComparer.Ordinal))
            hash.AppendData(File.ReadAllBytes(file));
        string name = $"hshare-gpu-emulator-{Environment.UserName}-{Convert.ToHexStringLower(hash.GetHashAndReset())[..16]}";
        string folder = Path.Combine(Path.GetTempPath(), name);
        ProcessStartInfo build = new(Path.Combine(sources, "build"), [folder]) { RedirectStandardError = true };
        using Process process = Process.Start(build) ?? throw new InvalidOperationException($"{build.FileName} was not started.");
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? folder : throw new InvalidOperationException($"The GPU emulator was not built:\n{errors}");
    }

    // A fresh cache: whatever an older version has compiled is no part of this test.
    private static string NewFolder()
    {
        string folder = Directory.CreateTempSubdirectory("hshare-kernels-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        };
        return folder;
    }

    private static bool OnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Any(folder => File.Exists(Path.Combine(folder, program)));

    private sealed record Place(CudaOptions Options, bool IsEmulated, string? Missing);
}
