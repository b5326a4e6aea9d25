using System.Text.Json.Nodes;
using HShare.Cli.Tests.Drawing;
using HShare.Cli.Tests.Tasks;

namespace HShare.Cli.Tests;

public sealed class EvalCommandTests
{
    private const string Key = "The brass key is kept under the painted bench in the tower.";

    [Fact]
    public async Task Cases_are_answered_and_counted()
    {
        using var cases = new TemporaryFile(string.Join('\n',
            Case("Where is the brass key kept?", Key, "kept", reference: Key),
            Case("Who leads the Wenholm Trust?", "The Wenholm Trust is led by somebody else.", "led", reference: "Nobody."),
            "",
            Tool()));
        using var answers = new TemporaryFile("");

        ToolRun run = await ToolRun.WithAsync("eval", "--cases", cases.Path, "--json", "--answers", answers.Path);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("", run.Error);
        JsonNode json = Assert.Single(run.Json.AsArray())!;
        string[] given = [.. File.ReadLines(answers.Path).Select(line => (string)JsonNode.Parse(line)!["answer"]!)];
        Assert.Equal(3, (int)json["cases"]!);
        Assert.Equal([Key, "The Wenholm Trust is led by Edith Calder."], given[..2]);
        Assert.StartsWith("<tool_call>\n{\"name\": \"set_timer\"", given[2]);
        Assert.Equal(2, (int)json["correct"]!);
        Assert.Equal(2 / 3.0, (double)json["accuracy"]!);
        Assert.Equal(1, (int)json["groups"]!["family"]!["kept"]!["correct"]!);
        Assert.Equal(0, (int)json["groups"]!["family"]!["led"]!["correct"]!);
        Assert.Equal(2, (int)json["reference"]!["cases"]!);
        Assert.Equal(1, (int)json["reference"]!["same_text"]!);
        Assert.True((double)json["tokensPerSecond"]! > 0);
    }

    [Fact]
    public async Task Presets_answer_a_made_benchmark_side_by_side_and_are_drawn()
    {
        using var folder = new TemporaryFolder();

        ToolRun run = await ToolRun.WithAsync(
            "eval", "--task", "ruler_niah_single", "--lengths", "256,384", "--depths", "0.5", "--samples", "1", "--json",
            "--attention", "full", "--attention", "quest:budget=128", "--plots", folder.Path, "--answers", folder["answers.jsonl"]);

        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        JsonArray reports = run.Json.AsArray();
        Assert.Equal(["full", "quest:budget=128,sinks=16,window=64"], reports.Select(report => (string)report!["preset"]!));
        Assert.All(reports, report => Assert.Equal(2, (int)report!["groups"]!["family"]!["ruler_niah_single"]!["cases"]!));
        Assert.Equal(1.0, (double)reports[0]!["kvBytesReadRatio"]!);
        Assert.InRange((double)reports[1]!["kvBytesReadRatio"]!, 0.1, 0.9);
        Assert.Equal(1.0, (double)reports[0]!["recoveredMass"]!, 3);
        Assert.InRange((double)reports[1]!["recoveredMass"]!, 0.3, 0.9999);
        Assert.Equal(4, File.ReadLines(folder["answers.jsonl"]).Count());
        foreach (string name in (string[])["accuracy.svg", "mass.svg", "reads.svg"])
        {
            string[] texts = [.. new SvgFile(await File.ReadAllTextAsync(folder[name], TestContext.Current.CancellationToken)).Texts];
            Assert.Contains("full", texts);
            Assert.Contains(texts, text => text.StartsWith("quest", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_benchmark_is_asked_with_its_own_settings_alone()
    {
        using var data = new TemporaryFile("""{"question": "What is 2 + 2?", "answer": "2 + 2 = 4\n#### 4"}""");

        ToolRun run = await ToolRun.WithAsync("eval", "--task", "gsm8k", "--data", data.Path, "--json", "--context", "256");
        ToolRun refused = await ToolRun.WithAsync("eval", "--task", "gsm8k", "--data", data.Path, "--lengths", "1000");

        Assert.Equal("", run.Error);
        Assert.Equal(1, (int)Assert.Single(run.Json.AsArray())!["cases"]!);
        Assert.Contains("--lengths means nothing to the task gsm8k", refused.Error);
    }

    [Fact]
    public async Task Cases_over_the_context_are_named()
    {
        using var cases = new TemporaryFile(Case("Where is the brass key kept?", Key, "kept", Key) + "\n" + Tool());

        ToolRun run = await ToolRun.WithAsync("eval", "--cases", cases.Path, "--context", "64");

        Assert.Equal(0, run.ExitCode);
        string name = Path.GetFileNameWithoutExtension(cases.Path);
        Assert.Contains($"2 over the context, counted as wrong: {name}:1, {name}:2", run.Out);
        Assert.Contains("0 of 2 right", run.Out);
    }

    [Fact]
    public async Task An_answer_with_an_accepted_span_is_right_whatever_else_it_says()
    {
        JsonNode loose = JsonNode.Parse(Case("Where is the brass key kept?", "In the tower.", "kept", Key))!;
        loose["accepted"] = new JsonArray("the attic", "under the painted bench");
        using var cases = new TemporaryFile(loose.ToJsonString());

        ToolRun run = await ToolRun.WithAsync("eval", "--cases", cases.Path, "--context", "512");

        Assert.Contains("1 of 1 right", run.Out);
    }

    [Theory]
    [InlineData("{\"messages\": []}", "expected")]
    [InlineData("{\"messages\": [], \"expected\": \"x\"", ":1 is not a case")]
    [InlineData("null", ":1 is not a case")]
    [InlineData("", "holds no cases")]
    [InlineData("{\"messages\": [], \"expected\": \"x\", \"accepted\": [\" \"]}", "holds no span")]
    public async Task A_line_that_is_no_case_is_bad_input(string line, string named)
    {
        using var cases = new TemporaryFile(line);

        ToolRun run = await ToolRun.WithAsync("eval", "--cases", cases.Path);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(named, run.Error);
    }

    private static string Case(string question, string expected, string family, string reference)
    {
        const string Document = "Use only this document to answer.\n<document>\nIt was grey. The brass key is kept under the painted "
            + "bench in the tower. Nobody asked for it. The Wenholm Trust is led by Edith Calder. Then the lamps were lit.\n</document>";
        return new JsonObject
        {
            ["messages"] = new JsonArray(Message("system", Document), Message("user", question)),
            ["expected"] = expected,
            ["meta"] = new JsonObject
            {
                ["length_tokens"] = 100,
                ["depth"] = 0.5,
                ["family"] = family,
                ["reference"] = new JsonObject { ["answer"] = reference, ["correct"] = reference == expected },
            },
        }.ToJsonString();
    }

    private static string Tool() => new JsonObject
    {
        ["messages"] = new JsonArray(Message("user", "Set a timer for 12 minutes.")),
        ["tools"] = JsonNode.Parse("""
            [{"type": "function", "function": {"name": "set_timer", "description": "Set a timer.", "parameters":
            {"type": "object", "properties": {"minutes": {"type": "integer", "description": "Minutes."}}, "required": ["minutes"]}}}]
            """),
        ["expected"] = "<tool_call>\n{\"name\": \"set_timer\", \"arguments\": {\"minutes\": 12}}\n</tool_call>",
        ["meta"] = new JsonObject { ["family"] = "set_timer" },
    }.ToJsonString();

    private static JsonObject Message(string role, string content) => new() { ["role"] = role, ["content"] = content };
}
