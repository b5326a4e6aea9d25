using System.Text.Json.Nodes;
using HShare.AI.ChatTemplates;
using HShare.AI.Engine.Tokenization;

namespace HShare.Cli.Evaluation.Tasks;

/// <summary>One question of a benchmark, with all that is needed to ask it and to score the answer.</summary>
internal sealed record TaskCase
{
    /// <summary>Name of the set or data set: the key by which results are grouped first.</summary>
    public required string Task { get; init; }

    /// <summary>Where the case comes from: <c>file:line</c>, or what it was made of.</summary>
    public required string Source { get; init; }

    /// <summary>The conversation, ending with the user's turn.</summary>
    public required JsonArray Messages { get; init; }

    /// <summary>Most tokens of the answer.</summary>
    public required int MaxOutputTokens { get; init; }

    /// <summary>Right answers; what more than one means is the metric's matter.</summary>
    public required IReadOnlyList<string> References { get; init; }

    /// <summary>How answers are scored, the metric that stands for the case first.</summary>
    public required IReadOnlyList<TaskMetric> Metrics { get; init; }

    /// <summary>Length asked for, in tokens of the user's turn; null where nobody asked for one.</summary>
    public int? Length { get; init; }

    /// <summary>Where in the document the answer lies, 0 = start, 1 = end; null where that means nothing.</summary>
    public double? Depth { get; init; }

    /// <summary>Text with which the answer is made to begin; the model goes on from there. It is no part of what is scored.</summary>
    public string AnswerStart { get; init; } = "";

    /// <summary>Whether the user's text goes to the model as it is, for it to continue, without a chat template.</summary>
    public bool Plain { get; init; }

    /// <summary>A conversation of one user's turn.</summary>
    public static JsonArray Ask(string text) => [new JsonObject { ["role"] = "user", ["content"] = text }];

    /// <summary>The prompt in tokens, as the case is to be asked: <see cref="Plain"/> and <see cref="AnswerStart"/> are heeded.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="template">The model's template.</param>
    /// <exception cref="ChatTemplateException">The template does not take the conversation.</exception>
    public IReadOnlyList<int> Encode(Tokenizer tokenizer, ChatTemplate template)
    {
        if (Plain)
            return tokenizer.AddSpecialTokens(tokenizer.Encode(Messages[^1]!["content"]!.GetValue<string>() + AnswerStart));
        return tokenizer.Encode([
            .. template.RenderSegments(
                Messages, tools: null, addGenerationPrompt: true, variables: null, specialTokens: tokenizer.SpecialTokens),
            new TextSegment(AnswerStart, SpecialTokens: false)]);
    }

    /// <summary>Scores an answer by the first metric.</summary>
    /// <param name="answer">The model's answer, without <see cref="AnswerStart"/>.</param>
    /// <returns>0 to 1.</returns>
    public double Score(string answer) => Metrics[0].Score(answer, References);

    /// <summary>Scores an answer by every metric, in their order.</summary>
    /// <param name="answer">The model's answer, without <see cref="AnswerStart"/>.</param>
    public IReadOnlyList<TaskScore> Scores(string answer) =>
        [.. Metrics.Select(metric => new TaskScore(metric.Name, metric.Score(answer, References)))];

    /// <summary>
    /// The case as one of a cases file: conversation, first reference, and task, length and depth as group keys. That form has no place for
    /// <see cref="Plain"/> and <see cref="AnswerStart"/>: ask with <see cref="Encode"/>.
    /// </summary>
    public EvalCase ToEvalCase() => new(Messages, References[0], Meta: new EvalMeta(Length, Depth, Task));
}
