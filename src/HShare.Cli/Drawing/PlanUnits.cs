using HShare.AI.Engine.Attention;

namespace HShare.Cli.Drawing;

/// <summary>What a KV head of a layer does, as drawings tell it.</summary>
internal enum UnitRole
{
    /// <summary>It reads everything and chooses nothing.</summary>
    Dense,

    /// <summary>It chooses for itself.</summary>
    Leader,

    /// <summary>It reads the tokens that its leader chose.</summary>
    Indices,

    /// <summary>It takes its leader's scores of distant tokens.</summary>
    Scores,

    /// <summary>It scores its leader's keys of distant tokens.</summary>
    Keys,
}

/// <summary>A KV head of a layer.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Head">The KV head.</param>
internal readonly record struct UnitPlace(int Layer, int Head)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Layer}.{Head}";
}

/// <summary>
/// A <see cref="SharingPlan"/> read for drawing: every unit's role and leader, names and colours of leaders, and counts. In dense layers
/// nothing is chosen, so that a rule there counts only where it shares keys or scores, which saves memory in dense layers too.
/// </summary>
internal sealed class PlanUnits
{
    private const string Digits = "0123456789abcdefghijklmnopqrstuvwxyz";

    private readonly SharingPlan _plan;
    private readonly Dictionary<UnitPlace, int> _leaders = [];
    private readonly Dictionary<UnitPlace, int> _colors = [];

    /// <summary>Reads a plan.</summary>
    /// <exception cref="SharingPlanException">The plan breaks a rule.</exception>
    public PlanUnits(SharingPlan plan)
    {
        plan.Validate();
        _plan = plan;
        HashSet<UnitPlace> followed = [.. All.Where(IsFollower).Select(LeaderOf)];
        foreach (UnitPlace unit in All.Where(unit => RoleOf(unit) == UnitRole.Leader || followed.Contains(unit)))
            _leaders.Add(unit, _leaders.Count);
        foreach (UnitPlace unit in _leaders.Keys.Where(followed.Contains))
            _colors.Add(unit, _colors.Count);
    }

    /// <summary>All units, layer by layer.</summary>
    public IEnumerable<UnitPlace> All =>
        Enumerable.Range(0, _plan.Layers * _plan.KvHeads).Select(unit => new UnitPlace(unit / _plan.KvHeads, unit % _plan.KvHeads));

    /// <summary>Units that choose for themselves.</summary>
    public int Leaders => All.Count(unit => RoleOf(unit) == UnitRole.Leader);

    /// <summary>Units that borrow from another.</summary>
    public int Followers => All.Count(IsFollower);

    /// <summary>Units that keep no distant keys of their own.</summary>
    public int WithoutKeys => All.Count(unit => RoleOf(unit) is UnitRole.Scores or UnitRole.Keys);

    /// <summary>
    /// Selections that are made, as a share of those that would be if every unit of the layers that choose did so at each step; 0 where all
    /// layers are dense.
    /// </summary>
    public double SelectionShare
    {
        get
        {
            int choosing = (_plan.Layers - _plan.DenseLayers) * _plan.KvHeads;
            return choosing == 0 ? 0 : Leaders / (double)choosing / _plan.Interval;
        }
    }

    /// <summary>Memory of distant tokens in the KV cache that need not be kept, 0 to 0.5: keys are half of it.</summary>
    public double MemorySaved => WithoutKeys / 2.0 / (_plan.Layers * _plan.KvHeads);

    /// <summary>What a unit does.</summary>
    public UnitRole RoleOf(UnitPlace unit) => _plan[unit.Layer, unit.Head].Sharing switch
    {
        HeadSharing.ShareScores => UnitRole.Scores,
        HeadSharing.ShareKeys => UnitRole.Keys,
        _ when unit.Layer < _plan.DenseLayers => UnitRole.Dense,
        HeadSharing.ShareIndices => UnitRole.Indices,
        _ => UnitRole.Leader,
    };

    /// <summary>Whether a unit borrows from another.</summary>
    public bool IsFollower(UnitPlace unit) => RoleOf(unit) is UnitRole.Indices or UnitRole.Scores or UnitRole.Keys;

    /// <summary>A follower's leader; a unit that follows none, itself.</summary>
    public UnitPlace LeaderOf(UnitPlace unit)
    {
        HeadRule rule = _plan[unit.Layer, unit.Head];
        return IsFollower(unit) ? new UnitPlace(rule.Layer, rule.Head) : unit;
    }

    /// <summary>Number of the colour of a unit's leader; null where it follows none and none follows it.</summary>
    public int? ColorOf(UnitPlace unit) => _colors.TryGetValue(LeaderOf(unit), out int color) ? color : null;

    /// <summary>Name of a unit's leader, "layer.head"; empty for a dense unit that leads none.</summary>
    public string NameOf(UnitPlace unit) => _leaders.ContainsKey(LeaderOf(unit)) ? LeaderOf(unit).ToString() : "";

    /// <summary>Number of a unit's leader in digits and letters, for where names have no room; empty where these are.</summary>
    public string NumberOf(UnitPlace unit)
    {
        if (!_leaders.TryGetValue(LeaderOf(unit), out int leader))
            return "";

        string number = "";
        for (int most = Math.Max(_leaders.Count - 1, Digits.Length); most > 0; most /= Digits.Length, leader /= Digits.Length)
            number = Digits[leader % Digits.Length] + number;
        return number;
    }

    /// <summary>What a role means, for legends.</summary>
    public static string Meaning(UnitRole role) => role switch
    {
        UnitRole.Dense => "reads everything",
        UnitRole.Leader => "leader: chooses for itself",
        UnitRole.Indices => "reads the tokens its leader chose",
        UnitRole.Scores => "takes its leader's scores, keeps no distant keys",
        UnitRole.Keys => "scores its leader's keys, keeps no distant keys",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "Unknown role."),
    };

    /// <summary>What the plan says beside its rules, in a line.</summary>
    public string Settings()
    {
        string dense = _plan.DenseLayers switch { 0 => "", 1 => ", first layer dense", _ => $", first {_plan.DenseLayers} layers dense" };
        string layers = $"{Counted(_plan.Layers, "layer")} x {Counted(_plan.KvHeads, "KV head")}";
        string interval = _plan.Interval == 1 ? "at each step" : $"every {_plan.Interval} steps";
        return $"{layers}, a choice {interval}, dilation {_plan.Dilation}{dense}";
    }

    /// <summary>What the plan comes to, in lines.</summary>
    public IEnumerable<string> Totals()
    {
        int dense = All.Count(unit => RoleOf(unit) == UnitRole.Dense);
        yield return $"{Counted(Leaders, "leader")}, {Counted(Followers, "follower")}{(dense == 0 ? "" : $", {dense} dense")}";
        yield return $"selections made: {NumberForm.Percent.Write(SelectionShare)} of those without sharing";
        if (WithoutKeys > 0)
            yield return $"KV memory saved: {NumberForm.Percent.Write(MemorySaved)} of that of distant tokens";
    }

    private static string Counted(int count, string thing) => count == 1 ? $"1 {thing}" : $"{count} {thing}s";
}
