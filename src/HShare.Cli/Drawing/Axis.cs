namespace HShare.Cli.Drawing;

/// <summary>Maps values to pixels, evenly or by their logarithm, and knows the round values in its range.</summary>
internal sealed class Axis
{
    private const int MostTicks = 8;

    private readonly double _from;
    private readonly double _to;
    private readonly bool _log;
    private readonly double _pixelFrom;
    private readonly double _pixelTo;

    private Axis(double from, double to, bool log, NumberForm form, double pixelFrom, double pixelTo, IReadOnlyList<double> ticks)
    {
        (_from, _to, _log, Form, _pixelFrom, _pixelTo, Ticks) = (from, to, log, form, pixelFrom, pixelTo, ticks);
    }

    /// <summary>How its numbers are written.</summary>
    public NumberForm Form { get; }

    /// <summary>The round values to mark, ascending.</summary>
    public IReadOnlyList<double> Ticks { get; }

    /// <summary>An axis on which even distances are even differences.</summary>
    /// <param name="values">What it must hold; at least one.</param>
    /// <param name="form">How its numbers are written.</param>
    /// <param name="pixelFrom">Where its lesser end is.</param>
    /// <param name="pixelTo">Where its greater end is.</param>
    /// <param name="roundEnds">Whether it reaches to round values beyond the least and the greatest, or ends with these.</param>
    /// <exception cref="ArgumentException">There are no values, or one is no number.</exception>
    public static Axis Linear(IEnumerable<double> values, NumberForm form, double pixelFrom, double pixelTo, bool roundEnds = true)
    {
        (double least, double most) = Range(values);
        if (least == most)
            (least, most) = (least - (least == 0 ? 0.5 : Math.Abs(least) * 0.1), most + (most == 0 ? 0.5 : Math.Abs(most) * 0.1));
        bool whole = values.All(value => value == Math.Floor(value));
        double step = Step((most - least) / MostTicks, form, whole);
        long first = (long)Math.Floor((least / step) + 1e-9), last = (long)Math.Ceiling((most / step) - 1e-9);
        double[] ticks = [.. Enumerable.Range(0, (int)(last - first) + 1).Select(tick => (first + tick) * step)];
        if (roundEnds)
            return new Axis(ticks[0], ticks[^1], log: false, form, pixelFrom, pixelTo, ticks);
        return new Axis(least, most, log: false, form, pixelFrom, pixelTo, [.. ticks.Where(tick => tick >= least && tick <= most)]);
    }

    /// <summary>An axis on which even distances are even ratios.</summary>
    /// <param name="values">What it must hold; at least one.</param>
    /// <param name="form">How its numbers are written.</param>
    /// <param name="pixelFrom">Where its lesser end is.</param>
    /// <param name="pixelTo">Where its greater end is.</param>
    /// <exception cref="ArgumentException">There are no values, or one is no number or not above 0.</exception>
    public static Axis Logarithmic(IEnumerable<double> values, NumberForm form, double pixelFrom, double pixelTo)
    {
        (double least, double most) = Range(values);
        if (least <= 0)
            throw new ArgumentException($"A logarithmic axis cannot hold {form.Write(least)}; values must be above 0.", nameof(values));
        if (least == most)
            (least, most) = (least / 2, most * 2);
        IReadOnlyList<double> ticks = LogTicks(least, most, form);
        if (ticks.Count < 2)
            ticks = [.. Linear([least, most], form, 0, 1).Ticks.Where(tick => tick >= least && tick <= most)];
        return new Axis(least, most, log: true, form, pixelFrom, pixelTo, ticks);
    }

    /// <summary>Where a value is, in pixels.</summary>
    public double At(double value)
    {
        double share = _log ? Math.Log(value / _from) / Math.Log(_to / _from) : (value - _from) / (_to - _from);
        return _pixelFrom + (share * (_pixelTo - _pixelFrom));
    }

    private static (double Least, double Most) Range(IEnumerable<double> values)
    {
        double least = double.PositiveInfinity, most = double.NegativeInfinity;
        foreach (double value in values)
        {
            if (!double.IsFinite(value))
                throw new ArgumentException($"An axis cannot hold {value}; every value must be a number.", nameof(values));
            (least, most) = (Math.Min(least, value), Math.Max(most, value));
        }

        return least <= most ? (least, most) : throw new ArgumentException("An axis needs at least one value.", nameof(values));
    }

    /// <summary>The least round step that is not below a given one.</summary>
    private static double Step(double atLeast, NumberForm form, bool whole)
    {
        if (form == NumberForm.Bytes)
            return Math.Max(1, Math.Pow(2, Math.Ceiling(Math.Log2(atLeast))));
        double power = Math.Pow(10, Math.Floor(Math.Log10(atLeast)));
        double step = ((double[])[1, 2, 5, 10]).Select(factor => factor * power).First(step => step >= atLeast * (1 - 1e-9));
        return whole ? Math.Max(1, step) : step;
    }

    private static IReadOnlyList<double> LogTicks(double least, double most, NumberForm form)
    {
        double[] ticks = form == NumberForm.Bytes
            ? Powers(2, [1])
            : Powers(10, [1, 2, 5]) is { Length: <= MostTicks } dense ? dense : Powers(10, [1]);
        int stride = (ticks.Length + MostTicks - 1) / MostTicks;
        return [.. ticks.Where((_, index) => index % Math.Max(1, stride) == 0)];

        double[] Powers(double radix, double[] factors)
        {
            int first = (int)Math.Floor(Math.Log(least, radix)) - 1, last = (int)Math.Ceiling(Math.Log(most, radix));
            return
            [
                .. Enumerable.Range(first, last - first + 1)
                    .SelectMany(exponent => factors.Select(factor => factor * Math.Pow(radix, exponent)))
                    .Where(tick => tick >= least * (1 - 1e-9) && tick <= most * (1 + 1e-9)),
            ];
        }
    }
}
