using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Models;
using HShare.Cli.Calibration;

namespace HShare.Cli.Evaluation;

/// <summary>How much of full attention's mass lies on the tokens that a preset reads.</summary>
/// <param name="Recovered">Share of the mass, over all layers.</param>
/// <param name="Overlap">Share of the true critical tokens.</param>
/// <param name="RecoveredByLayer">[layers].</param>
internal sealed record MassRecovery(double Recovered, double Overlap, IReadOnlyList<double> RecoveredByLayer)
{
    /// <summary>Records full attention on some texts and replays each preset on it.</summary>
    /// <param name="model">The model; nothing else may use its backend meanwhile.</param>
    /// <param name="questions">What is decoded.</param>
    /// <param name="presets">The presets.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellationToken">Ends the measuring early.</param>
    /// <returns>[presets]; null for a preset that cannot be replayed (h2o goes by attention since the
    /// start of the text, and under pod heads attend by others' keys), or where no text is long enough.</returns>
    public static IReadOnlyList<MassRecovery?> Measure(
        LanguageModel model,
        IEnumerable<(EvalQuestion Question, CalibrationText Text)> questions,
        IReadOnlyList<AttentionPreset> presets,
        IProgress<double> progress,
        CancellationToken cancellationToken)
    {
        CalibrationText[] texts = [.. questions.Select(question => question.Text)];
        if (texts.Length == 0)
            return new MassRecovery?[presets.Count];

        var factory = new AttentionPolicyFactory(model.Config, model.Directory);
        AttentionPolicy[] policies = [.. presets.Select(factory.Create)];
        int channels = policies.Max(policy => policy.LabelChannels);
        var recorder = new AttentionRecorder(
            model,
            new TokenBudget(16, 64, AttentionPreset.DefaultBudget),
            texts.Max(text => text.Tokens.Count),
            channels == 0 ? [] : factory.LabelChannels(channels));
        List<AttentionTrace> traces = [];
        foreach (CalibrationText text in texts)
        {
            traces.Add(recorder.Record(text.Tokens, text.Steps, null, cancellationToken));
            progress.Report((double)traces.Count / texts.Length);
        }

        return [.. policies.Select(policy => Replay(policy, traces, model.Config.HeadDim))];
    }

    private static MassRecovery? Replay(AttentionPolicy policy, List<AttentionTrace> traces, int headDim)
    {
        if (policy.Retriever == Retriever.Accumulated || policy.Preset.Distant is not null)
            return null;
        if (policy.Budget is not { } budget)
            return new MassRecovery(1, 1, [.. Enumerable.Repeat(1.0, traces[0].Layers)]);

        double labelShare = policy.LabelChannels == 0 ? 1 : (double)policy.LabelChannels / headDim;
        PlanSimulationResult[] results = [.. traces.Select(trace =>
            new PlanSimulation(trace, budget, labelShare).Run(policy.Plan, policy.Retriever))];
        return new MassRecovery(
            results.Average(result => result.Recovered),
            results.Average(result => result.Overlap),
            [.. Enumerable.Range(0, traces[0].Layers).Select(layer => results.Average(result => result.LayerRecovered[layer]))]);
    }
}
