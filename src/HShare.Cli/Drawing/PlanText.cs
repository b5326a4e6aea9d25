using System.Text;
using HShare.AI.Engine.Attention;

namespace HShare.Cli.Drawing;

/// <summary>Draws a <see cref="SharingPlan"/> in plain text: a line for each layer, a cell for each KV head.</summary>
internal static class PlanText
{
    /// <summary>Most columns of a line.</summary>
    public const int Width = 120;

    private const string LayerColumn = "layer";

    /// <summary>
    /// Draws a plan. A cell is a mark for the role and the name of the leader: "layer.head", or where many heads leave no room for that,
    /// the leader's number. Heads that do not fit a line follow in a further block.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <returns>Lines of at most <see cref="Width"/> columns, each ended by a line feed.</returns>
    /// <exception cref="SharingPlanException">The plan breaks a rule.</exception>
    public static string Draw(SharingPlan plan)
    {
        var units = new PlanUnits(plan);
        var text = new StringBuilder();
        text.Append(units.Settings()).Append('\n');

        int widest = units.All.Max(unit => units.NameOf(unit).Length) + " *".Length;
        bool named = widest * plan.KvHeads <= Width - LayerColumn.Length - 1;
        Func<UnitPlace, string> label = named ? units.NameOf : units.NumberOf;
        int cell = named ? widest : units.All.Max(unit => units.NumberOf(unit).Length) + "*".Length;
        cell = Math.Max(cell, $" {plan.KvHeads - 1}".Length);
        int heads = (Width - LayerColumn.Length - 1) / cell;
        for (int head = 0; head < plan.KvHeads; head += heads)
            AppendBlock(text, plan, units, label, cell, head, Math.Min(head + heads, plan.KvHeads));

        AppendLegend(text, units, named);
        foreach (string total in units.Totals())
            text.Append(total).Append('\n');
        return text.ToString();
    }

    private static void AppendBlock(
        StringBuilder text, SharingPlan plan, PlanUnits units, Func<UnitPlace, string> label, int cell, int from, int to)
    {
        text.Append('\n');
        IEnumerable<int> heads = Enumerable.Range(from, to - from);
        AppendLine(text, LayerColumn, heads.Select(head => head.ToString().PadLeft(cell)));
        for (int layer = 0; layer < plan.Layers; layer++)
        {
            IEnumerable<UnitPlace> places = heads.Select(head => new UnitPlace(layer, head));
            AppendLine(text, layer.ToString(), places.Select(unit => (Mark(units.RoleOf(unit)) + label(unit)).PadLeft(cell)));
        }
    }

    private static void AppendLine(StringBuilder text, string layer, IEnumerable<string> cells) =>
        text.Append($"{layer.PadLeft(LayerColumn.Length)} {string.Concat(cells)}".TrimEnd()).Append('\n');

    private static void AppendLegend(StringBuilder text, PlanUnits units, bool named)
    {
        string leader = named ? "L.H" : "NN";
        text.Append('\n');
        foreach (UnitRole role in units.All.Select(units.RoleOf).Distinct().Order())
            text.Append($"  {Mark(role)}{(role == UnitRole.Dense ? "" : leader),-4} {PlanUnits.Meaning(role)}\n");
        text.Append(named ? "  L.H: layer and KV head of the leader\n" : "  NN: the leader's number, in digits and letters\n");
    }

    private static char Mark(UnitRole role) => role switch
    {
        UnitRole.Dense => '=',
        UnitRole.Leader => '*',
        UnitRole.Indices => ' ',
        UnitRole.Scores => '~',
        UnitRole.Keys => '^',
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "Unknown role."),
    };
}
