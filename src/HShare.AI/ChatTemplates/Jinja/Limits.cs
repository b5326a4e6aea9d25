using System.Runtime.CompilerServices;

namespace HShare.AI.ChatTemplates.Jinja;

/// <summary>What a template may use before it counts as a runaway.</summary>
internal static class Limits
{
    /// <summary>Macros that may be running inside one another.</summary>
    public const int MacroDepth = 200;

    /// <summary>Items of a <c>range</c>, as in Python Jinja's sandbox.</summary>
    public const int RangeItems = 100_000;

    /// <summary>Turns of all loops of a rendering.</summary>
    public const int LoopTurns = 10_000_000;

    /// <summary>Characters of a text.</summary>
    public const int Characters = 16 * 1024 * 1024;

    /// <summary>Items of a list that is put together from others.</summary>
    public const int Items = 1024 * 1024;

    /// <summary>Fails before a text becomes too long.</summary>
    public static void CheckCharacters(long count)
    {
        if (count > Characters)
            throw new EvaluationException($"the template makes a text of {count} characters; it may have {Characters}");
    }

    /// <summary>Fails before a list becomes too long.</summary>
    public static void CheckItems(long count)
    {
        if (count > Items)
            throw new EvaluationException($"the template makes a list of {count} items; it may have {Items}");
    }

    /// <summary>Fails before recursion over nested expressions, macros or values takes the rest of the stack.</summary>
    public static void CheckNesting()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new EvaluationException("expressions or values are nested too deeply");
    }
}
