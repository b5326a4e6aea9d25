namespace HShare.AI.ChatTemplates.Jinja.Syntax;

/// <summary>A place in a template, counted from 1.</summary>
internal readonly record struct SourcePosition(int Line, int Column)
{
    public override string ToString() => $"line {Line}, column {Column}";

    /// <summary>An error at this place.</summary>
    public ChatTemplateException Error(string message, Exception? innerException = null) =>
        new($"Chat template, {this}: {message}", innerException);
}
