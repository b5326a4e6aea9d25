namespace HShare.Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    /// <summary>All went well.</summary>
    public const int Ok = 0;

    /// <summary>A check did not pass: <c>verify</c> beyond its tolerance.</summary>
    public const int CheckFailed = 1;

    /// <summary>Bad usage or bad input; stderr has one line that says what.</summary>
    public const int BadInput = 2;

    /// <summary>A fault of the tool itself.</summary>
    public const int Fault = 3;

    /// <summary>Ended by Ctrl-C.</summary>
    public const int Cancelled = 130;
}
