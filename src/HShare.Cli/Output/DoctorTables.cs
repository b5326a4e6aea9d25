using HShare.AI;
using HShare.Cli.Doctor;
using Spectre.Console;

namespace HShare.Cli.Output;

/// <summary>What <c>hshare doctor</c> found, for reading.</summary>
internal static class DoctorTables
{
    /// <summary>Writes a line for each check, what to do about those that failed, and the verdict.</summary>
    public static void Write(Terminal terminal, DoctorReport report)
    {
        Table table = Tables.Create("check");
        table.AddColumns("", "found");
        foreach (DoctorCheck check in report.Checks)
            table.AddTextRow([check.Name, Name(check.Status), FirstLine(check.Finding)]);
        terminal.Write(table);
        foreach (DoctorCheck check in report.Checks.Where(check => check.Fix is not null))
            terminal.Out.WriteLine($"{check.Name}: {check.Fix}");

        if (report.Asked != HShareBackend.Cpu)
            terminal.Out.WriteLine(report.GpuWorks ? "The GPU backend works." : "The GPU backend does not work here.");
        terminal.Out.WriteLine(report.CpuWorks ? "The CPU backend works." : "The CPU backend does not work here.");
        if (report.Asked == HShareBackend.Auto)
            terminal.Out.WriteLine($"--backend auto takes the {(report.Chosen == HShareBackend.Cuda ? "GPU" : "CPU")}.");
        terminal.Out.WriteLine(report.Passed ? "Passed" : "FAILED");
    }

    // A compiler has more to say than a table holds; --json has it all.
    private static string FirstLine(string finding) =>
        finding.Split('\n') is [string first, _, ..] ? first.TrimEnd('\r', ':', ';') + " …" : finding;

    private static string Name(CheckStatus status) => status switch
    {
        CheckStatus.Ok => "ok",
        CheckStatus.Warning => "warning",
        _ => "FAILED",
    };
}
