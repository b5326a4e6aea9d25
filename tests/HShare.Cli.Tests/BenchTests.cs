using System.Text.Json.Nodes;
using HShare.Cli.Bench;

namespace HShare.Cli.Tests;

public sealed class BenchTests
{
    [Fact]
    public void A_measurement_is_the_median()
    {
        Assert.Equal(new Measurement(3, 1, 3), Measurement.OfRepeats([9, 1, 3]));
        Assert.Equal(new Measurement(2.5, 1, 4), Measurement.OfRepeats([3, 9, 1, 2]));
    }

    [Fact]
    public void Warm_up_is_not_measured()
    {
        int calls = 0;

        Measurement time = Measurement.Of(() => calls++ < 3 ? 4.0 : 0.1, TestContext.Current.CancellationToken);

        Assert.Equal(0.1, time.Seconds, 6);
        Assert.Equal(0.1, time.Fastest, 6);
    }

    [Fact]
    public void A_team_runs_the_work_on_every_thread()
    {
        using var team = new ThreadTeam(3);
        var runs = new int[3];

        for (int i = 0; i < 2; i++)
            team.Run(member => runs[member]++);

        Assert.Equal([2, 2, 2], runs);
    }

    [Fact]
    public async Task Every_figure_stands_beside_the_limit_of_this_machine()
    {
        ToolRun run = await ToolRun.WithAsync(
            "bench", "cpu", "--shape", "hshare-tiny", "--context", "1024", "--weights", "int8", "--threads", "1", "--json");

        Assert.Equal(0, run.ExitCode);
        JsonNode limits = run.Json["limits"]!;
        Assert.True((double)limits["copy_bytes_per_second"]! > 1e8);
        Assert.True((double)limits["read_bytes_per_second"]! > 1e8);
        Assert.True((double)limits["fma_flops_per_second"]! > 1e8);
        JsonArray figures = run.Json["figures"]!.AsArray();
        Assert.Equal(
            ["prefill product", "decode products", "prefill attention", "decode attention"],
            figures.Select(figure => (string)figure!["part"]!).Distinct());
        Assert.All(figures, figure => Assert.True((double)figure!["share_of_limit"]! > 0));
    }
}
