using HShare.AI.Engine.Attention;

namespace HShare.Cli.Drawing;

/// <summary>
/// Draws a <see cref="SharingPlan"/> as a grid of layers and KV heads: leaders strong, followers in the light colour of their leader and
/// joined to it.
/// </summary>
internal sealed class PlanDrawing
{
    /// <summary>Models with more KV heads get small cells, which hold a leader's number instead of its name.</summary>
    private const int MostWideHeads = 12;

    /// <summary>A grid wider than this has its legend below, not beside it; pixels.</summary>
    private const double MostBesideLegend = 460;

    private const double Top = 108;
    private const double LegendRow = 24;
    private const double NoteRow = 21;

    /// <summary>A leader that none follows.</summary>
    private const string LoneLeader = "#6b7280";

    private const string DenseFill = "#e2e6eb";

    private readonly SharingPlan _plan;
    private readonly PlanUnits _units;
    private readonly IReadOnlyList<PlanStem> _stems;
    private readonly bool _wide;
    private readonly double _laneWidth;
    private readonly double _gutter;
    private readonly double _cellWidth;
    private readonly double _cellHeight;
    private readonly double _rowGap;
    private readonly double _left = 66;

    private PlanDrawing(SharingPlan plan)
    {
        _plan = plan;
        _units = new PlanUnits(plan);
        _wide = plan.KvHeads <= MostWideHeads;
        (_cellWidth, _cellHeight, _rowGap, _laneWidth) = _wide ? (58, 24, 8, 6) : (28, 17, 3, 4);
        _stems = PlanStem.Of(_units, sameHeadOnly: !_wide, mostLanes: _wide ? 8 : 3);
        _gutter = 10 + (_laneWidth * _stems.Select(stem => stem.Lane + 1).DefaultIfEmpty().Max());
    }

    private double GridRight => _left + (_plan.KvHeads * (_cellWidth + _gutter));

    private double GridBottom => Top + (_plan.Layers * (_cellHeight + _rowGap));

    private UnitRole[] Roles => [.. _units.All.Select(_units.RoleOf).Distinct().Order()];

    private double FontOfCells => _wide ? 12 : 11;

    /// <summary>Draws a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="title">Heading of the card.</param>
    /// <returns>An SVG file.</returns>
    /// <exception cref="SharingPlanException">The plan breaks a rule.</exception>
    public static string Draw(SharingPlan plan, string title) => new PlanDrawing(plan).Draw(title);

    private string Draw(string title)
    {
        string[] notes = [.. _units.Totals()];
        double legendWidth = 44 + TextWidth.OfWidest([.. Roles.Select(PlanUnits.Meaning), .. notes, NamesNote()]);
        double legendHeight = (Roles.Length * LegendRow) + ((notes.Length + 1) * NoteRow) + 8;
        bool beside = GridRight <= MostBesideLegend;
        double width = beside ? GridRight + 40 + legendWidth : Math.Max(GridRight, legendWidth + 20);
        width = Math.Max(width, Math.Max(TextWidth.Of(title, 16), TextWidth.Of(_units.Settings())) + 20);
        double height = beside ? Math.Max(GridBottom, Top + legendHeight) : GridBottom + 16 + legendHeight;

        var canvas = new SvgCanvas(width + 20, height + 16, title);
        ChartFrame.DrawTitle(canvas, title);
        canvas.Text(20, 50, _units.Settings(), fill: Palette.Faint);
        DrawNumbers(canvas);
        DrawStems(canvas);
        DrawUnits(canvas, "dense", role => role == UnitRole.Dense);
        DrawUnits(canvas, "leaders", role => role == UnitRole.Leader);
        DrawUnits(canvas, "followers", role => role is UnitRole.Indices or UnitRole.Scores or UnitRole.Keys);
        DrawLegend(canvas, beside ? GridRight + 40 : 20, beside ? Top : GridBottom + 16, notes);
        return canvas.ToString();
    }

    private string NamesNote() => _wide ? "Names are layer.head of the leader." : "A follower has its leader's number and colour.";

    private double CellLeft(int head) => _left + (head * (_cellWidth + _gutter)) + _gutter;

    private double CellTop(int layer) => Top + (layer * (_cellHeight + _rowGap));

    private double CellMiddle(int layer) => CellTop(layer) + (_cellHeight / 2);

    /// <summary>Numbers of layers at the left, of heads above.</summary>
    private void DrawNumbers(SvgCanvas canvas)
    {
        using SvgCanvas.Group group = canvas.InGroup("axes");
        canvas.Text(_left + _gutter, Top - 26, "KV head", size: ChartFrame.SmallFont, fill: Palette.Faint);
        for (int head = 0; head < _plan.KvHeads; head++)
            canvas.Text(CellLeft(head) + (_cellWidth / 2), Top - 8, $"{head}", Anchor.Middle, ChartFrame.SmallFont, Palette.Faint);
        canvas.Text(_left - 2, Top - 8, "layer", Anchor.End, ChartFrame.SmallFont, Palette.Faint);
        for (int layer = 0; layer < _plan.Layers; layer++)
            canvas.Text(_left - 2, CellMiddle(layer) + 4, $"{layer}", Anchor.End, ChartFrame.SmallFont, Palette.Faint);
    }

    private void DrawUnits(SvgCanvas canvas, string name, Func<UnitRole, bool> chosen)
    {
        using SvgCanvas.Group group = canvas.InGroup(name);
        foreach (UnitPlace unit in _units.All.Where(unit => chosen(_units.RoleOf(unit))))
        {
            UnitRole role = _units.RoleOf(unit);
            string leader = _units.IsFollower(unit) ? $"; leader {_units.LeaderOf(unit)}" : "";
            string tooltip = $"layer {unit.Layer}, KV head {unit.Head}: {PlanUnits.Meaning(role)}{leader}";
            (string fill, string? stroke, string? dash) = Look(role, _units.ColorOf(unit));
            canvas.Rect(CellLeft(unit.Head), CellTop(unit.Layer), _cellWidth, _cellHeight, fill, stroke, 4, dash, tooltip);
            string label = _wide ? _units.NameOf(unit) : _units.NumberOf(unit);
            bool leads = role == UnitRole.Leader;
            string ink = leads ? Palette.Card : Palette.Ink;
            double middle = CellLeft(unit.Head) + (_cellWidth / 2);
            if (label != "")
                canvas.Text(middle, CellMiddle(unit.Layer) + 4, label, Anchor.Middle, FontOfCells, ink, leads);
        }
    }

    /// <summary>How a cell looks: its fill, its border and the dashes of that.</summary>
    private static (string Fill, string? Stroke, string? Dash) Look(UnitRole role, int? color)
    {
        string strong = color is { } index ? Palette.StrongOf(index) : LoneLeader;
        return role switch
        {
            UnitRole.Dense => (DenseFill, color is null ? null : strong, null),
            UnitRole.Leader => (strong, null, null),
            UnitRole.Indices => (Palette.TintOf(color ?? 0), null, null),
            UnitRole.Scores => (Palette.TintOf(color ?? 0), strong, "3 2"),
            UnitRole.Keys => (Palette.TintOf(color ?? 0), strong, null),
            _ => throw new ArgumentOutOfRangeException(nameof(role), role, "Unknown role."),
        };
    }

    private void DrawStems(SvgCanvas canvas)
    {
        using SvgCanvas.Group group = canvas.InGroup("stems");
        foreach (PlanStem stem in _stems)
        {
            string color = _units.ColorOf(stem.Leader) is { } index ? Palette.StrongOf(index) : LoneLeader;
            double cell = CellLeft(stem.Head), lane = cell - 6 - (stem.Lane * _laneWidth);
            double first = CellMiddle(stem.Followers[0]), last = CellMiddle(stem.Followers[^1]);
            canvas.Polyline([.. Root(stem, lane), (lane, first), (lane, last)], color);
            foreach (int layer in stem.Followers)
            {
                double y = CellMiddle(layer);
                canvas.Line(lane, y, cell - 3, y, color, 1.5);
                canvas.Polygon([(cell, y), (cell - 4, y - 2.5), (cell - 4, y + 2.5)], color);
            }
        }
    }

    /// <summary>From a leader to the lane: out at its left, or for another column below its row.</summary>
    private IEnumerable<(double X, double Y)> Root(PlanStem stem, double lane)
    {
        if (stem.Head == stem.Leader.Head)
            return [(CellLeft(stem.Head), CellMiddle(stem.Leader.Layer)), (lane, CellMiddle(stem.Leader.Layer))];

        // Leaders of a row share the gap below it: their lines lie a little apart.
        double x = CellLeft(stem.Leader.Head) + (_cellWidth / 2);
        double y = CellTop(stem.Leader.Layer) + _cellHeight + 2 + (stem.Leader.Head % 3 * 2);
        return [(x, CellMiddle(stem.Leader.Layer)), (x, y), (lane, y)];
    }

    private void DrawLegend(SvgCanvas canvas, double x, double y, IEnumerable<string> notes)
    {
        using SvgCanvas.Group group = canvas.InGroup("legend");
        using (canvas.InGroup("roles"))
        {
            foreach (UnitRole role in Roles)
            {
                (string fill, string? stroke, string? dash) = Look(role, role == UnitRole.Dense ? null : 0);
                canvas.Rect(x, y, 28, 16, fill, stroke, 4, dash);
                canvas.Text(x + 38, y + 13, PlanUnits.Meaning(role));
                y += LegendRow;
            }
        }

        string[] lines = _units.Followers > 0 ? [NamesNote(), .. notes] : [.. notes];
        y += 8;
        foreach (string line in lines)
        {
            canvas.Text(x, y + 10, line, fill: Palette.Faint);
            y += NoteRow;
        }
    }
}
