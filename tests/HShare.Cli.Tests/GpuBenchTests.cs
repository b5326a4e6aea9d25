using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using HShare.Cli.Bench.Gpu;
using HShare.Cli.Output;

namespace HShare.Cli.Tests;

/// <summary>The benches of the GPU, run on the CPU backend with small sizes: what they do is the same, only slower.</summary>
public sealed class GpuBenchTests
{
    private static readonly CancellationToken Token = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("32/8", 32, 8, 128)]
    [InlineData("6/2x64", 6, 2, 64)]
    public void Heads_are_read(string text, int heads, int kvHeads, int headDim) =>
        Assert.Equal(new HeadGeometry(heads, kvHeads, headDim), HeadGeometry.Parse(text));

    [Theory]
    [InlineData("32")]
    [InlineData("32x128")]
    [InlineData("32/0")]
    [InlineData("32/5")]
    [InlineData("a/b")]
    public void What_are_no_heads_is_not_read(string text) => Assert.Null(HeadGeometry.Parse(text));

    [Theory]
    [InlineData("hshare:1/2-1/2-1/2", 32, 32, 256)]
    [InlineData("hshare:1/4-1/2-1/2", 8, 8, 8)]
    [InlineData("hshare:3/4-1-1/2", 8, 2, 12)]
    [InlineData("quest", 4, 2, 8)]
    public void A_plan_by_ratios_has_the_leaders_that_they_say(string preset, int layers, int kvHeads, int leaders)
    {
        AttentionPolicy policy = RatioPlan.Policy(AttentionPreset.Parse(preset), layers, kvHeads, 64);

        Assert.Equal(leaders, policy.Plan.Rules.Count(rule => rule.Sharing == HeadSharing.Retrieve));
    }

    [Fact]
    public void A_plan_by_ratios_keeps_its_dense_layers() => Assert.True(
        RatioPlan.Policy(AttentionPreset.Parse("hshare:1/2-1-1/2,dense=2"), 6, 2, 64).IsDense(1));

    [Fact]
    public void A_cell_has_as_many_layers_as_fit_and_sets_beyond_the_cache()
    {
        const long Megabyte = 1 << 20;

        Assert.Equal(new CellSize(1, 64, 32, 16), CellSize.Fit(1, 64, 10_000, 64, 1024, 32 * Megabyte));
        Assert.Equal(new CellSize(1, 64, 32, 5), CellSize.Fit(1, 64, 10_000, 64, 1024, 2 * Megabyte));
        Assert.Equal(new CellSize(4, 64, 4, 1), CellSize.Fit(4, 64, 40, 64, 1024, 0));
        Assert.Null(CellSize.Fit(16, 64, 40, 64, 1024, 0));
    }

    [Fact]
    public void Attention_stands_beside_the_limit_and_full_attention()
    {
        using BenchDevice device = Device(64 << 20) with { CacheBytes = 1 << 19 };
        string[] presets =
        [
            "full", "hshare:1/2-1/2-1/2,budget=192", "streaming-llm:budget=64", "hshare:1/2-1-1/2,budget=1/2,retriever=labels,channels=4",
        ];
        GpuAttentionBench bench = new(new HeadGeometry(4, 2, 16), [1, 2], [320], presets, DType.Float32, device);
        GpuLimits limits = GpuLimits.Measure(device, withMatrix: true);

        (IReadOnlyList<GpuAttentionFigure> figures, IReadOnlyList<SkippedCell> skipped) = bench.Measure(limits, new Nobody(), Token);

        Assert.Empty(skipped);
        Assert.Equal([.. presets, .. presets], figures.Select(figure => figure.Preset));
        Assert.Equal([1, 1, 1, 1, 2, 2, 2, 2], figures.Select(figure => figure.Batch));
        Assert.All(figures, figure => Assert.True(figure is { Microseconds: > 0, TimesLimit: > 0, Speedup: > 0, Layers: 32, Sets: > 1 }));
        Assert.Equal([1, 2, 1, 2], figures.Take(4).Select(figure => figure.Interval));
        Assert.Equal(2 * figures[1].Bytes, figures[5].Bytes);

        const double TokenBytes = 2 * 2 * 16 * 4; // keys and values of a token in a layer
        Assert.Equal(320 * TokenBytes, figures[0].Bytes);

        // At two steps of which one chooses; a quarter of the heads reads the bounds of the 20 pages, every other step.
        Assert.Equal((192 + 0.5 + 20 / 4.0 / 2) * TokenBytes, figures[1].Bytes, 1.0);
    }

    [Fact]
    public void What_does_not_fit_is_skipped_by_name()
    {
        using BenchDevice device = Device(1 << 20);
        GpuAttentionBench bench = new(new HeadGeometry(2, 2, 16), [1], [320, 16384], ["full"], DType.Float32, device);

        (IReadOnlyList<GpuAttentionFigure> figures, IReadOnlyList<SkippedCell> skipped) = bench.Measure(
            new GpuLimits(1e9, null), new Nobody(), Token);

        Assert.Equal(320, Assert.Single(figures).Context);
        Assert.Contains("context 16384", Assert.Single(skipped).Name);
    }

    [Fact]
    public void Decode_steps_are_measured_over_whole_intervals()
    {
        SyntheticBench model = new("hshare-tiny", WeightFormat.BFloat16, null, () => Device(1 << 30));
        GpuDecodeBench bench = new(model, [1, 2, 4096], [160], ["full", "hshare:1/2-1/2-1/2,budget=128"]);

        GpuDecodeReport report = bench.Measure(new Nobody(), Token);

        Assert.Equal([(1, "full"), (2, "full"), (1, "hshare:1/2-1/2-1/2,budget=128"), (2, "hshare:1/2-1/2-1/2,budget=128")],
            report.Figures.Select(figure => (figure.Batch, figure.Preset)));
        Assert.Equal([1, 1, 2, 2], report.Figures.Select(figure => figure.Interval));
        Assert.All(report.Figures, figure => Assert.True(figure is { Milliseconds: > 0, TimesLimit: > 0, TokensPerSecond: > 0 }));
        Assert.True(report.Figures[0].Bytes > report.Figures[2].Bytes);
        Assert.Equal(2, report.Skipped.Count);
        Assert.All(report.Skipped, cell => Assert.Contains("hshare-tiny bf16", cell.Name));
    }

    [Fact]
    public void Prefill_stands_beside_the_matrix_rate()
    {
        SyntheticBench model = new("hshare-tiny", WeightFormat.BFloat16, null, () => Device(1 << 30));

        GpuPrefillReport report = new GpuPrefillBench(model, [96], [64]).Measure(new Nobody(), Token);

        GpuPrefillFigure figure = Assert.Single(report.Figures);
        double products = 2.0 * 96 * 12 * (384 * (6 + 2 + 2 + 6) * 64 + 3 * 384 * 1024), attention = 4.0 * 12 * (96 * 97 / 2) * 6 * 64;
        Assert.Equal(products + attention, figure.Flops);
        Assert.True(figure is { ShareOfLimit: > 0, Milliseconds: > 0 });
    }

    [Fact]
    public void Weights_of_70_billion_parameters_fit_one_GPU_in_8_bits_only()
    {
        using BenchDevice device = Device(128L << 30);
        SyntheticBench wide = new("llama3-70b", WeightFormat.BFloat16, DType.BFloat16, () => device);

        Assert.Contains("GiB of weights", wide.Misfit(device, wide.Policy("full"), 1, 4096));
        Assert.Null((wide with { Weights = WeightFormat.Float8 }).Misfit(device, wide.Policy("full"), 1, 4096));
    }

    [Fact]
    public void Reports_are_tables()
    {
        GpuLimits limits = new(4e12, 7e14);
        GpuAttentionFigure full = new("32/32x128", 16, 4096, "full", 32, 1, 1, 250, null, 7, 1e9);
        GpuAttentionReport attention = new("gpu", "bf16", limits, [full.Against(full, limits)], [new SkippedCell("a cell", "too large")]);
        GpuDecodeReport decode = new("s", "bf16", "bf16", "gpu", limits, [new GpuDecodeFigure(1, 4096, "full", 1, 1.23, 7, 1e9, 1)], []);
        GpuPrefillReport prefill = new("s", "bf16", "bf16", "gpu", limits, [new GpuPrefillFigure(4096, 2048, 80, 5, 4e13, 7e14)], []);

        string text = Written(terminal => GpuTables.Write(terminal, attention));

        Assert.Contains("copy 4,000 GB/s", text);
        Assert.Contains("32/32x128", text);
        Assert.Contains("Skipped: a cell: too large.", text);
        Assert.Contains("1.230", Written(terminal => GpuTables.Write(terminal, decode)));
        Assert.Contains("71 %", Written(terminal => GpuTables.Write(terminal, prefill)));
    }

    private static string Written(Action<Terminal> write)
    {
        using StringWriter output = new();
        write(Terminal.Of(TextReader.Null, output, TextWriter.Null));
        return output.ToString();
    }

    [Fact]
    public void Each_product_of_a_layer_stands_beside_the_time_of_its_weights()
    {
        SyntheticBench model = new("hshare-tiny", WeightFormat.Int8, null, () => Device(1 << 30));

        GpuLinearReport report = new GpuLinearBench(model, [1, 3]).Measure(new Nobody(), Token);

        string[] products = ["q, k, v", "output", "gate and up", "down", "all four"];
        Assert.Equal([.. products, .. products], report.Figures.Select(figure => figure.Product));
        Assert.Equal([1, 1, 1, 1, 1, 3, 3, 3, 3, 3], report.Figures.Select(figure => figure.Rows));
        double[] bytes = [640 * 384, 384 * 384, 2048 * 384, 384 * 1024];
        Assert.Equal([.. bytes, bytes.Sum()], report.Figures.Take(5).Select(figure => figure.Bytes));
        Assert.All(report.Figures, figure => Assert.True(figure is { Microseconds: > 0, TimesLimit: > 0, Layers: 12 }, $"{figure}"));
    }

    private static BenchDevice Device(long memory) => BenchDevice.Of(new CpuBackend(1), memory);

    private sealed class Nobody : IProgress<double>
    {
        public void Report(double value)
        {
        }
    }
}
