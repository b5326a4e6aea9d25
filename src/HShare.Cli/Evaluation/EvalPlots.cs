using HShare.AI.Engine.Attention;
using HShare.Cli.Drawing;

namespace HShare.Cli.Evaluation;

/// <summary>Drawings of an evaluation: what a preset costs and keeps, and where it reads.</summary>
internal static class EvalPlots
{
    private const int StripSteps = 400; // cells of a heat strip: more could not be seen

    /// <summary>Draws into a folder, which is made where it is not there.</summary>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static void Write(string folder, IReadOnlyList<PresetOutcome> outcomes)
    {
        Directory.CreateDirectory(folder);
        EvalReport[] reports = [.. outcomes.Select(outcome => outcome.Report)];
        if (reports.Any(report => report.KvBytesReadRatio is not null))
            Write(folder, "accuracy.svg", DrawAccuracy(reports));
        if (reports.Any(report => report.RecoveredMassByLayer is not null))
            Write(folder, "mass.svg", DrawMass(reports));
        if (outcomes.Any(outcome => outcome.Reads is not null))
            Write(folder, "reads.svg", DrawReads(outcomes));
    }

    private static string DrawAccuracy(EvalReport[] reports) => new ScatterChart
    {
        Title = $"Right answers against KV bytes read ({reports[0].Model}, {reports[0].Cases} questions)",
        XName = "KV bytes read, of full attention's",
        YName = "right answers",
        Points = [.. reports.Where(report => report.KvBytesReadRatio is not null)
            .Select(report => new ScatterPoint(ShortName(report.Preset), report.KvBytesReadRatio!.Value, report.Accuracy))],
        XForm = NumberForm.Percent,
        YForm = NumberForm.Percent,
        LogX = true,
    }.ToSvg();

    private static string DrawMass(EvalReport[] reports) => new LineChart
    {
        Title = "Share of full attention's mass on the tokens read",
        XName = "layer",
        YName = "mass read",
        Series = [.. reports.Where(report => report.RecoveredMassByLayer is not null).Select(report => new Series(
            ShortName(report.Preset), [.. report.RecoveredMassByLayer!.Select((mass, layer) => ((double)layer, mass))]))],
        YForm = NumberForm.Percent,
    }.ToSvg();

    private static string DrawReads(IReadOnlyList<PresetOutcome> outcomes)
    {
        PresetOutcome[] tracked = [.. outcomes.Where(outcome => outcome.Reads is not null)];
        int context = tracked.Max(outcome => outcome.Reads!.Count);
        int width = Math.Max(1, context / StripSteps);
        TokenBudget[] budgets = [.. tracked.Select(outcome => AttentionPreset.Parse(outcome.Report.Preset).Budget).OfType<TokenBudget>()];
        int sinks = budgets.Select(
            budget => budget.Sinks).DefaultIfEmpty(0).Min(), window = budgets.Select(budget => budget.Window).DefaultIfEmpty(1).Min();
        return new HeatStrip
        {
            Title = "Where one answer's attention went, by preset",
            RowName = "preset",
            Context = context,
            Rows = [.. tracked.Select(
                outcome => new HeatRow(ShortName(outcome.Report.Preset), Buckets(outcome.Reads!, width, sinks, window)))],
            Sinks = sinks,
            Window = window,
        }.ToSvg();
    }

    private static IReadOnlyList<ReadToken> Buckets(IReadOnlyList<float> reads, int width, int edge, int window)
    {
        double[] sums = new double[(reads.Count + width - 1) / width];
        for (int token = 0; token < reads.Count; token++)
            sums[token / width] += Math.Max(0, reads[token]);

        // Sinks and window always get most; the scale is that of what lies between.
        int first = Math.Min(edge / width + 1, sums.Length - 1), last = Math.Max(sums.Length - 1 - window / width - 1, first);
        double most = Math.Max(sums[first..(last + 1)].Max(), 1e-9);
        return [.. sums.SelectMany((sum, bucket) => Enumerable.Range(bucket * width, Math.Min(width, reads.Count - bucket * width))
            .Select(token => new ReadToken(token, Math.Min(1, sum / most))))];
    }

    private static string ShortName(string preset) => preset.Replace("budget=512,", "", StringComparison.Ordinal)
        .Replace("sinks=16,window=64", "", StringComparison.Ordinal).Replace(",,", ",", StringComparison.Ordinal).Trim(',', ':');

    private static void Write(string folder, string name, string svg) => File.WriteAllText(Path.Combine(folder, name), svg);
}
