using HShare.AI.Engine.Attention;
using HShare.Cli.Drawing;

namespace HShare.Cli.Tests.Drawing;

public sealed class PlanTextTests
{
    [Fact]
    public void A_small_plan_is_drawn_with_all_its_roles()
    {
        const string Expected = """
            4 layers x 2 KV heads, a choice every 2 steps, dilation 1, first layer dense

            layer     0    1
                0     =    =
                1  *1.0  1.0
                2  ^1.0 *2.1
                3   1.0 ~2.1

              =     reads everything
              *L.H  leader: chooses for itself
               L.H  reads the tokens its leader chose
              ~L.H  takes its leader's scores, keeps no distant keys
              ^L.H  scores its leader's keys, keeps no distant keys
              L.H: layer and KV head of the leader
            2 leaders, 4 followers, 2 dense
            selections made: 16.67 % of those without sharing
            KV memory saved: 12.5 % of that of distant tokens

            """;

        Assert.Equal(Expected.ReplaceLineEndings("\n"), PlanText.Draw(Plans.Small));
    }

    [Theory]
    [InlineData(32, 32)]
    [InlineData(80, 8)]
    [InlineData(32, 40)]
    [InlineData(100, 100)]
    public void No_line_is_wider_than_120_columns_and_every_unit_has_a_cell(int layers, int heads)
    {
        string[] lines = PlanText.Draw(Plans.Blocks(layers, heads, 2, 2)).Split('\n');

        Assert.All(lines, line => Assert.InRange(line.Length, 0, PlanText.Width));
        IEnumerable<string> grid = lines.Where(line => line.Length > 6 && char.IsDigit(line[4]));
        Assert.Equal(layers * heads / 4, grid.Sum(line => line.Count(letter => letter == '*')));
        Assert.Contains($"{layers * heads / 4} leaders, {layers * heads * 3 / 4} followers", lines);
    }

    [Fact]
    public void Thirty_two_heads_share_one_line()
    {
        string[] lines = PlanText.Draw(Plans.Blocks(32, 32, 32, 1)).Split('\n');

        Assert.Single(lines, line => line.StartsWith("layer", StringComparison.Ordinal));
        Assert.StartsWith("    0 *00*01*02", lines[3]);
        Assert.StartsWith("   31  00 01 02", lines[34]);
    }

    [Fact]
    public void Many_leaders_have_numbers_of_their_own()
    {
        var units = new PlanUnits(SharingPlan.Independent(40, 40));

        string[] numbers = [.. units.All.Select(units.NumberOf)];

        Assert.Equal(1600, numbers.Distinct().Count());
        Assert.All(numbers, number => Assert.Equal(3, number.Length));
    }

    [Fact]
    public void Keys_that_are_shared_in_dense_layers_count_as_saved()
    {
        SharingPlan plan = SharingPlan.Independent(2, 1) with
        {
            DenseLayers = 2,
            Rules = [new(HeadSharing.Retrieve, 0, 0), new(HeadSharing.ShareKeys, 0, 0)],
        };

        string text = PlanText.Draw(plan);

        Assert.Contains("\n    0  =0.0\n    1  ^0.0\n", text);
        Assert.Contains("0 leaders, 1 follower, 1 dense\nselections made: 0 %", text);
        Assert.Contains("KV memory saved: 25 %", text);
    }

    [Fact]
    public void A_plan_that_breaks_a_rule_is_not_drawn()
    {
        SharingPlan plan = Plans.Small with { Interval = 0 };

        Assert.Throws<SharingPlanException>(() => PlanText.Draw(plan));
        Assert.Throws<SharingPlanException>(() => PlanDrawing.Draw(plan, "plan"));
    }
}
