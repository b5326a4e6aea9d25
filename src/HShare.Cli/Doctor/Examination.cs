using System.Runtime.InteropServices;
using HShare.AI;
using HShare.AI.Engine;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.Cli.Doctor;

/// <summary>Looks at everything that a backend needs, in the order in which one thing needs the other.</summary>
/// <param name="Asked">The backend that is asked about; of <see cref="HShareBackend.Auto"/>, both.</param>
internal sealed record Examination(HShareBackend Asked)
{
    /// <summary>Runs all checks; no problem ends them.</summary>
    public DoctorReport Run(IProgress<double> progress, CancellationToken cancellationToken)
    {
        List<DoctorCheck> checks = [Machine()];
        (string? directory, DoctorCheck? missing) = Model();
        if (missing is not null)
            checks.Add(missing);
        int[] tokens = [];
        if (directory is not null)
        {
            (DoctorCheck decoded, tokens) = DecodeCheck.OnCpu(directory, cancellationToken);
            checks.Add(decoded);
        }

        if (Asked == HShareBackend.Cpu)
        {
            using CpuBackend one = new(), other = new(1);
            checks.AddRange(new OperationChecks(one, other, HShareBackend.Cpu).Run()
                .Select(check => check with { Name = $"operation {check.Name}, all threads against one" }));
        }
        else
        {
            checks.AddRange(GpuChecks.Machine());
            checks.AddRange(GpuChecks.Use(directory, tokens, progress, cancellationToken));
        }

        return new DoctorReport(Asked, checks);
    }

    private static DoctorCheck Machine()
    {
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30;
        string finding = $"{RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.OSArchitecture}, "
            + $"{RuntimeInformation.FrameworkDescription}, {Environment.ProcessorCount} cores, {memory} GiB";
        return DoctorCheck.Ok("operating system", finding, HShareBackend.Auto);
    }

    private static (string? Directory, DoctorCheck? Missing) Model()
    {
        try
        {
            return (BundledModel.Find(), null);
        }
        catch (HShareException error)
        {
            return (null, new DoctorCheck(
                "bundled model", CheckStatus.Warning, error.Message, "Without it no decode is tried.", HShareBackend.Auto));
        }
    }
}
