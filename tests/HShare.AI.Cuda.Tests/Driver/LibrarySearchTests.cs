using HShare.AI.Cuda.Driver;
using HShare.AI.Cuda.Tests.Testing;

namespace HShare.AI.Cuda.Tests.Driver;

public class LibrarySearchTests
{
    [Fact]
    public void A_missing_library_is_an_error_that_names_it_the_places_and_the_fix()
    {
        using TemporaryFolder folder = new();
        (CudaLibrary library, nint handle) = LibrarySearch.Run(
            LibraryNames.Nvrtc, [folder.Path, folder["absent"]], newestMajor: 13, loader: false);
        Assert.Equal((0, null), (handle, library.Path));
        Assert.Equal([folder.Path, $"{folder["absent"]} (no such folder)"], library.Tried);
        CudaException problem = CudaException.LibraryMissing(library, "libnvrtc.so.13", LibraryNames.Nvrtc.Fix);
        Assert.Equal(CudaFailure.LibraryMissing, problem.Failure);
        Assert.Contains("NVRTC", problem.Message);
        Assert.Contains("HSHARE_CUDA_LIBRARY_PATH", problem.Message);
        Assert.Contains(folder.Path, problem.Message);
    }

    [Fact]
    public void A_file_that_cannot_be_loaded_is_told_and_passed_over()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The names are those of Linux.");
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["libnvrtc.so.12"], "no library");
        (CudaLibrary library, _) = LibrarySearch.Run(LibraryNames.Nvrtc, [folder.Path], newestMajor: 13, loader: false);
        Assert.Null(library.Path);
        Assert.StartsWith($"{folder["libnvrtc.so.12"]} (cannot be loaded: ", library.Tried[1]);
    }

    [Fact]
    public void The_newest_version_that_the_driver_can_use_is_taken_first()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The names are those of Linux.");
        using TemporaryFolder folder = new();
        string[] names =
        [
            "libnvrtc.so.11.2", "libnvrtc.so.12", "libnvrtc.so.13.0.88", "libnvrtc-0a1b2c3d.so.13", "libnvrtc-builtins.so.13.0",
            "libnvrtc.so.12.9",
        ];
        foreach (string name in names)
            File.WriteAllText(folder[name], "");
        File.CreateSymbolicLink(folder["libnvrtc.so"], folder["libnvrtc.so.13.0.88"]);
        Assert.Equal(
            ["libnvrtc.so", "libnvrtc.so.13.0.88", "libnvrtc-0a1b2c3d.so.13", "libnvrtc.so.12", "libnvrtc.so.12.9"], TriedWith(13));
        Assert.Equal(["libnvrtc.so.12", "libnvrtc.so.12.9"], TriedWith(12));

        IEnumerable<string> TriedWith(int newestMajor) =>
            LibrarySearch.Run(LibraryNames.Nvrtc, [folder.Path], newestMajor, loader: false).Library.Tried
                .Skip(1).Select(entry => Path.GetFileName(entry[..entry.IndexOf(" (", StringComparison.Ordinal)]));
    }

    [Fact]
    public void Folders_that_are_asked_for_come_first()
    {
        using TemporaryFolder folder = new();
        IReadOnlyList<string> folders = LibraryFolders.InOrder([folder["a"], folder["b"], folder["a"]]);
        Assert.Equal([folder["a"], folder["b"]], folders.Take(2));
        Assert.Contains(Path.GetFullPath(AppContext.BaseDirectory), folders);
    }

    [Fact]
    public void All_three_libraries_are_reported()
    {
        IReadOnlyList<CudaLibrary> found = CudaLibraries.Find(Gpu.Options());
        Assert.Equal(["libcuda", "NVRTC", "cuBLASLt"], found.Select(library => library.Name));
        Assert.All(found, library => Assert.NotNull(library.Path));
    }
}
