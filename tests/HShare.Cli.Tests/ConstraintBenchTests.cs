using HShare.AI.Engine.Tokenization;
using HShare.Cli.Bench;

namespace HShare.Cli.Tests;

public sealed class ConstraintBenchTests
{
    [Fact]
    public void A_remembered_mask_costs_less_than_a_new_one()
    {
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(TestFiles.TinyModel, "tokenizer.json"));
        var bench = new ConstraintBench("hshare-tiny", tokenizer, TestContext.Current.CancellationToken);
        ConstraintReport report = bench.Measure(new Progress<double>());
        Assert.Equal(("hshare-tiny", 8192), (report.Model, report.VocabularySize));
        Assert.True(report.Figures.Count >= 5);
        Assert.All(report.Figures, figure => Assert.True(figure.Tokens > 8 && figure.Computed > 0, figure.ToString()));
        Assert.All(report.Figures, figure => Assert.True(figure.SlowestMilliseconds >= figure.ComputedMilliseconds, figure.ToString()));
        double remembered = report.Figures.Average(figure => figure.RememberedMicroseconds);
        Assert.True(remembered < report.Figures.Average(figure => figure.ComputedMilliseconds) * 1e3, $"{remembered} µs");
    }

    [Fact]
    public async Task The_tool_measures_the_constraints_of_a_model()
    {
        ToolRun run = await ToolRun.WithAsync("bench", "constraints", "--json"), table = await ToolRun.WithAsync("bench", "constraints");

        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        Assert.Equal(8192, (int)run.Json["vocabulary_size"]!);
        Assert.True((double)run.Json["masked_draw_microseconds"]! > 0);
        Assert.All(run.Json["figures"]!.AsArray(), figure => Assert.Contains((string)figure!["schema"]!, table.Out));
        Assert.All(["a computed mask", "a remembered mask"], heading => Assert.Contains(heading, table.Out));
    }
}
