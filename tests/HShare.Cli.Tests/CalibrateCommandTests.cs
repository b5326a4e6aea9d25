using System.Text.Json.Nodes;
using HShare.AI.Engine.Attention;
using HShare.Cli.Tests.Tasks;

namespace HShare.Cli.Tests;

public sealed class CalibrateCommandTests
{
    private static readonly string Text = string.Join('\n', Enumerable.Range(1, 90).Select(day =>
        $"On day {day} the wind came from the {(day % 3 == 0 ? "north" : "west")}, and {day * 7 % 40} boats went out before noon."));

    [Fact]
    public async Task Texts_give_a_plan_that_is_written_and_judged_on_others()
    {
        using var folder = new TemporaryFolder(("weather.txt", Text));

        ToolRun run = await ToolRun.WithAsync(
            "calibrate", "--text", folder["weather.txt"], "--length", "256", "--steps", "4", "--limit", "4", "--budget", "128",
            "--layers", "1/3", "--refresh", "1/2", "--out", folder["plan.json"], "--json");

        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        Assert.Equal(2, (int)run.Json["interval"]!);
        string[] rules = [.. run.Json["rules"]!.AsArray().Select(rule => (string)rule!)];
        Assert.Equal((24, 8), (rules.Length, rules.Count(rule => rule == "retrieve"))); // 12 layers of 2 KV heads, a third of which lead
        Assert.Equal(["PageBounds", "LabelChannels", "Exact"], run.Json["results"]!.AsObject().Select(result => result.Key));
        Assert.All(run.Json["results"]!.AsObject(), result =>
        {
            Assert.InRange((double)result.Value!["recovered"]!, 0.1, 1);
            Assert.InRange((double)result.Value["kv_bytes_read_ratio"]!, 0.1, 0.99);
        });
        SharingPlan plan = SharingPlanFile.Load(folder["plan.json"]).Plan;
        Assert.Equal(rules, plan.Rules.Select(SharingPlanFile.Format));
        Assert.NotNull(plan.Fingerprint);
    }

    [Fact]
    public async Task Questions_about_a_document_are_learnt_from_as_their_answers_are_written()
    {
        using var folder = new TemporaryFolder(
            ("weather.txt", Text[..2000]),
            ("questions.json", new JsonArray([.. Enumerable.Range(1, 4).Select(day => new JsonObject
            {
                ["question"] = $"How many boats went out on day {day}?", ["expected"] = $"{day * 7 % 40} boats went out.",
            })]).ToJsonString()));

        ToolRun run = await ToolRun.WithAsync(
            "calibrate", "--document", folder["weather.txt"], "--questions", folder["questions.json"], "--budget", "128");

        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        Assert.Contains("Made from 1/2-1-1/4, mass; judged on texts it was not made from.", run.Out);
        Assert.Contains("mass read", run.Out);
    }

    [Fact]
    public async Task A_plan_is_looked_for_that_keeps_a_share_of_the_mass()
    {
        using var folder = new TemporaryFolder(("weather.txt", Text));

        ToolRun found = await ToolRun.WithAsync(
            "calibrate", "--text", folder["weather.txt"], "--length", "256", "--steps", "4", "--limit", "4", "--budget", "128",
            "--keep", "0.8", "--json");

        Assert.Equal(("", 0), (found.Error, found.ExitCode));
        double[] bytes = [.. found.Json["candidates"]!.AsArray().Select(candidate => (double)candidate!["kv_bytes_read_ratio"]!)];
        Assert.True(bytes.Length > 10);
        Assert.All(bytes.Zip(bytes.Skip(1)), pair => Assert.True(pair.First <= pair.Second + 1e-9, $"{pair}"));
        Assert.Contains(found.Json["candidates"]!.AsArray(), candidate => (string)candidate!["name"]! == (string)found.Json["description"]!
            && (double)candidate["kept"]! >= 0.8);
    }

    [Fact]
    public async Task A_budget_over_the_texts_leaves_nothing_to_learn()
    {
        using var folder = new TemporaryFolder(("weather.txt", Text));

        ToolRun run = await ToolRun.WithAsync(
            "calibrate", "--text", folder["weather.txt"], "--length", "256", "--steps", "4", "--limit", "4");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("budget of 512 tokens", run.Error);
    }
}
