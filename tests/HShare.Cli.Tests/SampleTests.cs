using System.Globalization;
using System.Text.RegularExpressions;

namespace HShare.Cli.Tests;

/// <summary>The samples that end by themselves.</summary>
public sealed partial class SampleTests
{
    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AskDocument_answers_from_a_document()
    {
        using var document = new TemporaryFile("The brass key is kept under the painted bench in the tower. The lamps were lit.");
        string bundled = Path.Combine(Sample.FolderOf("AskDocument"), "harbour-yearbook.txt");
        Assert.True(File.Exists(bundled), "The bundled document lies beside the sample.");

        ToolRun run = await Sample.RunAsync("AskDocument", "Where is the brass key kept?", "--document", document.Path);
        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        Assert.Contains("The brass key is kept under the painted bench in the tower.", run.Out);
        Assert.All(["prompt tokens", "cached tokens", "time to first token", "tokens/s"], figure => Assert.Contains(figure, run.Out));
    }

    [Fact]
    public async Task LongDocumentRag_answers_from_its_documents_and_names_the_sources()
    {
        ToolRun run = await Sample.RunAsync("LongDocumentRag");
        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        Assert.StartsWith("Index:    passages.db, documents: 3, passages: ", run.Out, StringComparison.Ordinal);
        Assert.Contains("Answer:   The Hallberg Observatory is led by Agnes Corvin.", run.Out);
        Assert.Contains("Answer:   The phone number of Agnes Corvin is 631-2094.", run.Out);
        Assert.Contains("Answer:   The evening train leaves at 18:25.", run.Out);
        Assert.Matches(@"Sources:  observatory\.txt, lines \d+ to \d+", run.Out);

        int[] cached = [.. Cached.Matches(run.Out).Select(match => int.Parse(match.Groups[1].Value.Replace(",", "")))];
        Assert.Equal(3, cached.Length);
        Assert.True(cached[0] == 0 && cached[1] > 500 && cached[2] > 500, $"Cached tokens: {string.Join(", ", cached)}");
    }

    [Fact]
    public async Task LongDocumentRag_attends_as_asked_and_tells_what_it_read()
    {
        ToolRun run = await Sample.RunAsync(
            "LongDocumentRag", "--question", "Who leads the Hallberg Observatory?", "--attention", "quest:budget=256");
        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        Assert.Contains("Answer:   The Hallberg Observatory is led by Agnes Corvin.", run.Out);
        Match read = Regex.Match(run.Out, @"KV cache: ([\d.]+) ?% of it read");
        Assert.True(read.Success, run.Out);
        Assert.InRange(double.Parse(read.Groups[1].Value, CultureInfo.InvariantCulture), 5, 95);
    }

    [Fact]
    public async Task LongDocumentRag_keeps_its_index_up_to_date()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("hshare-test-");
        try
        {
            string first = Path.Combine(folder.FullName, "first.txt"), second = Path.Combine(folder.FullName, "second.md");
            await File.WriteAllTextAsync(first, "The brass key is kept under the painted bench in the tower.", TestToken);
            await File.WriteAllTextAsync(second, "# Notes\n\nThe white yacht belongs to Miriam Frost.", TestToken);
            ToolRun run = await AskAsync("Who owns the white yacht?");
            Assert.Contains("documents: 2, passages: 2", run.Out);
            Assert.Contains("Sources:  second.md, lines 1 to 3", run.Out);
            Assert.Contains("The white yacht belongs to Miriam Frost.", run.Out);

            File.Delete(second);
            await File.WriteAllTextAsync(first, "The red boat belongs to Laura Winslow.", TestToken);
            File.SetLastWriteTimeUtc(first, DateTime.UtcNow.AddMinutes(1));
            run = await AskAsync("Who owns the red boat?");
            Assert.Contains("documents: 1, passages: 1", run.Out);
            Assert.Contains("The red boat belongs to Laura Winslow.", run.Out);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        async Task<ToolRun> AskAsync(string question)
        {
            ToolRun run = await Sample.RunAsync("LongDocumentRag", "--documents", folder.FullName, "--question", question, "--top", "2");
            Assert.Equal(("", 0), (run.Error, run.ExitCode));
            return run;
        }
    }

    [Theory]
    [InlineData("--documents", "/no/such/folder")]
    [InlineData("--top", "none")]
    [InlineData("--attention", "squint")]
    [InlineData("--speed", "9")]
    public async Task LongDocumentRag_says_what_is_wrong_with_its_command_line(string option, string value)
    {
        ToolRun run = await Sample.RunAsync("LongDocumentRag", option, value);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Contains("Usage:", run.Error);
        Assert.Contains(option == "--speed" ? option : value, run.Error);
    }

    [GeneratedRegex(@"([\d,]+) of them in the prefix cache")]
    private static partial Regex Cached { get; }
}
