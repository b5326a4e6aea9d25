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

    [Fact]
    public async Task Presets_stand_side_by_side_beside_full_attention()
    {
        ToolRun run = await ToolRun.WithAsync(
            "bench", "attention", "--shape", "hshare-tiny", "--contexts", "620", "--threads", "1", "--batch", "2", "--json",
            "--attention", "streaming-llm", "--attention", "hshare:1-1-1/4", "--attention", "h2o:budget=256");

        Assert.Equal(0, run.ExitCode);
        Assert.True((double)run.Json["limits"]!["copy_bytes_per_second"]! > 1e8);
        Assert.Equal(2, (int)run.Json["batch"]!);
        JsonArray figures = run.Json["figures"]!.AsArray();
        Assert.Equal(["full", "streaming-llm", "hshare:1-1-1/4", "h2o:budget=256"], figures.Select(figure => (string)figure!["preset"]!));
        Assert.Equal([1, 1, 4, 1], figures.Select(figure => (int)figure!["interval"]!));
        Assert.Equal(1.0, (double)figures[0]!["speedup"]!);
        Assert.All(figures, figure => Assert.True((double)figure!["share_of_limit"]! > 0));

        // 12 layers, 2 heads, a key and a value of 64 floats for each token read; a quarter of the 39 pages' bounds with each of hshare's.
        const double TokenBytes = 12 * 2 * 2 * 64 * 4;
        double[] bytes = [.. figures.Select(figure => (double)figure!["bytes"]!)];
        Assert.Equal([620 * TokenBytes, 512 * TokenBytes, (512 + 1.5 + 39 / 4.0) * TokenBytes, 256 * TokenBytes], bytes);
    }

    [Fact]
    public void The_last_level_cache_has_a_size() => Assert.InRange(LastLevelCache.Bytes, 1 << 20, 512 << 20);
}
