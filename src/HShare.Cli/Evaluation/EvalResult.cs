using HShare.AI.Engine.Scheduling;

namespace HShare.Cli.Evaluation;

/// <summary>One question with the model's answer.</summary>
/// <param name="Question">The question.</param>
/// <param name="Answer">The model's answer, trimmed; null where the prompt does not fit the context.</param>
/// <param name="PromptTokens">Tokens of the rendered prompt.</param>
/// <param name="OutputTokens">Tokens generated, the end token included.</param>
/// <param name="Reads">What its decode steps read of the KV cache.</param>
/// <param name="DecodeSeconds">Time from the first token to the last.</param>
internal sealed record EvalResult(
    EvalQuestion Question, string? Answer, int PromptTokens, int OutputTokens, KvReads Reads = default, double DecodeSeconds = 0)
{
    /// <summary>How right the answer is, 0 to 1.</summary>
    public double Score { get; } = Answer is null ? 0 : Question.Score(Answer);

    /// <summary>Whether it is wholly right.</summary>
    public bool Correct => Score >= 1;

    /// <summary>Whether there was no room to answer at all.</summary>
    public bool OverContext => Answer is null;

    /// <summary>Whether the answer is that of the reference.</summary>
    public bool SameAsReference => Answer is not null && Answer == Question.Meta?.Reference?.Answer.Trim();
}
