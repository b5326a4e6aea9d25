using HShare.AI.Engine;

namespace HShare.AI;

/// <summary>
/// The small model that comes with the package: the default of <see cref="HShareOptions.ModelPath"/>. The build copies it to
/// <c>models/hshare-tiny</c> beside the app, unless the project sets <c>HShareBundledModel</c> to <c>false</c>.
/// </summary>
public static class BundledModel
{
    /// <summary>Its name, and the name of its folder.</summary>
    public const string Name = "hshare-tiny";

    /// <summary>
    /// Finds its folder: <c>models/hshare-tiny</c> beside the app or in a folder above it (an app run from a checkout of the sources).
    /// </summary>
    /// <exception cref="ModelLoadException">It is not there; the message lists the places looked at.</exception>
    public static string Find() => Find(AppContext.BaseDirectory);

    internal static string Find(string appDirectory)
    {
        List<string> lookedAt = [];
        for (DirectoryInfo? folder = new(appDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "models", Name);
            if (File.Exists(Path.Combine(candidate, "config.json")))
                return candidate;

            lookedAt.Add(candidate);
        }

        throw new ModelLoadException(
            Path.Combine("models", Name),
            $"The bundled model was not found. Looked at: {string.Join(", ", lookedAt)}. Set "
            + $"{nameof(HShareOptions)}.{nameof(HShareOptions.ModelPath)} to a model's folder, or let the build copy the bundled one "
            + "(the project property HShareBundledModel must not be false).");
    }
}
