using System.Diagnostics;

namespace HShare.Cli.Tests;

public sealed class SampleTests
{
    [Fact]
    public async Task AskDocument_answers_from_a_document()
    {
        using var document = new TemporaryFile("The brass key is kept under the painted bench in the tower. The lamps were lit.");
        string folder = Path.GetDirectoryName(AppContext.BaseDirectory.Replace(
            Path.Combine("tests", "HShare.Cli.Tests"), Path.Combine("samples", "AskDocument")))!;
        Assert.True(File.Exists(Path.Combine(folder, "harbour-yearbook.txt")), "The bundled document lies beside the sample.");

        string[] arguments = [Path.Combine(folder, "AskDocument.dll"), "Where is the brass key kept?", "--document", document.Path];
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var sample = Process.Start(start)!;
        Task<string> error = sample.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await sample.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await sample.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal("", await error);
        Assert.Equal(0, sample.ExitCode);
        Assert.Contains("The brass key is kept under the painted bench in the tower.", output);
        Assert.All(["prompt tokens", "cached tokens", "time to first token", "tokens/s"], figure => Assert.Contains(figure, output));
    }
}
