namespace HShare.AI.Engine.Tokenization;

/// <summary>What becomes of the stretches of a text that a splitting pattern matches.</summary>
internal enum SplitBehavior
{
    /// <summary>They are left out.</summary>
    Removed,

    /// <summary>Each is a word.</summary>
    Isolated,

    /// <summary>Each ends the word before it.</summary>
    MergedWithPrevious,

    /// <summary>Each starts the word behind it.</summary>
    MergedWithNext,

    /// <summary>Those that touch are one word.</summary>
    Contiguous,
}
