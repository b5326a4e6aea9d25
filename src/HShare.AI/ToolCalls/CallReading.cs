using Microsoft.Extensions.AI;

namespace HShare.AI.ToolCalls;

/// <summary>What a parser makes of the characters at a place where a call may begin.</summary>
/// <param name="Length">How many of the characters are decided; 0 = none until more have come.</param>
/// <param name="Call">The call that they write, or null.</param>
/// <param name="IsMarkup">Whether they are neither a call nor text, as the bracket that closes a list of calls is.</param>
internal readonly record struct CallReading(int Length, FunctionCallContent? Call = null, bool IsMarkup = false)
{
    /// <summary>It takes more characters to tell.</summary>
    public static CallReading Undecided => default;

    /// <summary>They only looked like a call.</summary>
    public static CallReading Text(int length) => new(length);

    /// <summary>They belong to the calls around them.</summary>
    public static CallReading Markup(int length) => new(length, IsMarkup: true);
}
