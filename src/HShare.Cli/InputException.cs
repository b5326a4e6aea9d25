using HShare.AI.Engine;

namespace HShare.Cli;

/// <summary>A file or an option that the user gave cannot be used. The message says which and what to do.</summary>
internal sealed class InputException : HShareException
{
    /// <summary>An error with a message.</summary>
    public InputException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
