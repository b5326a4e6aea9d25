using System.Diagnostics;
using HShare.AI.ChatTemplates;
using HShare.AI.Engine;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Scheduling;
using HShare.AI.Engine.Tokenization;

namespace HShare.Cli.Evaluation;

/// <summary>
/// Answers questions greedily, several side by side, below the chat client: the template is rendered with the tools and the raw text
/// compared.
/// Each question is read once; the attention presets then answer from the same cached prompt.
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

    /// <summary>Answers all questions under each preset, as many side by side as the engine's batch holds.</summary>
    /// <returns>[presets][questions]: the results.</returns>
    public async Task<IReadOnlyList<EvalResult[]>> RunAsync(
        IReadOnlyList<EvalQuestion> questions,
        IReadOnlyList<AttentionPreset> presets,
        IProgress<double> progress,
        CancellationToken cancellationToken)
    {
        EvalResult[][] results = [.. presets.Select(_ => new EvalResult[questions.Count])];
        int done = 0;
        var sideBySide = new ParallelOptions { MaxDegreeOfParallelism = _engine.Options.MaxBatch, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, questions.Count, sideBySide, async (i, cancellation) =>
        {
            IReadOnlyList<int> prompt = Encode(questions[i]);
            for (int preset = 0; preset < presets.Count; preset++)
                results[preset][i] = await AnswerAsync(questions[i], prompt, presets[preset], cancellation);
            progress.Report((double)Interlocked.Increment(ref done) / questions.Count);
        });
        return results;
    }

    /// <summary>The prompt of a question in tokens.</summary>
    /// <exception cref="InputException">The template does not take it.</exception>
    public IReadOnlyList<int> Encode(EvalQuestion question)
    {
        try
        {
            return question.Encode(_tokenizer, _template);
        }
        catch (ChatTemplateException error)
        {
            throw new InputException($"{question.Place}: {error.Message}", error);
        }
    }

    /// <summary>Most tokens of prompt and answer together.</summary>
    public int MaxContext => _engine.Options.MaxContext!.Value;

    /// <summary>A text in tokens.</summary>
    public IReadOnlyList<int> Encode(string text) => _tokenizer.Encode(text);

    /// <summary>
    /// Perplexity of book text under each preset: a window is read densely up to its last tokens, which are then given one by one to sparse
    /// decode steps.
    /// </summary>
    /// <param name="windows">The windows, in tokens.</param>
    /// <param name="scored">How many of a window's last tokens are scored.</param>
    /// <param name="presets">The presets.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellationToken">Ends the run early.</param>
    /// <returns>[presets].</returns>
    public async Task<IReadOnlyList<double>> PerplexityAsync(
        IReadOnlyList<IReadOnlyList<int>> windows,
        int scored,
        IReadOnlyList<AttentionPreset> presets,
        IProgress<double> progress,
        CancellationToken cancellationToken)
    {
        double[] sums = new double[presets.Count];
        int done = 0;
        var sideBySide = new ParallelOptions { MaxDegreeOfParallelism = _engine.Options.MaxBatch, CancellationToken = cancellationToken };
        double[,] logprobs = new double[windows.Count, presets.Count];
        await Parallel.ForAsync(0, windows.Count, sideBySide, async (i, cancellation) =>
        {
            for (int preset = 0; preset < presets.Count; preset++)
                logprobs[i, preset] = await ScoreAsync(windows[i], scored, presets[preset], cancellation);
            progress.Report((double)Interlocked.Increment(ref done) / windows.Count);
        });
        for (int preset = 0; preset < presets.Count; preset++)
        {
            for (int i = 0; i < windows.Count; i++)
                sums[preset] += logprobs[i, preset];
        }

        return [.. sums.Select(sum => Math.Exp(-sum / ((double)windows.Count * scored)))];
    }

    /// <summary>Attention that each token of a question's prompt gets from its answer under a preset.</summary>
    public async Task<IReadOnlyList<float>> ReadsMassAsync(
        EvalQuestion question, AttentionPreset preset, CancellationToken cancellationToken)
    {
        IReadOnlyList<int> prompt = Encode(question);
        var request = new GenerationRequest
        {
            Prompt = prompt,
            MaxOutputTokens = Math.Min(question.MaxOutput ?? _maxOutput, MaxContext - prompt.Count),
            Attention = preset,
            TracksReads = true,
        };
        await using Generation generation = _engine.Submit(request);
        await foreach (GeneratedToken _ in generation.ReadAllAsync(cancellationToken))
        {
        }

        return generation.ReadsMass!;
    }

    private async Task<double> ScoreAsync(
        IReadOnlyList<int> window, int scored, AttentionPreset preset, CancellationToken cancellationToken)
    {
        int prompt = window.Count - scored;
        var request = new GenerationRequest
        {
            Prompt = [.. window.Take(prompt)],
            Continuation = [.. window.Skip(prompt)],
            MaxOutputTokens = scored,
            StopIds = [],
            TopLogprobs = 0,
            Attention = preset,
        };
        double sum = 0;
        await using Generation generation = _engine.Submit(request);
        await foreach (GeneratedToken token in generation.ReadAllAsync(cancellationToken))
            sum += token.Logprobs!.Logprob;
        return sum;
    }

    private async Task<EvalResult> AnswerAsync(
        EvalQuestion question, IReadOnlyList<int> prompt, AttentionPreset preset, CancellationToken cancellationToken)
    {
        int room = MaxContext - prompt.Count;
        if (room < 1)
            return new EvalResult(question, null, prompt.Count, 0);

        var request = new GenerationRequest
        {
            Prompt = prompt,
            MaxOutputTokens = Math.Min(question.MaxOutput ?? _maxOutput, room),
            Attention = preset,
        };
        List<int> answer = [];
        int generated = 0;
        long first = 0;
        await using Generation generation = _engine.Submit(request);
        await foreach (GeneratedToken token in generation.ReadAllAsync(cancellationToken))
        {
            first = generated++ == 0 ? Stopwatch.GetTimestamp() : first;
            if (token.End != GenerationEnd.Stop)
                answer.Add(token.Id);
        }

        double seconds = Stopwatch.GetElapsedTime(first).TotalSeconds;
        return new EvalResult(question, _tokenizer.Decode(answer).Trim(), prompt.Count, generated, generation.Reads, seconds);
    }
}
