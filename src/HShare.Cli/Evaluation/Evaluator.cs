using HShare.AI.ChatTemplates;
using HShare.AI.Engine;
using HShare.AI.Engine.Scheduling;
using HShare.AI.Engine.Tokenization;

namespace HShare.Cli.Evaluation;

/// <summary>One case with the model's answer.</summary>
/// <param name="Case">The case.</param>
/// <param name="Answer">The model's answer, trimmed; null where the prompt does not fit the context.</param>
/// <param name="PromptTokens">Tokens of the rendered prompt.</param>
/// <param name="OutputTokens">Tokens generated, the end token included.</param>
internal sealed record EvalResult(EvalCase Case, string? Answer, int PromptTokens, int OutputTokens)
{
    /// <summary>Whether the whole answer is the expected one.</summary>
    public bool Correct => Answer == Case.Expected.Trim();

    /// <summary>Whether there was no room to answer at all.</summary>
    public bool OverContext => Answer is null;

    /// <summary>Whether the answer is that of the reference.</summary>
    public bool SameAsReference => Answer is not null && Answer == Case.Meta?.Reference?.Answer.Trim();
}

/// <summary>
/// Answers cases greedily, several side by side, below the chat client: the template is rendered with the tools and the raw text compared.
/// </summary>
internal sealed class Evaluator
{
    private readonly InferenceEngine _engine;
    private readonly Tokenizer _tokenizer;
    private readonly ChatTemplate _template;
    private readonly int _maxOutput;

    /// <summary>An evaluator on a running engine.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="maxOutput">Most tokens of an answer; less where the context leaves less.</param>
    /// <exception cref="ModelLoadException">The model has no tokenizer or no chat template.</exception>
    public Evaluator(InferenceEngine engine, int maxOutput)
    {
        _engine = engine;
        _tokenizer = engine.Model.Tokenizer
            ?? throw new ModelLoadException(
                Path.Combine(engine.Model.Directory, "tokenizer.json"), "The evaluation needs the model's tokenizer.");
        _template = ChatTemplate.Load(engine.Model.Directory);
        _maxOutput = maxOutput;
    }

    /// <summary>Answers all cases, as many side by side as the engine's batch holds.</summary>
    /// <returns>The results in the order of the cases.</returns>
    public async Task<IReadOnlyList<EvalResult>> RunAsync(
        IReadOnlyList<EvalCase> cases, IProgress<double> progress, CancellationToken cancellationToken)
    {
        var results = new EvalResult[cases.Count];
        int done = 0;
        var sideBySide = new ParallelOptions { MaxDegreeOfParallelism = _engine.Options.MaxBatch, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, cases.Count, sideBySide, async (i, cancellation) =>
        {
            results[i] = await AnswerAsync(cases[i], cancellation);
            progress.Report((double)Interlocked.Increment(ref done) / cases.Count);
        });
        return results;
    }

    private async Task<EvalResult> AnswerAsync(EvalCase evalCase, CancellationToken cancellationToken)
    {
        IReadOnlyList<int> prompt = Encode(evalCase);
        int room = _engine.Options.MaxContext!.Value - prompt.Count;
        if (room < 1)
            return new EvalResult(evalCase, null, prompt.Count, 0);

        var request = new GenerationRequest { Prompt = prompt, MaxOutputTokens = Math.Min(_maxOutput, room) };
        List<int> answer = [];
        int generated = 0;
        await using Generation generation = _engine.Submit(request);
        await foreach (GeneratedToken token in generation.ReadAllAsync(cancellationToken))
        {
            generated++;
            if (token.End != GenerationEnd.Stop)
                answer.Add(token.Id);
        }

        return new EvalResult(evalCase, _tokenizer.Decode(answer).Trim(), prompt.Count, generated);
    }

    private IReadOnlyList<int> Encode(EvalCase evalCase)
    {
        try
        {
            return _tokenizer.Encode(_template.RenderSegments(
                evalCase.Messages, evalCase.Tools, addGenerationPrompt: true, variables: null, specialTokens: _tokenizer.SpecialTokens));
        }
        catch (ChatTemplateException error)
        {
            throw new InputException($"{evalCase.File}:{evalCase.Line}: {error.Message}", error);
        }
    }
}
