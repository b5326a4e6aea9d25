namespace HShare.Cli.Tests.Tasks;

/// <summary>A folder that is there for one test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder(params (string Name, string Content)[] files)
    {
        foreach ((string name, string content) in files)
            File.WriteAllText(this[name], content);
    }

    public string Path { get; } = Directory.CreateTempSubdirectory().FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
