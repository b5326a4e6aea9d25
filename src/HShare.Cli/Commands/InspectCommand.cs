using System.CommandLine;
using HShare.AI.Engine.Models;
using HShare.Cli.CommandLine;
using HShare.Cli.Output;

namespace HShare.Cli.Commands;

/// <summary><c>hshare inspect DIR</c>: what a model folder holds, without loading it.</summary>
internal sealed class InspectCommand : ToolCommand
{
    private readonly Argument<string?> _directory = CommonOptions.ModelArgument();

    /// <summary>Declares the command.</summary>
    public InspectCommand(Terminal terminal)
        : base(
            terminal,
            "inspect",
            "Print what a model folder holds: architecture, parameters, types, context, memory of the KV cache.",
            "hshare inspect",
            "hshare inspect ~/models/Llama-3.2-1B-Instruct",
            "hshare inspect ~/models/Qwen3-0.6B --json")
    {
        Add(_directory);
        this.AddModelOptions();
    }

    /// <inheritdoc/>
    protected override Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        ModelSettings settings = ModelSettings.Read(arguments, arguments.GetValue(_directory));
        var summary = ModelSummary.Read(settings.Directory);
        if (arguments.GetValue(CommonOptions.Json))
            Terminal.WriteJson(ModelReport.ToJson(summary));
        else
            ModelReport.WriteTable(Terminal, summary, settings.Context);
        return Task.FromResult(ExitCode.Ok);
    }
}
