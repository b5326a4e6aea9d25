using System.Numerics;
using System.Runtime.InteropServices;

namespace HShare.AI.Engine.Attention;

/// <summary>Sums up, over the steps of traces, what an <see cref="AttentionCalibration"/> keeps the mean of.</summary>
internal sealed class CalibrationMeasurement
{
    private readonly int _layers;
    private readonly int _kvHeads;
    private readonly TokenBudget _budget;
    private readonly double[,] _overlap; // [units, units]: of units of one layer, and of one head in two layers
    private readonly double[,] _lost; // [units, units]: squares of lost mass
    private readonly double[,] _podSimilarity; // [units, units]: of one head in two layers
    private int _steps;
    private long _criticalTokens;

    /// <summary>Nothing measured yet.</summary>
    public CalibrationMeasurement(int layers, int kvHeads, TokenBudget budget)
    {
        int units = layers * kvHeads;
        _layers = layers;
        _kvHeads = kvHeads;
        _budget = budget;
        _overlap = new double[units, units];
        _lost = new double[units, units];
        _podSimilarity = new double[units, units];
    }

    /// <summary>Adds a step; none whose context the budget covers, where nothing is chosen.</summary>
    /// <exception cref="SharingPlanException">The budget leaves no critical tokens.</exception>
    public void Add(AttentionTraceStep step)
    {
        if (_budget.Covers(step.Context))
            return;

        int critical = _budget.CriticalOf(step.Context);
        if (critical == 0)
        {
            throw new SharingPlanException($"The budget of {_budget} leaves no critical tokens beside {_budget.Sinks} sinks "
                + $"and a window of {_budget.Window}, so there is no choice to share. Raise it.");
        }

        int[][] chosen = [.. step.Mass.Select(mass => TopTokens.Ranked(mass, _budget.Sinks, step.Context - _budget.Window, critical))];
        AddChoices(step, chosen);
        AddDivergences(step);
        _steps++;
        _criticalTokens += critical;
    }

    /// <summary>The means of what was added, rounded to four digits as the file has them.</summary>
    /// <exception cref="SharingPlanException">No step counted.</exception>
    public AttentionCalibration Result(string fingerprint, int headDim, IReadOnlyList<int[]> labelChannels)
    {
        if (_steps == 0)
        {
            throw new SharingPlanException($"The budget of {_budget} covers the context of every step, "
                + "so there is no choice to learn from. Take a longer text or a smaller budget.");
        }

        return new AttentionCalibration
        {
            Fingerprint = fingerprint,
            Layers = _layers,
            KvHeads = _kvHeads,
            HeadDim = headDim,
            CriticalTokens = (int)Math.Round((double)_criticalTokens / _steps),
            LayerOverlap = Square(_layers, (i, j) => Enumerable.Range(0, _kvHeads).Average(head => _overlap[Unit(i, head), Unit(j, head)])),
            HeadOverlap = [.. Enumerable.Range(0, _layers).Select(layer =>
                Square(_kvHeads, (i, j) => _overlap[Unit(layer, i), Unit(layer, j)]))],
            Recovery = Square(
                _layers * _kvHeads, (u, v) => v / _kvHeads > u / _kvHeads ? 0 : _steps * (1 - Math.Sqrt(_lost[u, v] / _steps))),
            PodSimilarity = [.. Enumerable.Range(0, _kvHeads).Select(head =>
                Square(_layers, (i, j) => _podSimilarity[Unit(i, head), Unit(j, head)]))],
            LabelChannels = labelChannels,
        };
    }

    /// <summary>Overlap and recovery, of each unit with all units of its own and of earlier layers.</summary>
    private void AddChoices(AttentionTraceStep step, int[][] chosen)
    {
        bool[] isOwn = new bool[step.Context];
        for (int u = 0; u < chosen.Length; u++)
        {
            ReadOnlySpan<float> mass = step.Mass[u];
            double own = 0;
            foreach (int position in chosen[u])
            {
                isOwn[position] = true;
                own += mass[position];
            }

            for (int v = 0; v < Unit(u / _kvHeads + 1, 0); v++)
            {
                double borrowed = 0;
                int common = 0;
                foreach (int position in chosen[v])
                {
                    borrowed += mass[position];
                    common += isOwn[position] ? 1 : 0;
                }

                // Squares: what ruins an answer is a copying head that loses nearly all at one step, not a little lost by many at each.
                double lost = Math.Max(0, own - borrowed);
                _lost[u, v] += lost * lost;
                double overlap = (double)common / chosen[u].Length;
                _overlap[u, v] += overlap;
                if (v / _kvHeads < u / _kvHeads)
                    _overlap[v, u] += overlap;
            }

            foreach (int position in chosen[u])
                isOwn[position] = false;
        }
    }

    private void AddDivergences(AttentionTraceStep step)
    {
        double[] entropies = [.. step.Mass.Select(mass => MeanEntropy(mass.AsSpan(0, step.Context), mass.AsSpan(0, step.Context)))];
        for (int u = 0; u < entropies.Length; u++)
        {
            for (int v = u % _kvHeads; v <= u; v += _kvHeads)
            {
                double mixed = MeanEntropy(step.Mass[u].AsSpan(0, step.Context), step.Mass[v].AsSpan(0, step.Context));
                double similarity = 1 - Math.Clamp(mixed - (entropies[u] + entropies[v]) / 2, 0, 1);
                _podSimilarity[u, v] += similarity;
                if (v < u)
                    _podSimilarity[v, u] += similarity;
            }
        }
    }

    /// <summary>Entropy, in bits, of the mean of two distributions.</summary>
    private static double MeanEntropy(ReadOnlySpan<float> p, ReadOnlySpan<float> q)
    {
        const float Least = 1e-30f; // so that 0 log 0 is 0
        ReadOnlySpan<Vector<float>> ps = MemoryMarshal.Cast<float, Vector<float>>(p), qs = MemoryMarshal.Cast<float, Vector<float>>(q);
        Vector<float> sums = Vector<float>.Zero;
        for (int i = 0; i < ps.Length; i++)
        {
            Vector<float> mean = 0.5f * (ps[i] + qs[i]);
            sums -= mean * Vector.Log2(Vector.Max(mean, new Vector<float>(Least)));
        }

        double sum = Vector.Sum(sums);
        for (int i = ps.Length * Vector<float>.Count; i < p.Length; i++)
        {
            float mean = 0.5f * (p[i] + q[i]);
            sum -= mean * MathF.Log2(MathF.Max(mean, Least));
        }

        return sum;
    }

    private float[][] Square(int size, Func<int, int, double> sum) => [.. Enumerable.Range(0, size).Select(i =>
        Enumerable.Range(0, size).Select(j => (float)Math.Round(sum(i, j) / _steps, 4)).ToArray())];

    private int Unit(int layer, int head) => layer * _kvHeads + head;
}
