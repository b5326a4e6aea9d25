using System.Runtime.InteropServices;

namespace HShare.AI.Cuda.Driver;

/// <summary>One search for one library.</summary>
internal static class LibrarySearch
{
    /// <summary>
    /// Loads the first file that can be: folder by folder, newest CUDA version first, then what the system's loader finds.
    /// </summary>
    /// <param name="names">What the library's files are called.</param>
    /// <param name="folders">Where to look, in order.</param>
    /// <param name="newestMajor">The newest CUDA version that works.</param>
    /// <param name="loader">Whether to ask the system's loader where no folder has it.</param>
    /// <returns>What was found or tried, and the library's handle, 0 where there is none.</returns>
    public static (CudaLibrary Library, nint Handle) Run(
        LibraryNames names, IReadOnlyList<string> folders, int newestMajor, bool loader = true)
    {
        List<string> tried = [];
        foreach (string folder in folders)
        {
            tried.Add(Directory.Exists(folder) ? folder : $"{folder} (no such folder)");
            foreach (string file in Candidates(names, folder, newestMajor))
            {
                if (TryLoad(file, tried, out nint handle))
                    return (new CudaLibrary(names.Name, file, tried), handle);
            }
        }

        if (loader)
        {
            tried.Add("the system's loader path");
            foreach (string name in names.LoaderNames.Where(name => names.Matches(name, newestMajor, out _)))
            {
                if (NativeLibrary.TryLoad(name, out nint handle))
                    return (new CudaLibrary(names.Name, name, tried), handle);
            }
        }

        return (new CudaLibrary(names.Name, null, tried), 0);
    }

    // The files of a folder that are the library, judged by where their links lead; newest first, then the shortest name.
    private static IEnumerable<string> Candidates(LibraryNames names, string folder, int newestMajor)
    {
        if (!Directory.Exists(folder))
            return [];
        List<(string File, int Major)> found = [];
        foreach (string file in Directory.EnumerateFiles(folder, "*", new EnumerationOptions { IgnoreInaccessible = true }))
        {
            if (names.Matches(Path.GetFileName(file), newestMajor, out int major)
                && (major > 0 || names.Matches(TargetName(file), newestMajor, out major)))
            {
                found.Add((file, major));
            }
        }

        return found.OrderByDescending(entry => entry.Major).ThenBy(entry => entry.File.Length).Select(entry => entry.File);
    }

    private static string TargetName(string file)
    {
        try
        {
            return (File.ResolveLinkTarget(file, returnFinalTarget: true) ?? new FileInfo(file)).Name;
        }
        catch (IOException)
        {
            return Path.GetFileName(file);
        }
    }

    private static bool TryLoad(string file, List<string> tried, out nint handle)
    {
        try
        {
            handle = NativeLibrary.Load(file);
            return true;
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException)
        {
            tried.Add($"{file} (cannot be loaded: {exception.Message.Split('\n')[0].Trim()})");
            handle = 0;
            return false;
        }
    }
}
