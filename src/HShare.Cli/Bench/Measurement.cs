using System.Diagnostics;

namespace HShare.Cli.Bench;

/// <summary>Time of one piece of work: the median over repeats, warm-up excluded.</summary>
/// <param name="Seconds">Median seconds of one execution.</param>
/// <param name="Fastest">Seconds of the fastest one.</param>
/// <param name="Repeats">Timed repeats the median is of.</param>
internal readonly record struct Measurement(double Seconds, double Fastest, int Repeats)
{
    /// <summary>Repeats shorter than this are batched, so that the clock and the start of the threads do not count.</summary>
    private const double ShortestRepeat = 0.005;
    private const double Budget = 0.6;
    private const double WarmUp = 0.15;
    private const int FewestRepeats = 5;
    private const int MostRepeats = 50;

    /// <summary>Work that takes longer than this is timed once, after its warm-up by shorter work of the same kind.</summary>
    private const double LongWork = 5;

    /// <summary>Runs the work until it is warm, then times it.</summary>
    public static Measurement Of(Action work, CancellationToken cancellationToken) =>
        Of(
            () =>
            {
                long start = Stopwatch.GetTimestamp();
                work();
                return Stopwatch.GetElapsedTime(start).TotalSeconds;
            },
            cancellationToken);

    /// <summary>As <see cref="Of(Action, CancellationToken)"/>, for work that times itself.</summary>
    /// <param name="work">Does the work once and returns its seconds.</param>
    /// <param name="cancellationToken">Ends the measurement between two executions.</param>
    public static Measurement Of(Func<double> work, CancellationToken cancellationToken)
    {
        double last = work();
        if (last > LongWork)
            return new Measurement(last, last, 1);

        for (double warm = last; warm < WarmUp; warm += last)
        {
            cancellationToken.ThrowIfCancellationRequested();
            last = work();
        }

        int batch = Math.Max(1, (int)Math.Ceiling(ShortestRepeat / Math.Max(last, 1e-7)));
        List<double> repeats = [];
        for (double spent = 0; repeats.Count < FewestRepeats || (spent < Budget && repeats.Count < MostRepeats);)
        {
            cancellationToken.ThrowIfCancellationRequested();
            double seconds = 0;
            for (int i = 0; i < batch; i++)
                seconds += work();
            repeats.Add(seconds / batch);
            spent += seconds;
        }

        return OfRepeats(repeats);
    }

    /// <summary>Sums up repeats; there must be at least one.</summary>
    public static Measurement OfRepeats(IEnumerable<double> seconds)
    {
        double[] sorted = [.. seconds.Order()];
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Measurement(median, sorted[0], sorted.Length);
    }

    /// <summary>The time of one of several equal parts.</summary>
    public Measurement DividedBy(int parts) => this with { Seconds = Seconds / parts, Fastest = Fastest / parts };

    /// <summary>The time of both, one after the other.</summary>
    public static Measurement operator +(Measurement a, Measurement b) =>
        new(a.Seconds + b.Seconds, a.Fastest + b.Fastest, Math.Min(a.Repeats, b.Repeats));
}
