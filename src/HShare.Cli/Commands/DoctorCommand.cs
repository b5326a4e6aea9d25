using System.CommandLine;
using HShare.Cli.CommandLine;
using HShare.Cli.Doctor;
using HShare.Cli.Output;

namespace HShare.Cli.Commands;

/// <summary><c>hshare doctor</c>: whether this machine can run models, on what, and what to do where it cannot.</summary>
internal sealed class DoctorCommand : ToolCommand
{
    /// <summary>Declares the command.</summary>
    public DoctorCommand(Terminal terminal)
        : base(
            terminal,
            "doctor",
            "Check GPU, driver, libraries, memory and every operation, and say what to do. "
            + "Exit code 1 where something fails that the backend needs.",
            "hshare doctor",
            "hshare doctor --backend cuda",
            "hshare doctor --json")
    {
        Add(CommonOptions.Backend);
        Add(CommonOptions.Json);
    }

    /// <inheritdoc/>
    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        Examination examination = new(arguments.GetValue(CommonOptions.Backend));
        DoctorReport report = await Terminal.WithProgressAsync(
            "Examining", progress => Task.Run(() => examination.Run(progress, cancellationToken), cancellationToken));
        if (arguments.GetValue(CommonOptions.Json))
            Terminal.WriteJson(report);
        else
            DoctorTables.Write(Terminal, report);
        return report.Passed ? ExitCode.Ok : ExitCode.CheckFailed;
    }
}
