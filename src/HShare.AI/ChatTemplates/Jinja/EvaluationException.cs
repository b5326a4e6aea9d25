namespace HShare.AI.ChatTemplates.Jinja;

/// <summary>
/// An operation on values failed; whoever evaluates the expression knows where, and says so in a <see cref="ChatTemplateException"/>.
/// </summary>
internal sealed class EvaluationException(string message) : Exception(message);
