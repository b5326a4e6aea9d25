namespace HShare.Cli.Drawing;

/// <summary>A line down one column of a plan's grid, from a leader to those of the column's heads that follow it.</summary>
/// <param name="Leader">The leader; in the same column, or in another.</param>
/// <param name="Head">The column.</param>
/// <param name="Followers">Layers of the followers, ascending.</param>
/// <param name="Lane">Which of the lanes beside the column it runs in, from 0, next to the cells.</param>
internal sealed record PlanStem(UnitPlace Leader, int Head, IReadOnlyList<int> Followers, int Lane)
{
    private int Last => Math.Max(Leader.Layer, Followers[^1]);

    /// <summary>Finds the stems of a plan, with lanes such that no two overlap.</summary>
    /// <param name="units">The plan.</param>
    /// <param name="sameHeadOnly">Leave out stems between columns.</param>
    /// <param name="mostLanes">Stems that need a lane beyond these are left out; colour and name still tell whom the cells follow.</param>
    public static IReadOnlyList<PlanStem> Of(PlanUnits units, bool sameHeadOnly, int mostLanes)
    {
        List<PlanStem> stems = [];
        IEnumerable<IGrouping<(int Head, UnitPlace Leader), UnitPlace>> groups = units.All
            .Where(units.IsFollower)
            .GroupBy(unit => (unit.Head, Leader: units.LeaderOf(unit)))
            .Where(group => !sameHeadOnly || group.Key.Head == group.Key.Leader.Head)
            .OrderBy(group => group.Key.Head).ThenBy(group => group.Key.Leader.Layer).ThenBy(group => group.Key.Leader.Head);
        foreach (IGrouping<(int Head, UnitPlace Leader), UnitPlace> group in groups)
        {
            var stem = new PlanStem(group.Key.Leader, group.Key.Head, [.. group.Select(unit => unit.Layer).Order()], 0);
            int lane = 0;
            while (stems.Any(other => other.Lane == lane && other.Meets(stem)))
                lane++;
            if (lane < mostLanes)
                stems.Add(stem with { Lane = lane });
        }

        return stems;
    }

    private bool Meets(PlanStem other) => Head == other.Head && Leader.Layer <= other.Last && other.Leader.Layer <= Last;
}
