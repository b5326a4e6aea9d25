using System.CommandLine;
using System.Globalization;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Tokenization;
using HShare.Cli.Bench;
using HShare.Cli.CommandLine;
using HShare.Cli.Output;

namespace HShare.Cli.Commands;

/// <summary><c>hshare bench</c>: how fast, beside what this machine can do at most.</summary>
internal sealed class BenchCommand : ToolCommand
{
    private const string Whole = "cpu";
    private const string AttentionOnly = "attention";
    private const string Constraints = "constraints";

    private static readonly int[] DefaultContexts = [1024, 4096, 7500];

    private readonly Argument<string> _part = new("part")
    {
        Description = "What to measure: cpu (products, attention, prefill, decode), attention (presets side by side), or constraints (what JSON schemas cost)",
        DefaultValueFactory = _ => Whole,
    };

    private readonly Option<string?> _shape = new("--shape")
    {
        Description = "Measure random weights of this shape instead of a model",
        HelpName = string.Join('|', SyntheticModel.ShapeNames),
    };

    private readonly Option<string[]> _presets = new("--attention")
    {
        Description = "bench attention: a preset to measure beside full attention; may be repeated [default: one of each kind]",
        HelpName = "PRESET",
    };

    private readonly Option<int[]> _contexts = new("--contexts")
    {
        DefaultValueFactory = _ => DefaultContexts,
        Description = "bench attention: tokens of the contexts",
        HelpName = "N,N,...",
        CustomParser = argument =>
        {
            string given = argument.Tokens[0].Value;
            int[] contexts = [.. given.Split(',').Select(ReadNumber)];
            if (contexts.All(tokens => tokens > 0))
                return contexts;

            argument.AddError($"--contexts '{given}' is not a list of numbers of at least 1, such as 1024,4096.");
            return [];
        },
    };

    private readonly Option<int?> _batch = CommonOptions.AtLeast(1, "--batch", "bench attention: sequences of a step [default: 1]");

    /// <summary>Declares the command.</summary>
    public BenchCommand(Terminal terminal)
        : base(
            terminal,
            "bench",
            "Measure matrix products, attention, prefill and decode, each beside this machine's limit measured in the same run.",
            "hshare bench cpu",
            "hshare bench cpu --shape llama-1b --weights int8",
            "hshare bench cpu --model DIR --threads 4 --json",
            "hshare bench constraints --model DIR",
            "hshare bench attention --contexts 4096,7500 --attention quest --attention hshare:1-1-1/4")
    {
        _part.AcceptOnlyFromAmong(Whole, AttentionOnly, Constraints);
        _shape.AcceptOnlyFromAmong([.. SyntheticModel.ShapeNames]);
        Add(_part);
        Add(_shape);
        Add(_presets);
        Add(_contexts);
        Add(_batch);
        this.AddModelOptions();
    }

    /// <inheritdoc/>
    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        ModelSettings settings = ModelSettings.Read(arguments);
        string? shape = arguments.GetValue(_shape);
        if (shape is not null && settings.Folder is not null)
            throw new InputException("--shape and --model exclude each other: measure random weights or a model.");

        if (arguments.GetValue(_part) == Constraints)
        {
            ConstraintBench bench = ReadConstraints(arguments, settings, cancellationToken);
            await MeasureAsync(
                arguments, settings.Name, (progress, _) => bench.Measure(progress), ConstraintTables.Write, cancellationToken);
        }
        else if (arguments.GetValue(_part) == AttentionOnly)
        {
            AttentionTarget target = ReadAttention(arguments, settings, shape);
            await MeasureAsync(arguments, target.Name, target.Measure, AttentionTables.Write, cancellationToken);
        }
        else
        {
            BenchTarget target = ReadWhole(arguments, settings, shape);
            await MeasureAsync(arguments, target.Name, target.Measure, BenchTables.Write, cancellationToken);
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
        RefuseAny(arguments, "belongs to bench attention", _presets, _contexts, _batch);
        WeightFormat stored = shape is null ? WeightFormat.AsStored : WeightFormat.BFloat16;
        bool formatIsGiven = IsGiven(arguments, CommonOptions.Weights);
        return new BenchTarget(settings, shape, formatIsGiven ? [settings.Weights] : [stored, WeightFormat.Int8]);
    }

    private AttentionTarget ReadAttention(ParseResult arguments, ModelSettings settings, string? shape)
    {
        RefuseAny(arguments, "means nothing to bench attention, which loads no weights", CommonOptions.Weights);
        RefuseAny(arguments, "belongs to bench cpu; bench attention takes --contexts", CommonOptions.Context);
        return new AttentionTarget(
            settings,
            shape,
            arguments.GetValue(_presets)!,
            arguments.GetValue(_contexts)!,
            arguments.GetValue(_batch) ?? 1);
    }

    private ConstraintBench ReadConstraints(ParseResult arguments, ModelSettings settings, CancellationToken cancellationToken)
    {
        RefuseAny(
            arguments, "means nothing to bench constraints, which needs only the model's tokenizer",
            _shape, _presets, _contexts, _batch, CommonOptions.Weights, CommonOptions.Context);
        string tokenizer = Path.Combine(settings.Directory, "tokenizer.json");
        return File.Exists(tokenizer)
            ? new ConstraintBench(settings.Name, Tokenizer.Load(tokenizer), cancellationToken)
            : throw new InputException($"{tokenizer} is not there: bench constraints needs the model's tokenizer.");
    }

    private static void RefuseAny(ParseResult arguments, string why, params IEnumerable<Option> options)
    {
        if (options.FirstOrDefault(option => IsGiven(arguments, option)) is { } option)
            throw new InputException($"{option.Name} {why}.");
    }

    // 0 where it is none.
    private static int ReadNumber(string text) => int.TryParse(text, CultureInfo.InvariantCulture, out int number) ? number : 0;

    private static bool IsGiven(ParseResult arguments, Option option) => arguments.GetResult(option) is { Implicit: false };
}
