using HShare.AI.Engine.Attention;
using HShare.Cli.Tests.Drawing;
using HShare.Cli.Tests.Tasks;

namespace HShare.Cli.Tests;

public sealed class PlanShowCommandTests
{
    [Fact]
    public async Task A_plan_is_shown_as_text_and_drawn_where_asked()
    {
        using var folder = new TemporaryFolder();
        new SharingPlanFile(Plans.Small, "by hand").Save(folder["small.json"]);

        ToolRun run = await ToolRun.WithAsync("plan", "show", folder["small.json"], "--svg", folder["small.svg"]);

        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        Assert.Equal(HShare.Cli.Drawing.PlanText.Draw(Plans.Small), run.Out);
        var drawing = new SvgFile(await File.ReadAllTextAsync(folder["small.svg"], TestContext.Current.CancellationToken));
        Assert.Contains("Sharing plan small", drawing.Texts);
    }

    [Theory]
    [InlineData("no plan", "not valid JSON")]
    [InlineData(
        "{\"layers\": 1, \"kvHeads\": 1, \"interval\": 1, \"dilation\": 0, \"denseLayers\": 0, \"rules\": [[\"borrow 0.0\"]]}",
            "borrow 0.0")]
    public async Task A_file_that_is_no_plan_is_bad_input(string content, string named)
    {
        using var file = new TemporaryFile(content);

        ToolRun run = await ToolRun.WithAsync("plan", "show", file.Path);

        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Contains(file.Path, run.Error);
        Assert.Contains(named, run.Error);
    }

    [Fact]
    public async Task Help_of_show_has_examples()
    {
        ToolRun run = await ToolRun.WithAsync("plan", "show", "--help");

        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        Assert.All(["--svg", "<FILE>", "Examples:\n  hshare plan show"], text => Assert.Contains(text, run.Out.ReplaceLineEndings("\n")));
    }
}
