using System.CommandLine;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Verification;
using HShare.Cli.CommandLine;
using HShare.Cli.Output;

namespace HShare.Cli.Commands;

/// <summary><c>hshare verify DIR</c>: whether a model computes what a reference implementation computed.</summary>
internal sealed class VerifyCommand : ToolCommand
{
    private readonly Argument<string?> _directory = CommonOptions.ModelArgument();

    private readonly Option<float?> _tolerance = CommonOptions.AtLeast(
        0f,
        "--tolerance",
        "Largest logit difference that passes; greedy steps count where the reference's margin is over twice this "
        + "[default: 0.001, and on a GPU 3 % of the spread of the logits]");

    private readonly Option<string?> _golden = new("--golden")
    {
        Description = $"The reference's results [default: {ReferenceSet.FileName} in the model's folder]",
        HelpName = "FILE.json",
    };

    /// <summary>Declares the command.</summary>
    public VerifyCommand(Terminal terminal)
        : base(
            terminal,
            "verify",
            $"Compare logits and greedy tokens with a reference's {ReferenceSet.FileName}. Exit code 1 beyond the tolerance.",
            "hshare verify",
            "hshare verify ~/models/my-model --kv bf16 --tolerance 0.05",
            "hshare verify ~/models/my-model --json")
    {
        Add(_directory);
        Add(_tolerance);
        Add(_golden);
        this.AddModelOptions();
    }

    /// <inheritdoc/>
    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        ModelSettings settings = ModelSettings.Read(arguments, arguments.GetValue(_directory));
        using LanguageModel model = await settings.LoadAsync(Terminal, cancellationToken);
        ReferenceTolerance tolerance = arguments.GetValue(_tolerance) is { } logits
            ? new(logits, 2 * logits)
            : ReferenceTolerance.For(model.Backend);
        var reference = ReferenceSet.Read(
            arguments.GetValue(_golden) ?? Path.Combine(settings.Directory, ReferenceSet.FileName), model.Config);

        ReferenceReport report = await Terminal.WithProgressAsync(
            $"Checking {reference.Cases.Count} cases",
            progress => Task.Run(
                () => ReferenceCheck.Run(
                    model, reference, tolerance, settings.Kv, new CaseCount(progress, reference.Cases.Count), cancellationToken),
                cancellationToken));
        if (arguments.GetValue(CommonOptions.Json))
            Terminal.WriteJson(VerifyReport.ToJson(report, tolerance, model, settings));
        else
            VerifyReport.WriteTable(Terminal, report, tolerance);
        return report.Passed ? ExitCode.Ok : ExitCode.CheckFailed;
    }

    private sealed class CaseCount(IProgress<double> progress, int cases) : IProgress<ReferenceCaseReport>
    {
        private int _done;

        public void Report(ReferenceCaseReport value) => progress.Report((double)++_done / cases);
    }
}
