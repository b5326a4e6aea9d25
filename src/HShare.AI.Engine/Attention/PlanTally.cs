namespace HShare.AI.Engine.Attention;

/// <summary>Sums up what the heads read in a replay.</summary>
internal sealed class PlanTally
{
    private readonly SharingPlan _plan;
    private readonly double[] _recovered; // [layers], like the others
    private readonly double[] _exact;
    private readonly double[] _distant;
    private readonly double[] _exactDistant;
    private readonly double[] _overlap;
    private double _bytes;

    /// <summary>Nothing read yet.</summary>
    public PlanTally(SharingPlan plan)
    {
        _plan = plan;
        _recovered = new double[plan.Layers];
        _exact = new double[plan.Layers];
        _distant = new double[plan.Layers];
        _exactDistant = new double[plan.Layers];
        _overlap = new double[plan.Layers];
    }

    /// <summary>Adds what a unit read at a step.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="read">What it read.</param>
    /// <param name="exact">What it would have read by its own exact choice.</param>
    /// <param name="bytes">Bytes read for it, over those of reading everything.</param>
    public void Add(int unit, UnitReading read, UnitReading exact, double bytes)
    {
        int layer = unit / _plan.KvHeads;
        _recovered[layer] += read.ProximalMass + read.DistantMass;
        _exact[layer] += exact.ProximalMass + exact.DistantMass;
        _distant[layer] += read.DistantMass;
        _exactDistant[layer] += exact.DistantMass;
        _overlap[layer] += read.Found;
        _bytes += bytes;
    }

    /// <summary>The means.</summary>
    /// <param name="steps">Steps of the trace.</param>
    public PlanSimulationResult Result(int steps)
    {
        double perLayer = (double)steps * _plan.KvHeads;
        return new PlanSimulationResult(
            [.. _recovered.Select(sum => sum / perLayer)],
            [.. _exact.Select(sum => sum / perLayer)],
            [.. _overlap.Select(sum => sum / perLayer)],
            CriticalKept: Ratio(_distant.Sum(), _exactDistant.Sum()),
            Bytes: _bytes / (perLayer * _plan.Layers));
    }

    private static double Ratio(double part, double whole) => whole > 0 ? part / whole : 1;
}
