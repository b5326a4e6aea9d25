using System.Text.Json.Nodes;

namespace HShare.Cli.Tests;

public sealed class AskCommandTests
{
    private const string Document = """
        The morning was grey, and the boats lay still. The brass key is kept under the painted bench in the tower. Nobody had asked for
        it since the spring, when the old clerk went away. The Wenholm Trust is led by Edith Calder. In the evening the lamps were lit
        along the quay, one after the other, and the nets were hung up to dry.
        """;

    [Fact]
    public async Task The_answer_is_followed_by_its_figures()
    {
        using var document = new TemporaryFile(Document);

        ToolRun run = await ToolRun.WithAsync("ask", "--document", document.Path, "--question", "Where is the brass key kept?");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("", run.Error);
        Assert.StartsWith("The brass key is kept under the painted bench in the tower.", run.Out);
        Assert.All(["prompt tokens", "cached tokens", "time to first token", "tokens/s"], heading => Assert.Contains(heading, run.Out));
    }

    [Fact]
    public async Task A_second_question_finds_the_document_in_the_cache()
    {
        ToolRun run = await ToolRun.WithInputAsync(
            Document, "ask", "--document", "-", "-q", "Where is the brass key kept?", "-q", "Who leads the Wenholm Trust?", "--json");

        Assert.Equal(0, run.ExitCode);
        JsonArray answers = run.Json.AsArray();
        Assert.Equal(2, answers.Count);
        Assert.Equal(0, (int)answers[0]!["cached_tokens"]!);
        Assert.Equal("The Wenholm Trust is led by Edith Calder.", (string?)answers[1]!["answer"]);
        Assert.Equal("stop", (string?)answers[1]!["finish_reason"]);
        Assert.InRange((int)answers[1]!["cached_tokens"]!, 64, (int)answers[1]!["prompt_tokens"]! - 1);
    }

    [Fact]
    public async Task An_answer_ends_at_the_output_limit()
    {
        using var document = new TemporaryFile(Document);

        ToolRun run = await ToolRun.WithAsync(
            "ask", "--document", document.Path, "--question", "Where is the brass key kept?", "--max-output", "4", "--json");

        Assert.Equal("length", (string?)run.Json["finish_reason"]);
        Assert.Equal(4, (int)run.Json["output_tokens"]!);
    }

    [Fact]
    public async Task A_document_over_the_context_is_bad_input_with_the_numbers()
    {
        using var document = new TemporaryFile(Document);

        ToolRun run = await ToolRun.WithAsync(
            "ask", "--document", document.Path, "--question", "Where is the brass key kept?", "--context", "64");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("64", run.Error);
        Assert.Contains("prompt has", run.Error);
    }

    [Fact]
    public async Task An_empty_document_is_bad_input()
    {
        ToolRun run = await ToolRun.WithInputAsync(" \n", "ask", "--document", "-", "--question", "Who?");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("empty", run.Error);
    }
}
