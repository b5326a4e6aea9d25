using System.CommandLine;
using HShare.AI;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Tokenization;
using HShare.Cli.Bench;
using HShare.Cli.Bench.Gpu;
using HShare.Cli.CommandLine;
using HShare.Cli.Output;

namespace HShare.Cli.Commands;

/// <summary><c>hshare bench</c>: how fast, beside what this machine can do at most.</summary>
internal sealed class BenchCommand : ToolCommand
{
    private const string Whole = "cpu";
    private const string AttentionOnly = "attention";
    private const string Decode = "decode";
    private const string Prefill = "prefill";
    private const string Linear = "linear";
    private const string Constraints = "constraints";
    private const string Schedule = "schedule";

    private const string OfGpu = "is about a GPU (--backend cuda)";

    private static readonly int[] DefaultContexts = [1024, 4096, 7500];

    private readonly Argument<string> _part = new("part")
    {
        Description = "What to measure: cpu (products, attention, prefill, decode), attention (presets side by side), decode or prefill "
            + "(whole steps on a GPU, random weights), linear (a layer's matrix products on a GPU), constraints (what JSON schemas cost), "
            + "or schedule (what the engine adds to a step)",
        DefaultValueFactory = _ => Whole,
    };

    private readonly Option<string?> _shape = new("--shape")
    {
        Description = "Measure random weights of this shape instead of a model",
        HelpName = string.Join('|', SyntheticModel.ShapeNames),
    };

    private readonly Option<string[]> _presets = new("--attention")
    {
        Description = "bench attention, decode: a preset to measure; may be repeated [default: full attention and some others]",
        HelpName = "PRESET",
    };

    private readonly Option<int[]> _contexts = GpuBenchOptions.Numbers(
        "--contexts", "bench attention, decode: tokens of the contexts [default: 1024,4096,7500; on a GPU up to 131072]");

    private readonly Option<int[]> _batches = GpuBenchOptions.Numbers(
        "--batch", "bench attention, decode: sequences of a step; several only on a GPU [default: 1; on a GPU several]");

    private readonly GpuBenchOptions _gpu = new();

    /// <summary>Declares the command.</summary>
    public BenchCommand(Terminal terminal)
        : base(
            terminal,
            "bench",
            "Measure matrix products, attention, prefill and decode, each beside this machine's limit measured in the same run. "
            + "A GPU is measured where --backend cuda says so.",
            "hshare bench cpu",
            "hshare bench cpu --shape llama-1b --weights int8",
            "hshare bench cpu --model DIR --threads 4 --json",
            "hshare bench constraints --model DIR",
            "hshare bench schedule --shape llama2-7b --batch 16",
            "hshare bench attention --contexts 4096,7500 --attention quest --attention hshare:1-1-1/4",
            "hshare bench attention --backend cuda --heads 32/32 --batch 8,16 --contexts 1024,2048,4096",
            "hshare bench decode --backend cuda --shape llama2-7b --batch 1,16 --contexts 4096 --weights fp8",
            "hshare bench prefill --backend cuda --shape llama3-8b --tokens 4096 --rows 4096",
            "hshare bench linear --backend cuda --shape llama2-7b --weights fp8 --rows 1,16,32")
    {
        _part.AcceptOnlyFromAmong(Whole, AttentionOnly, Decode, Prefill, Linear, Constraints, Schedule);
        _shape.AcceptOnlyFromAmong([.. SyntheticModel.ShapeNames]);
        Add(_part);
        Add(_shape);
        Add(_presets);
        Add(_contexts);
        Add(_batches);
        Add(_gpu.Heads);
        Add(_gpu.Tokens);
        Add(_gpu.Rows);
        this.AddModelOptions();
    }

    /// <inheritdoc/>
    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        ModelSettings settings = ModelSettings.Read(arguments);
        string? shape = arguments.GetValue(_shape);
        if (shape is not null && settings.Folder is not null)
            throw new InputException("--shape and --model exclude each other: measure random weights or a model.");

        switch (arguments.GetValue(_part))
        {
            case Constraints:
                ConstraintBench bench = ReadConstraints(arguments, settings, cancellationToken);
                await MeasureAsync(
                    arguments, settings.Name, (progress, _) => bench.Measure(progress), ConstraintTables.Write, cancellationToken);
                break;
            case Schedule:
                ScheduleBench schedule = ReadSchedule(arguments, shape);
                await MeasureAsync(arguments, "the engine", schedule.Measure, ScheduleTables.Write, cancellationToken);
                break;
            case AttentionOnly when settings.Backend == HShareBackend.Cuda:
                await MeasureAsync(
                    arguments, "attention", ReadGpuAttention(arguments, settings), GpuTables.Write, cancellationToken);
                break;
            case AttentionOnly:
                AttentionTarget attention = ReadAttention(arguments, settings, shape);
                await MeasureAsync(arguments, attention.Name, attention.Measure, AttentionTables.Write, cancellationToken);
                break;
            case Decode:
                GpuDecodeBench decode = ReadDecode(arguments, settings, shape);
                await MeasureAsync(arguments, decode.Model.Shape, decode.Measure, GpuTables.Write, cancellationToken);
                break;
            case Prefill:
                GpuPrefillBench prefill = ReadPrefill(arguments, settings, shape);
                await MeasureAsync(arguments, prefill.Model.Shape, prefill.Measure, GpuTables.Write, cancellationToken);
                break;
            case Linear:
                GpuLinearBench linear = ReadLinear(arguments, settings, shape);
                await MeasureAsync(arguments, linear.Model.Shape, linear.Measure, GpuTables.Write, cancellationToken);
                break;
            default:
                BenchTarget target = ReadWhole(arguments, settings, shape);
                await MeasureAsync(arguments, target.Name, target.Measure, BenchTables.Write, cancellationToken);
                break;
        }

        return ExitCode.Ok;
    }

    private async Task MeasureAsync<TReport>(
        ParseResult arguments,
        string name,
        Func<IProgress<double>, CancellationToken, TReport> measure,
        Action<Terminal, TReport> write,
        CancellationToken cancellationToken)
        where TReport : class
    {
        TReport report = await Terminal.WithProgressAsync(
            $"Measuring {name}", progress => Task.Run(() => measure(progress, cancellationToken), cancellationToken));
        if (arguments.GetValue(CommonOptions.Json))
            Terminal.WriteJson(report);
        else
            write(Terminal, report);
    }

    private BenchTarget ReadWhole(ParseResult arguments, ModelSettings settings, string? shape)
    {
        RefuseAny(arguments, "belongs to bench attention", _presets, _contexts, _batches);
        RefuseAny(arguments, OfGpu, _gpu.Heads, _gpu.Tokens, _gpu.Rows);
        if (settings.Backend == HShareBackend.Cuda)
            throw new InputException("bench cpu measures the CPU: leave --backend cuda out, or choose bench attention, decode or prefill.");
        WeightFormat stored = shape is null ? WeightFormat.AsStored : WeightFormat.BFloat16;
        bool formatIsGiven = IsGiven(arguments, CommonOptions.Weights);
        return new BenchTarget(
            settings with { Backend = HShareBackend.Cpu }, shape, formatIsGiven ? [settings.Weights] : [stored, WeightFormat.Int8]);
    }

    private AttentionTarget ReadAttention(ParseResult arguments, ModelSettings settings, string? shape)
    {
        RefuseAny(arguments, "means nothing to bench attention, which loads no weights", CommonOptions.Weights);
        RefuseAny(arguments, "belongs to bench cpu; bench attention takes --contexts", CommonOptions.Context);
        RefuseAny(arguments, OfGpu, _gpu.Heads, _gpu.Tokens, _gpu.Rows);
        int[] batches = Given(arguments, _batches) ?? [1];
        if (batches.Length > 1)
            throw new InputException("--batch takes several numbers only on a GPU (--backend cuda).");
        return new AttentionTarget(
            settings with { Backend = HShareBackend.Cpu },
            shape,
            arguments.GetValue(_presets)!,
            Given(arguments, _contexts) ?? DefaultContexts,
            batches[0]);
    }

    private Func<IProgress<double>, CancellationToken, GpuAttentionReport> ReadGpuAttention(ParseResult arguments, ModelSettings settings)
    {
        RefuseAny(
            arguments, "means nothing to bench attention on a GPU, which takes --heads and loads no weights",
            _shape, CommonOptions.Model, CommonOptions.Weights, CommonOptions.Threads);
        RefuseAny(arguments, "belongs to bench cpu; bench attention takes --contexts", CommonOptions.Context);
        RefuseAny(arguments, "belongs to bench prefill or linear", _gpu.Tokens, _gpu.Rows);
        return _gpu.Attention(
            arguments, settings, Given(arguments, _batches), Given(arguments, _contexts), arguments.GetValue(_presets)!);
    }

    private GpuDecodeBench ReadDecode(ParseResult arguments, ModelSettings settings, string? shape)
    {
        RefuseAny(arguments, "belongs to bench cpu; bench decode takes --contexts", CommonOptions.Context);
        RefuseAny(arguments, "belongs to bench prefill or linear", _gpu.Tokens, _gpu.Rows);
        RefuseAny(arguments, "belongs to bench attention; the shape has its heads", _gpu.Heads);
        return _gpu.Decode(settings, shape, Given(arguments, _batches), Given(arguments, _contexts), arguments.GetValue(_presets)!);
    }

    private GpuPrefillBench ReadPrefill(ParseResult arguments, ModelSettings settings, string? shape)
    {
        RefuseAny(arguments, "means nothing to bench prefill, which takes --tokens", CommonOptions.Context, _contexts, _batches);
        RefuseAny(arguments, "means nothing to bench prefill: prompts are read with full attention", _presets);
        RefuseAny(arguments, "belongs to bench attention; the shape has its heads", _gpu.Heads);
        return _gpu.Prefill(arguments, settings, shape);
    }

    private GpuLinearBench ReadLinear(ParseResult arguments, ModelSettings settings, string? shape)
    {
        RefuseAny(
            arguments, "means nothing to bench linear, which multiplies matrices alone",
            _presets, _contexts, _batches, _gpu.Heads, _gpu.Tokens, CommonOptions.Context, CommonOptions.Kv);
        return _gpu.Linear(arguments, settings, shape);
    }

    private ConstraintBench ReadConstraints(ParseResult arguments, ModelSettings settings, CancellationToken cancellationToken)
    {
        RefuseAny(
            arguments, "means nothing to bench constraints, which needs only the model's tokenizer",
            _shape, _presets, _contexts, _batches, _gpu.Heads, _gpu.Tokens, _gpu.Rows, CommonOptions.Weights, CommonOptions.Context);
        string tokenizer = Path.Combine(settings.Directory, "tokenizer.json");
        return File.Exists(tokenizer)
            ? new ConstraintBench(settings.Name, Tokenizer.Load(tokenizer), cancellationToken)
            : throw new InputException($"{tokenizer} is not there: bench constraints needs the model's tokenizer.");
    }

    private ScheduleBench ReadSchedule(ParseResult arguments, string? shape)
    {
        RefuseAny(
            arguments, "means nothing to bench schedule, which computes nothing",
            CommonOptions.Model, CommonOptions.Backend, CommonOptions.Threads, CommonOptions.Weights, CommonOptions.Kv,
            CommonOptions.Context, _contexts, _gpu.Heads, _gpu.Tokens, _gpu.Rows);
        int[] batches = Given(arguments, _batches) ?? [16];
        if (batches.Length > 1)
            throw new InputException("--batch takes one number for bench schedule.");
        string[] given = arguments.GetValue(_presets)!, presets = given.Length > 0 ? given : ["full", "quest:budget=512"];
        return new ScheduleBench(shape ?? "llama2-7b", batches[0], [.. presets.Select(AttentionPreset.Parse)]);
    }

    private static void RefuseAny(ParseResult arguments, string why, params IEnumerable<Option> options)
    {
        if (options.FirstOrDefault(option => IsGiven(arguments, option)) is { } option)
            throw new InputException($"{option.Name} {why}.");
    }

    private static int[]? Given(ParseResult arguments, Option<int[]> option) =>
        IsGiven(arguments, option) ? arguments.GetValue(option) : null;

    private static bool IsGiven(ParseResult arguments, Option option) => arguments.GetResult(option) is { Implicit: false };
}
