using System.Xml.Linq;
using HShare.AI.Engine.Attention;
using HShare.Cli.Drawing;

namespace HShare.Cli.Tests.Drawing;

public sealed class PlanDrawingTests
{
    [Fact]
    public void Every_unit_is_drawn_once_as_what_it_is()
    {
        var file = new SvgFile(PlanDrawing.Draw(Plans.Small, "A <small> plan & more"));

        Assert.Equal(2, file.In("leaders", "rect").Count());
        Assert.Equal(4, file.In("followers", "rect").Count());
        Assert.Equal(2, file.In("dense", "rect").Count());
        Assert.Equal(5, file.In("roles", "rect").Count());
        Assert.Equal(4, file.In("stems", "polygon").Count()); // an arrow into each follower
        Assert.Equal(["1.0", "1.0", "1.0", "2.1"], file.In("followers", "text").Select(text => text.Value));
        Assert.Contains("A <small> plan & more", file.Texts);
        string? tooltip = SvgFile.Tooltip(file.In("followers", "rect").Last());
        Assert.Equal("layer 3, KV head 1: takes its leader's scores, keeps no distant keys; leader 2.1", tooltip);
    }

    [Fact]
    public void Followers_have_the_colour_of_their_leader()
    {
        var file = new SvgFile(PlanDrawing.Draw(Plans.Small, "plan"));

        string[] fills = [.. file.In("followers", "rect").Select(rect => rect.Attribute("fill")!.Value)];

        Assert.Equal([Palette.TintOf(0), Palette.TintOf(0), Palette.TintOf(0), Palette.TintOf(1)], fills);
        Assert.Equal([Palette.StrongOf(0), Palette.StrongOf(1)], file.In("leaders", "rect").Select(rect => rect.Attribute("fill")!.Value));
    }

    [Theory]
    [InlineData(12, 2, 3, 1)]
    [InlineData(12, 4, 3, 2)]
    [InlineData(1, 1, 1, 1)]
    [InlineData(36, 8, 4, 8)]
    [InlineData(32, 32, 2, 2)]
    [InlineData(40, 40, 1, 1)]
    public void Texts_neither_overlap_nor_run_over_the_edge(int layers, int heads, int layerBlock, int headBlock)
    {
        SharingPlan plan = Plans.Blocks(layers, heads, layerBlock, headBlock);

        var file = new SvgFile(PlanDrawing.Draw(plan, "plan"));

        file.AssertTextsAreApart();
        Assert.Equal(layers * heads, file.In("leaders", "rect").Count() + file.In("followers", "rect").Count());
        IEnumerable<XElement> sized = file.All("text").Where(text => text.Attribute("font-size") is not null);
        Assert.All(sized, text => Assert.InRange(SvgFile.Number(text, "font-size"), 11, 16));
    }

    [Fact]
    public void No_two_stems_of_a_column_lie_over_each_other()
    {
        // In head 0, layer 2 follows layer 0 and layer 3 follows layer 1: their stems pass each other.
        SharingPlan plan = SharingPlan.Independent(4, 1) with
        {
            Rules =
            [
                new(HeadSharing.Retrieve, 0, 0), new(HeadSharing.Retrieve, 1, 0),
                new(HeadSharing.ShareIndices, 0, 0), new(HeadSharing.ShareIndices, 1, 0),
            ],
        };

        IReadOnlyList<PlanStem> stems = PlanStem.Of(new PlanUnits(plan), sameHeadOnly: true, mostLanes: 3);

        Assert.Equal([0, 1], stems.Select(stem => stem.Lane));
        Assert.Single(PlanStem.Of(new PlanUnits(plan), sameHeadOnly: true, mostLanes: 1));
    }

    [Fact]
    public void Equal_plans_make_equal_files() =>
        Assert.Equal(PlanDrawing.Draw(Plans.Blocks(32, 8, 4, 1), "plan"), PlanDrawing.Draw(Plans.Blocks(32, 8, 4, 1), "plan"));
}
