using System.CommandLine;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.Cli.Bench;
using HShare.Cli.CommandLine;
using HShare.Cli.Output;

namespace HShare.Cli.Commands;

/// <summary><c>hshare bench cpu</c>: how fast, beside what this machine can do at most.</summary>
internal sealed class BenchCommand : ToolCommand
{
    private readonly Argument<string> _device = new("device")
    {
        Description = "What to measure: cpu",
        DefaultValueFactory = _ => "cpu",
    };

    private readonly Option<string?> _shape = new("--shape")
    {
        Description = "Measure random weights of this shape instead of a model",
        HelpName = string.Join('|', SyntheticModel.ShapeNames),
    };

    /// <summary>Declares the command.</summary>
    public BenchCommand(Terminal terminal)
        : base(
            terminal,
            "bench",
            "Measure matrix products, attention, prefill and decode, each beside this machine's limit measured in the same run.",
            "hshare bench cpu",
            "hshare bench cpu --shape llama-1b --weights int8",
            "hshare bench cpu --model DIR --threads 4 --json")
    {
        _device.AcceptOnlyFromAmong("cpu");
        _shape.AcceptOnlyFromAmong([.. SyntheticModel.ShapeNames]);
        Add(_device);
        Add(_shape);
        this.AddModelOptions();
    }

    /// <inheritdoc/>
    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        BenchTarget target = ReadTarget(arguments);
        BenchReport report = await Terminal.WithProgressAsync(
            $"Measuring {target.Name}", progress => Task.Run(() => target.Measure(progress, cancellationToken), cancellationToken));
        if (arguments.GetValue(CommonOptions.Json))
            Terminal.WriteJson(report);
        else
            BenchTables.Write(Terminal, report);
        return ExitCode.Ok;
    }

    private BenchTarget ReadTarget(ParseResult arguments)
    {
        ModelSettings settings = ModelSettings.Read(arguments);
        string? shape = arguments.GetValue(_shape);
        if (shape is not null && settings.Folder is not null)
            throw new InputException("--shape and --model exclude each other: measure random weights or a model.");

        bool formatIsGiven = arguments.GetResult(CommonOptions.Weights) is { Implicit: false };
        WeightFormat stored = shape is null ? WeightFormat.AsStored : WeightFormat.BFloat16;
        return new BenchTarget(settings, shape, formatIsGiven ? [settings.Weights] : [stored, WeightFormat.Int8]);
    }
}
