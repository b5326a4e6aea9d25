namespace HShare.AI.TestSupport;

/// <summary>
/// Where tests find the bundled model and, where it is present, the folder of third-party test data beside the repository.
/// </summary>
internal static class TestFiles
{
    /// <summary>The repository's root: the nearest folder above the test output that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The bundled model's folder.</summary>
    public static string TinyModel { get; } = Path.Combine(Root, "models", "hshare-tiny");

    /// <summary>A path under <c>../shared</c>; the calling test is skipped, with the reason, where that folder is absent.</summary>
    public static string Shared(params string[] parts)
    {
        string path = Path.Combine([Root, "..", "shared", .. parts]);
        Assert.SkipUnless(
            File.Exists(path) || Directory.Exists(path), $"Third-party test data is not here: {Path.Combine(["../shared", .. parts])}");
        return Path.GetFullPath(path);
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "HShare.AI.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"No HShare.AI.sln above {AppContext.BaseDirectory}.");
    }
}
