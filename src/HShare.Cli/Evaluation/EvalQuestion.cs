using HShare.AI.ChatTemplates;
using HShare.AI.Engine.Tokenization;
using HShare.Cli.Evaluation.Metrics;
using HShare.Cli.Evaluation.Tasks;

namespace HShare.Cli.Evaluation;

/// <summary>A question to be asked and scored, whatever file or set it comes from.</summary>
/// <param name="File">Its file, or its set: the first key by which results are grouped.</param>
/// <param name="Place">Where it stands, for messages: <c>file:line</c>, or what it was made of.</param>
/// <param name="Expected">The right answer, or the first of several.</param>
/// <param name="Meta">What it is about; null where nothing is known.</param>
/// <param name="MaxOutput">Most tokens of its answer; null where the command says it.</param>
/// <param name="Encode">The prompt in tokens.</param>
/// <param name="Score">Scores an answer, 0 to 1.</param>
internal sealed record EvalQuestion(
    string File,
    string Place,
    string Expected,
    EvalMeta? Meta,
    int? MaxOutput,
    Func<Tokenizer, ChatTemplate, IReadOnlyList<int>> Encode,
    Func<string, double> Score)
{
    /// <summary>A case of a cases file: the answer must be the expected one, or hold one of the accepted spans.</summary>
    public static EvalQuestion Of(EvalCase source) => new(
        source.File,
        $"{source.File}:{source.Line}",
        source.Expected,
        source.Meta,
        null,
        (tokenizer, template) => tokenizer.Encode(template.RenderSegments(
            source.Messages, source.Tools, addGenerationPrompt: true, variables: null, specialTokens: tokenizer.SpecialTokens)),
        answer => source.Accepted is { } spans ? AcceptedSpans.Score(answer, spans) : answer == source.Expected.Trim() ? 1 : 0);

    /// <summary>A case of a benchmark.</summary>
    public static EvalQuestion Of(TaskCase source) => new(
        source.Task,
        source.Source,
        source.References[0],
        new EvalMeta(source.Length, source.Depth, source.Task),
        source.MaxOutputTokens,
        source.Encode,
        source.Score);
}
