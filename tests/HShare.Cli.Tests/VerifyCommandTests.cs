using System.Text.Json.Nodes;

namespace HShare.Cli.Tests;

public sealed class VerifyCommandTests
{
    [Fact]
    public async Task A_model_that_computes_what_the_reference_did_passes()
    {
        using TemporaryFile golden = ShortestCase(_ => { });

        ToolRun run = await ToolRun.WithAsync("verify", TestFiles.TinyModel, "--golden", golden.Path, "--json");

        Assert.Equal(0, run.ExitCode);
        Assert.True((bool)run.Json["passed"]!);
        Assert.InRange((double)run.Json["largest_logit_difference"]!, 0, 1e-3);
        Assert.Equal(0, (int)run.Json["steps_unequal"]!);
        Assert.True((int)run.Json["steps_equal"]! > 0);
    }

    [Fact]
    public async Task A_logit_beyond_the_tolerance_is_exit_code_1()
    {
        using TemporaryFile golden = ShortestCase(item => item["top_logits"]![0]![1] = (double)item["top_logits"]![0]![1]! + 0.05);

        ToolRun strict = await ToolRun.WithAsync("verify", TestFiles.TinyModel, "--golden", golden.Path);
        ToolRun tolerant = await ToolRun.WithAsync("verify", TestFiles.TinyModel, "--golden", golden.Path, "--tolerance", "0.06");

        Assert.Equal(1, strict.ExitCode);
        Assert.Contains("FAILED", strict.Out);
        Assert.Equal(0, tolerant.ExitCode);
    }

    [Fact]
    public async Task A_greedy_step_that_differs_is_exit_code_1()
    {
        using TemporaryFile golden = ShortestCase(item =>
        {
            int last = item["greedy_ids"]!.AsArray().Count - 1;
            item["greedy_ids"]![last] = (int)item["greedy_ids"]![last]! ^ 1;
            item["greedy_margins"]![last] = 1.0;
        });

        ToolRun run = await ToolRun.WithAsync("verify", TestFiles.TinyModel, "--golden", golden.Path, "--json");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(1, (int)run.Json["steps_unequal"]!);
    }

    /// <summary>The case of the model's own golden.json with the shortest prompt, changed for the test.</summary>
    private static TemporaryFile ShortestCase(Action<JsonNode> change)
    {
        JsonNode golden = JsonNode.Parse(File.ReadAllText(Path.Combine(TestFiles.TinyModel, "golden.json")))!;
        JsonNode item = golden["cases"]!.AsArray().MinBy(one => one!["input_ids"]!.AsArray().Count)!.DeepClone();
        change(item);
        return new TemporaryFile(new JsonObject { ["reference"] = "a test", ["cases"] = new JsonArray(item) }.ToJsonString());
    }
}
