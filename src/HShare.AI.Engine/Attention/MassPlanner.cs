namespace HShare.AI.Engine.Attention;

/// <summary>
/// Makes sharing plans by recovered mass: which leaders' critical tokens hold most of what the followers attend to. Leader layers are
/// chosen by dynamic programming (as Kascade does) and bettered by exchanges; each follower head then takes the leader head that recovers
/// it best, whatever its number and layer.
/// </summary>
public sealed class MassPlanner
{
    private readonly AttentionCalibration _calibration;
    private readonly int _heads;
    private readonly int _dense;
    private readonly double[,] _fromLayer; // [units, layers]: what a unit recovers from the best head of a layer; all from its own

    private MassPlanner(AttentionCalibration calibration, int denseLayers)
    {
        _calibration = calibration;
        _heads = calibration.KvHeads;
        _dense = denseLayers;
        _fromLayer = new double[calibration.Layers * _heads, calibration.Layers];
        for (int unit = 0; unit < calibration.Layers * _heads; unit++)
        {
            int own = unit / _heads;
            for (int layer = 0; layer < own; layer++)
                _fromLayer[unit, layer] = Enumerable.Range(layer * _heads, _heads).Max(leader => calibration.Recovery[unit][leader]);
            _fromLayer[unit, own] = 1;
        }
    }

    /// <summary>
    /// A plan with as many leaders as <see cref="GreedyPlanner"/> makes at the same ratios, which recovers no less. The followers inside
    /// leader layers are those that lose least, so that one leader layer may have more of them than another. Exchanges do not find every
    /// best choice: where the greedy planner's leaders happen to recover more, they are taken.
    /// </summary>
    /// <param name="calibration">What is known of the model.</param>
    /// <param name="ratios">Which fractions select for themselves.</param>
    /// <param name="dilation">
    /// Tokens read behind each chosen one; null = one less than the interval, so that a copying head finds its next token.
    /// </param>
    /// <param name="denseLayers">The first so many layers read everything; the ratio of layers is one of the others.</param>
    /// <exception cref="ArgumentOutOfRangeException">The dilation is negative, or there are not so many layers.</exception>
    public static SharingPlan Plan(AttentionCalibration calibration, SharingRatios ratios, int? dilation = null, int denseLayers = 0)
    {
        ArgumentNullException.ThrowIfNull(calibration);
        ArgumentNullException.ThrowIfNull(ratios);
        SharingPlan plan = PlanFrame.Of(calibration, ratios, dilation, denseLayers);
        int sparseLayers = calibration.Layers - denseLayers;
        if (sparseLayers == 0)
            return plan;

        MassPlanner planner = new(calibration, denseLayers);
        int leaderLayers = ratios.Layers.Of(sparseLayers);
        bool[] isLeaderLayer = planner.Exchange(planner.Segments(leaderLayers));
        bool[] leads = planner.DropHeads(isLeaderLayer, leaderLayers * (calibration.KvHeads - ratios.Heads.Of(calibration.KvHeads)));
        SharingPlan greedy = GreedyPlanner.Plan(calibration, ratios, dilation, denseLayers);
        greedy = greedy with { Rules = planner.Follow([.. greedy.Rules.Select(rule => rule.Sharing == HeadSharing.Retrieve)]) };
        SharingPlan own = plan with { Rules = planner.Follow(leads) };
        return Recovered(calibration, greedy) > Recovered(calibration, own) ? greedy : own;
    }

    /// <summary>
    /// What a plan recovers on its calibration: the mean, over the heads that do not read everything, of the share of its own critical
    /// tokens' mass that a head finds on its leader's. 1 where nobody borrows.
    /// </summary>
    /// <param name="calibration">What is known of the model.</param>
    /// <param name="plan">A plan of a model of that shape.</param>
    public static double Recovered(AttentionCalibration calibration, SharingPlan plan)
    {
        ArgumentNullException.ThrowIfNull(calibration);
        ArgumentNullException.ThrowIfNull(plan);
        return Enumerable.Range(0, plan.Rules.Count).Skip(plan.DenseLayers * plan.KvHeads)
            .Select(unit => (double)calibration.Recovery[unit][plan.Rules[unit].Layer * plan.KvHeads + plan.Rules[unit].Head])
            .DefaultIfEmpty(1).Average();
    }

    /// <summary>The rules by which each unit reads what the leader that recovers it best has found.</summary>
    private HeadRule[] Follow(bool[] leads)
    {
        HeadRule[] rules = [.. SharingPlan.Independent(_calibration.Layers, _heads).Rules];
        for (int unit = _dense * _heads; unit < rules.Length; unit++)
        {
            int leader = BestLeader(unit, leads, without: -1);
            rules[unit] = PlanFrame.Rule(unit / _heads, unit % _heads, leader / _heads, leader % _heads);
        }

        return rules;
    }

    /// <summary>
    /// The leader layers, as many as asked for, if each follower layer had to take the nearest leader layer before it: best[a][e] is the
    /// most that the sparse layers before e recover with a leaders, the last of which is layer s: best[a - 1][s] + what the layers from s
    /// to e recover of it.
    /// </summary>
    private bool[] Segments(int leaders)
    {
        int layers = _calibration.Layers;
        double[,] best = new double[leaders + 1, layers + 1];
        int[,] start = new int[leaders + 1, layers + 1];
        for (int a = 0; a <= leaders; a++)
        {
            for (int e = _dense; e <= layers; e++)
                best[a, e] = a == 0 && e == _dense ? 0 : double.NegativeInfinity;
        }

        for (int a = 1; a <= leaders; a++)
        {
            for (int s = _dense; s < layers; s++)
            {
                double recovered = best[a - 1, s];
                for (int e = s + 1; e <= layers; e++)
                {
                    recovered += Enumerable.Range((e - 1) * _heads, _heads).Sum(unit => _fromLayer[unit, s]);
                    if (recovered > best[a, e])
                        (best[a, e], start[a, e]) = (recovered, s);
                }
            }
        }

        bool[] isLeader = new bool[layers];
        for (int a = leaders, e = layers; a > 0; a--)
        {
            e = start[a, e];
            isLeader[e] = true;
        }

        return isLeader;
    }

    /// <summary>
    /// Swaps a leader layer for another as long as that recovers more. Segments alone miss what a follower gains from a leader that is not
    /// its nearest. The first sparse layer stays: it has nobody before it.
    /// </summary>
    private bool[] Exchange(bool[] isLeader)
    {
        double best = FromLayers(isLeader);
        for (bool improved = true; improved;)
        {
            improved = false;
            (int Out, int In) swap = default;
            for (int o = _dense + 1; o < isLeader.Length; o++)
            {
                for (int i = _dense + 1; i < isLeader.Length && isLeader[o]; i++)
                {
                    if (isLeader[i])
                        continue;
                    (isLeader[o], isLeader[i]) = (false, true);
                    double recovered = FromLayers(isLeader);
                    (isLeader[o], isLeader[i]) = (true, false);
                    if (recovered > best + 1e-9)
                        (best, swap, improved) = (recovered, (o, i), true);
                }
            }

            if (improved)
                (isLeader[swap.Out], isLeader[swap.In]) = (false, true);
        }

        return isLeader;
    }

    /// <summary>
    /// Makes followers of heads in leader layers, one after the other that whose leading is missed least; each layer keeps a leader.
    /// </summary>
    private bool[] DropHeads(bool[] isLeaderLayer, int followers)
    {
        bool[] leads = [.. Enumerable.Range(0, isLeaderLayer.Length * _heads).Select(unit => isLeaderLayer[unit / _heads])];
        for (int n = 0; n < followers; n++)
        {
            double[] missed = new double[leads.Length];
            for (int unit = _dense * _heads; unit < leads.Length; unit++)
            {
                int first = BestLeader(unit, leads, without: -1), second = BestLeader(unit, leads, without: first);
                missed[first] += _calibration.Recovery[unit][first] - (second < 0 ? 0 : _calibration.Recovery[unit][second]);
            }

            int dropped = Enumerable.Range(0, leads.Length)
                .Where(unit => leads[unit] && leads.AsSpan(unit / _heads * _heads, _heads).Count(true) > 1)
                .MinBy(unit => missed[unit]);
            leads[dropped] = false;
        }

        return leads;
    }

    /// <summary>
    /// The leader, of its own or of an earlier layer, that recovers a unit best; a leader its own. -1 where there is none.
    /// </summary>
    private int BestLeader(int unit, bool[] leads, int without)
    {
        if (leads[unit] && unit != without)
            return unit;

        int best = -1;
        for (int v = _dense * _heads; v < (unit / _heads + 1) * _heads; v++)
        {
            if (leads[v] && v != without && (best < 0 || _calibration.Recovery[unit][v] > _calibration.Recovery[unit][best]))
                best = v;
        }

        return best;
    }

    /// <summary>What the heads of all sparse layers recover if each borrows from the best head of the best leader layer.</summary>
    private double FromLayers(bool[] isLeader)
    {
        double sum = 0;
        for (int unit = _dense * _heads; unit < isLeader.Length * _heads; unit++)
        {
            double best = 0;
            for (int leader = _dense; leader <= unit / _heads; leader++)
            {
                if (isLeader[leader])
                    best = Math.Max(best, _fromLayer[unit, leader]);
            }

            sum += best;
        }

        return sum;
    }
}
