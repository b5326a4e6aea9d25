using System.Reflection;
using System.Runtime.InteropServices;

namespace HShare.AI.Cuda.Driver;

/// <summary>
/// Finds and loads the driver (libcuda), the kernel compiler (NVRTC) and cuBLASLt. Searched in this order: the folders of
/// <see cref="CudaOptions.LibraryPaths"/>, those of the environment variable HSHARE_CUDA_LIBRARY_PATH, the application's folder (and its
/// runtimes/…/native), CUDA toolkits (CUDA_PATH, CUDA_HOME, /usr/local/cuda*), packages libtorch-cuda-…, and at last what the system's
/// loader finds by name. A library of a newer CUDA version than the driver's is passed over.
/// </summary>
/// <remarks>
/// A library is loaded once in a process and stays: the first search that finds it decides, and later ones, whatever folders they name,
/// use it. What was not found is searched again.
/// </remarks>
public static class CudaLibraries
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<LibraryNames, (CudaLibrary Library, nint Handle)> Loaded = [];
    private static IReadOnlyList<string> _asked = [];

    static CudaLibraries() => NativeLibrary.SetDllImportResolver(typeof(CudaLibraries).Assembly, Resolve);

    /// <summary>Looks for all three libraries and loads those that are there, for a report to the user.</summary>
    /// <param name="options">Names folders to search first.</param>
    public static IReadOnlyList<CudaLibrary> Find(CudaOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Use(options);
        return [Load(LibraryNames.Driver).Library, Load(LibraryNames.Nvrtc).Library, Load(LibraryNames.CublasLt).Library];
    }

    /// <summary>Takes over the folders that are searched first from here on.</summary>
    internal static void Use(CudaOptions options)
    {
        lock (Gate)
            _asked = options.LibraryPaths;
    }

    /// <summary>Loads a library unless it is loaded already.</summary>
    /// <returns>Its handle.</returns>
    /// <exception cref="CudaException">It was not found.</exception>
    internal static nint Require(LibraryNames names)
    {
        (CudaLibrary library, nint handle) = Load(names);
        return handle != 0
            ? handle
            : throw CudaException.LibraryMissing(library, string.Join(" or ", names.LoaderNames), names.Fix);
    }

    private static (CudaLibrary Library, nint Handle) Load(LibraryNames names)
    {
        // The driver's version is asked for outside the lock's first use: the call comes back here for the driver's handle.
        int newestMajor = names == LibraryNames.Driver ? 0 : DriverMajor();
        lock (Gate)
        {
            if (Loaded.TryGetValue(names, out (CudaLibrary, nint) known))
                return known;
            (CudaLibrary Library, nint Handle) found = LibrarySearch.Run(names, LibraryFolders.InOrder(_asked), newestMajor);
            if (found.Handle != 0)
                Loaded.Add(names, found);
            return found;
        }
    }

    // Without a driver nothing runs: then every version will do for the report.
    private static int DriverMajor() =>
        Load(LibraryNames.Driver).Handle != 0 && DriverApi.DriverGetVersion(out int version) == DriverStatus.Success
            ? version / 1000
            : int.MaxValue;

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) => name switch
    {
        DriverApi.Library => Require(LibraryNames.Driver),
        Compilation.NvrtcApi.Library => Require(LibraryNames.Nvrtc),
        CublasLtApi.Library => Require(LibraryNames.CublasLt),
        _ => 0,
    };
}
