using System.Diagnostics;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.Cli.Bench;

/// <summary>
/// Measures attention of one decoded token over all layers under several presets: selection and attention, without storing keys and
/// values. The presets take turns, repeat by repeat, so that what disturbs the machine disturbs them alike.
/// </summary>
/// <remarks>
/// Between two steps a model reads its weights, and other sequences their caches. So every timed step finds keys, values and page bounds
/// out of the processor's caches: before it, untimed, other sequences are attended to whose bytes are no fewer than the last-level cache
/// holds. A repeat is a whole interval of steps that ends at the context, so that a choice is paid for once for all the steps it serves.
/// </remarks>
internal sealed class AttentionBench
{
    private const int FewestRepeats = 5;
    private const int MostRepeats = 40;
    private const double Budget = 5; // seconds of one context, evictions included

    private readonly AttentionBenchCache _cache;
    private readonly IReadOnlyList<int> _slidingWindows;
    private readonly int _batch;
    private readonly CancellationToken _cancellationToken;

    /// <summary>A bench over some sequences.</summary>
    /// <param name="cache">The sequences.</param>
    /// <param name="config">The geometry.</param>
    /// <param name="batch">Sequences of a step.</param>
    /// <param name="cancellationToken">Ends it between two repeats.</param>
    public AttentionBench(AttentionBenchCache cache, ModelConfig config, int batch, CancellationToken cancellationToken)
    {
        _cache = cache;
        _slidingWindows = config.SlidingWindows;
        _batch = batch;
        _cancellationToken = cancellationToken;
    }

    /// <summary>Measures presets at one context.</summary>
    /// <param name="context">Tokens at the end of an interval.</param>
    /// <param name="policies">The presets, ready for the model.</param>
    /// <returns>A figure for each, in their order.</returns>
    public IEnumerable<AttentionFigure> Measure(int context, IReadOnlyList<AttentionPolicy> policies)
    {
        Contender[] contenders = [.. policies.Select(policy => new Contender(policy, _cache.Buffers.Bind(policy), []))];
        foreach (Contender contender in contenders)
            Run(contender, context); // warm-up

        long start = Stopwatch.GetTimestamp();
        for (int repeat = 0; repeat < MostRepeats; repeat++)
        {
            if (repeat >= FewestRepeats && Stopwatch.GetElapsedTime(start).TotalSeconds > Budget)
                break;
            foreach (Contender contender in contenders)
                contender.Times.Add(Run(contender, context));
        }

        return contenders.Select(contender => Figure(contender, context));
    }

    /// <summary>Runs one interval of steps.</summary>
    /// <returns>Seconds of selection and of attention, for one token.</returns>
    private (double Selection, double Attention) Run(Contender contender, int context)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        long selection = 0, attention = 0;
        foreach (AttentionStep plan in Steps(contender.Policy, context))
        {
            _cache.SetStep(plan);
            _cache.Evict();
            long start = Stopwatch.GetTimestamp();
            for (int layer = 0; layer < _cache.Layers; layer++)
            {
                _cache.Select(layer, contender.Layers[layer], plan);
                long selected = Stopwatch.GetTimestamp();
                _cache.Attend(layer, contender.Layers[layer], plan);
                if (layer == _cache.Layers - 1)
                    _cache.Wait();
                long attended = Stopwatch.GetTimestamp();
                selection += selected - start;
                attention += attended - selected;
                start = attended;
            }
        }

        double tokens = (double)contender.Policy.Plan.Interval * _batch * Stopwatch.Frequency;
        return (selection / tokens, attention / tokens);
    }

    private AttentionFigure Figure(Contender contender, int context)
    {
        AttentionPolicy policy = contender.Policy;
        Measurement time = Measurement.OfRepeats(contender.Times.Select(repeat => repeat.Selection + repeat.Attention));
        return new AttentionFigure(
            context,
            policy.Preset.Name,
            policy.Plan.Interval,
            time.Seconds * 1e3,
            Measurement.OfRepeats(contender.Times.Select(repeat => repeat.Selection)).Seconds * 1e3,
            Measurement.OfRepeats(contender.Times.Select(repeat => repeat.Attention)).Seconds * 1e3,
            time.Fastest * 1e3,
            time.Repeats,
            Steps(policy, context).Average(plan => AttentionCost.Of(policy, _cache.Shape, _slidingWindows, plan)));
    }

    // An interval that ends at the context, from a refresh on.
    private static IEnumerable<AttentionStep> Steps(AttentionPolicy policy, int context)
    {
        SelectionClock clock = new(policy);
        return Enumerable.Range(context - policy.Plan.Interval + 1, policy.Plan.Interval).Select(clock.Decode);
    }

    private sealed record Contender(
        AttentionPolicy Policy, IReadOnlyList<LayerReading> Layers, List<(double Selection, double Attention)> Times);
}
