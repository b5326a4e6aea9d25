using System.CommandLine;
using HShare.AI;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.Cli.CommandLine;
using HShare.Cli.Output;

namespace HShare.Cli.Bench.Gpu;

/// <summary>The options of <c>hshare bench</c> that are about the GPU, and what they ask for.</summary>
internal sealed class GpuBenchOptions
{
    private static readonly HeadGeometry[] UsualHeads = [new(32, 32, 128), new(32, 8, 128)];
    private static readonly int[] UsualBatches = [1, 8, 16, 64];
    private static readonly int[] UsualContexts = [1024, 2048, 4096, 16384, 65536, 131072];

    private static readonly string[] UsualPresets =
    [
        "full",
        "hshare:1/2-1/2-1/2,budget=1/8",
        "hshare:1/2-1/2-1/2,budget=1/8,retriever=labels,channels=16",
        "quest:budget=1/8",
        "double-sparse:budget=1/8,channels=16",
        "streaming-llm:budget=512",
        "hshare:1/2-1/2-1/2,budget=1024",
    ];

    private readonly Func<BenchDevice> _open;

    /// <summary>The options, for some device.</summary>
    /// <param name="open">Opens the device; null = the NVIDIA GPU.</param>
    public GpuBenchOptions(Func<BenchDevice>? open = null) => _open = open ?? BenchDevice.OpenCuda;

    /// <summary>Heads of the attention that is measured.</summary>
    public Option<HeadGeometry[]> Heads { get; } = new("--heads")
    {
        Description = "bench attention --backend cuda: query heads/KV heads[xELEMENTS]; may be repeated [default: 32/32 and 32/8]",
        HelpName = "Q/KV",
        CustomParser = argument =>
        {
            HeadGeometry?[] heads = [.. argument.Tokens.Select(token => HeadGeometry.Parse(token.Value))];
            int wrong = Array.IndexOf(heads, null);
            if (wrong >= 0)
                argument.AddError($"--heads '{argument.Tokens[wrong].Value}' is no geometry of heads such as 32/8 or 32/8x128.");
            return [.. heads.OfType<HeadGeometry>()];
        },
    };

    /// <summary>Lengths of prompts.</summary>
    public Option<int[]> Tokens { get; } = Numbers("--tokens", "bench prefill: tokens of the prompt [default: 4096]");

    /// <summary>Rows of prefill steps.</summary>
    public Option<int[]> Rows { get; } = Numbers(
        "--rows", "bench prefill: rows of a step [default: 2048]; bench linear: rows of the input [default: 1,16,32]");

    /// <summary>An option with a list of numbers of at least 1.</summary>
    public static Option<int[]> Numbers(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "N,N,...",
        CustomParser = argument =>
        {
            string given = argument.Tokens[0].Value;
            int[] numbers = [.. given.Split(',').Select(text => int.TryParse(text, out int number) ? number : 0)];
            if (numbers.All(number => number > 0))
                return numbers;

            argument.AddError($"{name} '{given}' is not a list of numbers of at least 1, such as 1024,4096.");
            return [];
        },
    };

    /// <summary>What <c>bench attention</c> measures on the GPU.</summary>
    public Func<IProgress<double>, CancellationToken, GpuAttentionReport> Attention(
        ParseResult arguments, ModelSettings settings, int[]? batches, int[]? contexts, string[] presets)
    {
        HeadGeometry[] heads = arguments.GetValue(Heads) is { Length: > 0 } given ? given : UsualHeads;
        string[] named = presets.Length > 0 ? ["full", .. presets.Where(text => text != "full")] : UsualPresets;
        return (progress, cancellationToken) =>
        {
            List<GpuAttentionReport> reports = [];
            foreach (HeadGeometry geometry in heads)
            {
                using BenchDevice device = _open();
                GpuLimits limits = reports.Count > 0
                    ? reports[0].Limits
                    : GpuLimits.Measure(device, withMatrix: false);
                DType kv = settings.Kv ?? device.Backend.CacheTypes[0];
                GpuAttentionBench bench = new(geometry, batches ?? UsualBatches, contexts ?? UsualContexts, named, kv, device);
                var (figures, skipped) = bench.Measure(limits, new Part(progress, reports.Count, heads.Length), cancellationToken);
                reports.Add(new GpuAttentionReport(device.Backend.Description, Formats.Name(kv), limits, figures, skipped));
            }

            return reports[0] with
            {
                Figures = [.. reports.SelectMany(report => report.Figures)],
                Skipped = [.. reports.SelectMany(report => report.Skipped)],
            };
        };
    }

    /// <summary>What <c>bench decode</c> measures.</summary>
    public GpuDecodeBench Decode(ModelSettings settings, string? shape, int[]? batches, int[]? contexts, string[] presets) =>
        new(
            Synthetic("decode", settings, shape),
            batches ?? [1, 8, 16],
            contexts ?? [4096],
            presets.Length > 0 ? presets : UsualPresets[..3]);

    /// <summary>What <c>bench prefill</c> measures.</summary>
    public GpuPrefillBench Prefill(ParseResult arguments, ModelSettings settings, string? shape) => new(
        Synthetic("prefill", settings, shape),
        arguments.GetValue(Tokens) is { Length: > 0 } tokens ? tokens : [4096],
        arguments.GetValue(Rows) is { Length: > 0 } rows ? rows : [2048]);

    /// <summary>What <c>bench linear</c> measures.</summary>
    public GpuLinearBench Linear(ParseResult arguments, ModelSettings settings, string? shape) => new(
        Synthetic("linear", settings, shape), arguments.GetValue(Rows) is { Length: > 0 } rows ? rows : [1, 16, 32]);

    private SyntheticBench Synthetic(string part, ModelSettings settings, string? shape)
    {
        if (settings.Backend != HShareBackend.Cuda)
            throw new InputException($"bench {part} measures a GPU: give --backend cuda. On the CPU, bench cpu measures it.");
        if (settings.Folder is not null)
            throw new InputException($"bench {part} measures random weights: give --shape in place of --model.");
        if (shape is null)
            throw new InputException($"bench {part} needs --shape {string.Join('|', SyntheticModel.ShapeNames)}.");
        WeightFormat weights = settings.Weights == WeightFormat.AsStored ? WeightFormat.BFloat16 : settings.Weights;
        return new SyntheticBench(shape, weights, settings.Kv, _open);
    }

    // A share of the whole progress.
    private sealed class Part(IProgress<double> whole, int index, int count) : IProgress<double>
    {
        public void Report(double value) => whole.Report((index + value) / count);
    }
}
