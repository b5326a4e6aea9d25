using HShare.AI;

namespace HShare.Cli.Doctor;

/// <summary>How a check came out.</summary>
internal enum CheckStatus
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>It works, but not as well as it could.</summary>
    Warning,

    /// <summary>It does not work.</summary>
    Failed,
}

/// <summary>One line of what <c>hshare doctor</c> finds.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="Status">How it came out.</param>
/// <param name="Finding">What was found.</param>
/// <param name="Fix">What to do, or null where there is nothing to do.</param>
/// <param name="NeededBy">The backend that needs it, or <see cref="HShareBackend.Auto"/> for both.</param>
internal sealed record DoctorCheck(string Name, CheckStatus Status, string Finding, string? Fix, HShareBackend NeededBy)
{
    /// <summary>A check that came out well.</summary>
    public static DoctorCheck Ok(string name, string finding, HShareBackend neededBy) => new(name, CheckStatus.Ok, finding, null, neededBy);

    /// <summary>A check that came out badly.</summary>
    public static DoctorCheck Failed(string name, string finding, string? fix, HShareBackend neededBy) =>
        new(name, CheckStatus.Failed, finding, fix, neededBy);
}

/// <summary>What <c>hshare doctor</c> found.</summary>
/// <param name="Asked">The backend that was asked about.</param>
/// <param name="Checks">The checks, in the order in which one needs the other.</param>
internal sealed record DoctorReport(HShareBackend Asked, IReadOnlyList<DoctorCheck> Checks)
{
    /// <summary>Whether the GPU can be used, as far as it was looked at.</summary>
    public bool GpuWorks => Checks.Any(check => check.NeededBy == HShareBackend.Cuda) && Works(HShareBackend.Cuda);

    /// <summary>Whether the CPU can be used.</summary>
    public bool CpuWorks => Works(HShareBackend.Cpu);

    /// <summary>
    /// The backend that was asked about; of <c>auto</c> the one that it takes: the GPU where one can be opened, whether it computes rightly
    /// or not.
    /// </summary>
    public HShareBackend Chosen => Asked != HShareBackend.Auto ? Asked
        : Checks.Any(check => check.Name == GpuChecks.Opening && check.Status != CheckStatus.Failed) ? HShareBackend.Cuda
        : HShareBackend.Cpu;

    /// <summary>Whether everything that the chosen backend needs is there and works.</summary>
    public bool Passed => Works(Chosen);

    private bool Works(HShareBackend backend) => Checks.All(check =>
        check.Status != CheckStatus.Failed || (check.NeededBy != HShareBackend.Auto && check.NeededBy != backend));
}
