using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Models;

namespace HShare.Cli.Calibration;

/// <summary>
/// Reads texts twice: first to learn which channels of the keys tell most about the scores, then, with labels of these, to record what
/// attention and the
/// retrievers do.
/// </summary>
internal sealed class CalibrationRecording(LanguageModel model, TokenBudget budget, IReadOnlyList<CalibrationText> texts)
{
    /// <summary>Channels of a label over those of a key.</summary>
    public const double LabelShare = 0.25;

    /// <summary>Reads the texts.</summary>
    /// <returns>A trace of each text, and the ranking of the channels [layers * kv_heads][head_dim].</returns>
    public (IReadOnlyList<AttentionTrace> Traces, IReadOnlyList<int[]> Channels) Run(
        IProgress<double> progress, CancellationToken cancellationToken)
    {
        int longest = texts.Max(text => text.Tokens.Count);
        var ranking = new AttentionRecorder(model, budget, longest, []);
        for (int i = 0; i < texts.Count; i++)
            ranking.Record(texts[i].Tokens, 1, new Part(progress, i, 2 * texts.Count), cancellationToken);

        IReadOnlyList<int[]> channels = ranking.LabelChannels;
        int kept = Math.Max(1, (int)(model.Config.HeadDim * LabelShare));
        var recorder = new AttentionRecorder(model, budget, longest, [.. channels.Select(ranks => ranks.Take(kept).ToArray())]);
        List<AttentionTrace> traces = [];
        for (int i = 0; i < texts.Count; i++)
        {
            traces.Add(recorder.Record(
                texts[i].Tokens, texts[i].Steps, new Part(progress, texts.Count + i, 2 * texts.Count), cancellationToken));
        }

        return (traces, channels);
    }

    private sealed class Part(IProgress<double> whole, int index, int count) : IProgress<double>
    {
        public void Report(double value) => whole.Report((index + value) / count);
    }
}
