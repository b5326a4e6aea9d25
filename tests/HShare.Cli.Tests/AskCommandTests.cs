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
    public async Task The_passages_that_the_answer_attended_to_are_shown_where_asked()
    {
        const string Filler = "In the evening the lamps were lit along the quay, and the nets were hung up to dry. ";
        string text = string.Concat(Enumerable.Repeat(Filler, 12)) + "The brass key is kept under the painted bench in the tower. "
            + string.Concat(Enumerable.Repeat(Filler, 12));
        using var document = new TemporaryFile(text);
        string[] arguments = ["ask", "--document", document.Path, "--question", "Where is the brass key kept?", "--explain"];

        ToolRun run = await ToolRun.WithAsync(arguments), json = await ToolRun.WithAsync([.. arguments, "--json"]);

        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        Assert.All(["passage", "attention", "at token", "depth"], heading => Assert.Contains(heading, run.Out));
        JsonArray passages = json.Json["passages"]!.AsArray();
        Assert.InRange(passages.Count, 1, 3);
        Assert.Contains("brass key is kept", (string?)passages[0]!["text"]);
        Assert.InRange((double)passages[0]!["depth"]!, 0.3, 0.7);
        Assert.InRange((double)passages[0]!["share"]!, 0.1, 1);
    }

    [Fact]
    public async Task A_document_too_short_to_explain_says_so()
    {
        using var document = new TemporaryFile("The brass key is kept under the painted bench in the tower.");

        ToolRun run = await ToolRun.WithAsync("ask", "-d", document.Path, "-q", "Where is the brass key kept?", "--explain");

        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        Assert.Contains("too short to tell", run.Out);
    }

    [Fact]
    public async Task A_preset_reads_less_and_the_answer_says_how_much()
    {
        string filler = string.Concat(Enumerable.Repeat("\nNobody had asked for it since the spring.", 40));
        using var document = new TemporaryFile(Document + filler);
        string[] arguments = ["ask", "-d", document.Path, "-q", "Where is the brass key kept?", "--json"];

        ToolRun full = await ToolRun.WithAsync([.. arguments, "--attention", "full"]);
        ToolRun sparse = await ToolRun.WithAsync([.. arguments, "--attention", "hshare:1-1-1/2,budget=128"]);

        Assert.Equal((0, 0), (full.ExitCode, sparse.ExitCode));
        Assert.Equal(1.0, (double)full.Json["kv_bytes_read_ratio"]!);
        Assert.InRange((double)sparse.Json["kv_bytes_read_ratio"]!, 0.1, 0.7);
        Assert.Equal((string?)full.Json["answer"], (string?)sparse.Json["answer"]);
    }

    [Theory]
    [InlineData("squint", "there is no method 'squint'")]
    [InlineData("quest:budget=few", "few")]
    [InlineData("hshare:plan=no-such-plan.json", "no-such-plan.json")]
    public async Task A_preset_that_cannot_be_used_is_bad_input(string preset, string named)
    {
        using var document = new TemporaryFile(Document);

        ToolRun run = await ToolRun.WithAsync("ask", "-d", document.Path, "-q", "Where is the brass key kept?", "--attention", preset);

        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Contains(named, run.Error);
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
