using HShare.AI.Engine;

namespace HShare.AI.ChatTemplates;

/// <summary>A chat template does not parse, or refused a conversation.</summary>
public sealed class ChatTemplateException : HShareException
{
    /// <summary>An error with a message.</summary>
    public ChatTemplateException(string message)
        : base(message)
    {
    }

    /// <summary>An error with a message and the error behind it.</summary>
    public ChatTemplateException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
