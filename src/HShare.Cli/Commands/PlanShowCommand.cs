using System.CommandLine;
using HShare.AI.Engine.Attention;
using HShare.Cli.CommandLine;
using HShare.Cli.Drawing;
using HShare.Cli.Output;

namespace HShare.Cli.Commands;

/// <summary><c>hshare plan show FILE</c>: draws a sharing plan.</summary>
internal sealed class PlanShowCommand : ToolCommand
{
    private readonly Argument<string> _file = new("file") { Description = "The plan", HelpName = "FILE" };

    private readonly Option<string?> _svg = new("--svg") { Description = "Also draw it into this file", HelpName = "OUT.svg" };

    /// <summary>Declares the command.</summary>
    public PlanShowCommand(Terminal terminal)
        : base(
            terminal,
            "show",
            "Draw a sharing plan: a line for each layer, a cell for each KV head, leaders marked, followers with their leader's name.",
            "hshare plan show balanced.json",
            "hshare plan show balanced.json --svg balanced.svg")
    {
        Add(_file);
        Add(_svg);
    }

    /// <inheritdoc/>
    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        string file = arguments.GetRequiredValue(_file);
        SharingPlan plan = SharingPlanFile.Load(file).Plan;
        if (arguments.GetValue(_svg) is { } svg)
        {
            string drawing = PlanDrawing.Draw(plan, $"Sharing plan {Path.GetFileNameWithoutExtension(file)}");
            await File.WriteAllTextAsync(svg, drawing, cancellationToken);
        }

        Terminal.Out.Write(PlanText.Draw(plan));
        return ExitCode.Ok;
    }
}
