using HShare.AI;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;
using HShare.Cli.Calibration;
using HShare.Cli.CommandLine;
using HShare.Cli.Output;

namespace HShare.Cli.Evaluation;

/// <summary>What an evaluation does: which questions and texts under which attention presets.</summary>
/// <param name="Questions">The questions; may be empty where texts are given.</param>
/// <param name="Texts">Paths of texts for perplexity.</param>
/// <param name="Presets">Attention presets.</param>
/// <param name="Batch">Questions answered side by side.</param>
/// <param name="MaxOutput">Most tokens of an answer.</param>
/// <param name="MassCases">
/// Questions on which recovered mass is measured; null = some for several presets, where the answers come from the CPU too.
/// </param>
/// <param name="TracksReads">Whether it is measured which tokens are attended to.</param>
internal sealed record EvalRun(
    IReadOnlyList<EvalQuestion> Questions,
    IReadOnlyList<string> Texts,
    IReadOnlyList<AttentionPreset> Presets,
    int Batch,
    int MaxOutput,
    int? MassCases,
    bool TracksReads)
{
    private const int WindowsOfText = 8, WindowTokens = 4096, ScoredTokens = 128, UsualMassCases = 4;

    /// <summary>Runs it: presets that store the same keep one engine, so that each question is read once for all of them.</summary>
    /// <returns>A report for each preset, in their order, with all results and, where asked for, the reads of the first long
    /// question.</returns>
    public async Task<IReadOnlyList<PresetOutcome>> RunAsync(ModelSettings settings, Terminal terminal, CancellationToken cancellationToken)
    {
        var outcomes = new PresetOutcome[Presets.Count];
        foreach (int[] group in await GroupByStorageAsync(settings, terminal, cancellationToken))
        {
            AttentionPreset[] presets = [.. group.Select(i => Presets[i])];
            IReadOnlyList<PresetOutcome> results = await RunGroupAsync(presets, settings, terminal, cancellationToken);
            for (int i = 0; i < group.Length; i++)
                outcomes[group[i]] = results[i];
        }

        return outcomes;
    }

    // What is stored is fixed when an engine starts: the keys that PoD leaves out, and the number of label channels.
    private async Task<IEnumerable<int[]>> GroupByStorageAsync(
        ModelSettings settings, Terminal terminal, CancellationToken cancellationToken)
    {
        using LanguageModel model = await settings.LoadAsync(terminal, cancellationToken);
        var factory = new AttentionPolicyFactory(model.Config, model.Directory);
        AttentionPolicy[] policies = [.. Presets.Select(factory.Create)];
        int labels = policies.Where(
            policy => policy.Preset.Distant is null).Select(policy => policy.LabelChannels).FirstOrDefault(count => count > 0);
        return [.. Enumerable.Range(0, Presets.Count).GroupBy(i => StorageOf(policies[i], labels)).Select(group => group.ToArray())];

        static string StorageOf(AttentionPolicy policy, int labels) => policy.Preset.Distant is not null
            ? policy.Preset.ToString()
            : $"{(policy.LabelChannels == 0 ? labels : policy.LabelChannels)} labels";
    }

    private async Task<IReadOnlyList<PresetOutcome>> RunGroupAsync(
        AttentionPreset[] presets, ModelSettings settings, Terminal terminal, CancellationToken cancellationToken)
    {
        var options = new EngineOptions
        {
            MaxBatch = Batch,
            Attention = presets[0],
            AttentionPresets = presets[1..],
            TracksReads = TracksReads,
        };
        await using InferenceEngine engine = await settings.StartEngineAsync(terminal, options, cancellationToken);
        var evaluator = new Evaluator(engine, MaxOutput);
        string name = presets.Length == 1 ? presets[0].Name : $"{presets.Length} presets";
        IReadOnlyList<EvalResult[]> results = await terminal.WithProgressAsync(
            $"Answering {Questions.Count} cases under {name}",
            progress => evaluator.RunAsync(Questions, presets, progress, cancellationToken));
        IReadOnlyList<double>? perplexities = Texts.Count == 0 ? null : await terminal.WithProgressAsync(
            $"Reading texts under {name}",
            progress => evaluator.PerplexityAsync(
                TextWindows(engine), ScoredTokens, presets, progress, cancellationToken));
        int cases = MassCases ?? (Presets.Count > 1 && engine.Model.Backend is CpuBackend ? UsualMassCases : 0);
        IReadOnlyList<MassRecovery?> masses = await MassAsync(cases, presets, settings, terminal, evaluator, cancellationToken);

        List<PresetOutcome> outcomes = [];
        for (int i = 0; i < presets.Length; i++)
        {
            var report = new EvalReport(results[i])
            {
                Preset = presets[i].ToString(),
                Perplexity = perplexities?[i],
                KvBytesStoredPerToken = StoredPerToken(presets[i], engine, results[i]),
                RecoveredMass = masses[i]?.Recovered,
                Overlap = masses[i]?.Overlap,
                RecoveredMassByLayer = masses[i]?.RecoveredByLayer,
                Model = engine.Model.Name,
                Backend = engine.Model.Backend.Description,
                Weights = Formats.Name(settings.Weights),
                Kv = Formats.Name(settings.Kv ?? engine.Model.Backend.CacheTypes[0]),
            };
            outcomes.Add(new PresetOutcome(report, results[i], await ReadsAsync(evaluator, presets[i], cancellationToken)));
        }

        return outcomes;
    }

    private static double? StoredPerToken(AttentionPreset preset, InferenceEngine engine, EvalResult[] results)
    {
        EngineOptions alone = engine.Options with { Attention = preset, AttentionPresets = [], KvCacheBytes = null };
        var policies = new AttentionPolicies(engine.Model, alone);
        KvCacheShape shape = EngineSizing.Resolve(alone, engine.Model.Config, long.MaxValue, policies.Needs, policies.LabelChannels).Cache;
        double tokens = results.Where(
            result => !result.OverContext).Select(result => (double)result.PromptTokens).DefaultIfEmpty(0).Average();
        int proximal = shape.KeySharing?.BlocksPerSequence(shape.BlockSize) ?? 0;
        return tokens == 0 ? null : shape.BytesPerToken + shape.RetrievalBytesPerToken
            + Math.Min(tokens, proximal * shape.BlockSize) * shape.ProximalBlockBytes / shape.BlockSize / tokens;
    }

    private IReadOnlyList<IReadOnlyList<int>> TextWindows(InferenceEngine engine)
    {
        int length = Math.Min(WindowTokens, engine.Options.MaxContext!.Value);
        return [.. CalibrationText.FromFiles(
            Texts, engine.Model.Tokenizer!, length, WindowsOfText, ScoredTokens).Select(text => text.Tokens)];
    }

    // Recovered mass is what a preset would have read of full attention's mass: on traces of full attention while right answers are
    // decoded. They are recorded on keys and values in f32, which a GPU does not keep, nor the CPU 8-bit floating point weights.
    private async Task<IReadOnlyList<MassRecovery?>> MassAsync(
        int cases,
        AttentionPreset[] presets,
        ModelSettings settings,
        Terminal terminal,
        Evaluator evaluator,
        CancellationToken cancellationToken)
    {
        if (cases == 0 || Questions.Count == 0)
            return new MassRecovery?[presets.Length];

        WeightFormat weights = settings.Weights == WeightFormat.Float8 ? WeightFormat.AsStored : settings.Weights;
        ModelSettings onCpu = settings with { Backend = HShareBackend.Cpu, Weights = weights };
        using LanguageModel model = await onCpu.LoadAsync(terminal, cancellationToken);
        return await terminal.WithProgressAsync("Measuring attention", progress => Task.Run(
            () => MassRecovery.Measure(
                model, LongQuestions(evaluator, cases).Take(cases), presets, progress, cancellationToken), cancellationToken));
    }

    private async Task<IReadOnlyList<float>?> ReadsAsync(
        Evaluator evaluator, AttentionPreset preset, CancellationToken cancellationToken) =>
        TracksReads && preset.Retriever != Retriever.Accumulated && LongQuestions(evaluator, Questions.Count).FirstOrDefault() is { } text
            ? await evaluator.ReadsMassAsync(text.Question, preset, cancellationToken)
            : null;

    // Spread over the questions whose prompts are longer than any budget of interest; the more cases, the closer.
    private IEnumerable<(EvalQuestion Question, CalibrationText Text)> LongQuestions(Evaluator evaluator, int cases)
    {
        int budget = Presets.Max(preset => preset.Budget?.Total ?? 0);
        int stride = Math.Max(1, Questions.Count / Math.Max(1, 4 * cases));
        for (int i = 0; i < Questions.Count; i += stride)
        {
            IReadOnlyList<int> prompt = evaluator.Encode(Questions[i]), answer = evaluator.Encode(Questions[i].Expected);
            if (prompt.Count > 2 * budget && answer.Count >= 2 && prompt.Count + answer.Count <= evaluator.MaxContext)
                yield return (Questions[i], new CalibrationText([.. prompt, .. answer], answer.Count));
        }
    }
}

/// <summary>What came of one preset.</summary>
/// <param name="Report">The figures.</param>
/// <param name="Results">Every answer.</param>
/// <param name="Reads">[tokens] of the first long question: the attention that each got from the answer; null where it was not
/// measured.</param>
internal sealed record PresetOutcome(EvalReport Report, IReadOnlyList<EvalResult> Results, IReadOnlyList<float>? Reads);
