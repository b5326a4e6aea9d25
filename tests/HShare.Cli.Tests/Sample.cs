using System.Diagnostics;

namespace HShare.Cli.Tests;

/// <summary>A sample as it was built, run in a process of its own.</summary>
internal static class Sample
{
    /// <summary>The folder that a sample was built to.</summary>
    public static string FolderOf(string name) => Path.GetDirectoryName(AppContext.BaseDirectory.Replace(
        Path.Combine("tests", "HShare.Cli.Tests"), Path.Combine("samples", name)))!;

    /// <summary>Starts it in its own folder.</summary>
    public static Process Start(string name, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        string folder = FolderOf(name);
        var start = new ProcessStartInfo("dotnet", [Path.Combine(folder, $"{name}.dll"), .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string variable, string value) in environment)
            start.Environment[variable] = value;
        return Process.Start(start)!;
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<ToolRun> RunAsync(string name, params string[] arguments)
    {
        using Process sample = Start(name, arguments);
        Task<string> error = sample.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await sample.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await sample.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new ToolRun(sample.ExitCode, output, await error);
    }
}
