using HShare.AI.Engine.Attention;
using HShare.Cli.Bench;

namespace HShare.Cli.Tests;

public sealed class ScheduleBenchTests
{
    [Fact]
    public void Every_preset_has_its_figure()
    {
        ScheduleBench bench = new("hshare-tiny", 2, [AttentionPreset.Full, AttentionPreset.Parse("quest:budget=128")]);
        ScheduleReport report = bench.Measure(new Progress<double>(), TestContext.Current.CancellationToken);

        Assert.Equal([.. bench.Presets.Select(preset => $"{preset}")], report.Figures.Select(figure => figure.Preset));
        Assert.All(report.Figures, figure => Assert.True(figure.Steps >= 1024 && figure.Microseconds > 0, figure.ToString()));
    }

    [Theory]
    [InlineData("--weights", "int8")]
    [InlineData("--contexts", "1024")]
    [InlineData("--batch", "1,2")]
    public async Task What_means_nothing_to_it_is_refused(string option, string value)
    {
        ToolRun run = await ToolRun.WithAsync("bench", "schedule", option, value);
        Assert.Contains(option, run.Error);
        Assert.NotEqual(0, run.ExitCode);
    }
}
