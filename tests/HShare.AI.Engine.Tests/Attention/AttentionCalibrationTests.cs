using System.Text.Json.Nodes;
using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Attention;

public sealed class AttentionCalibrationTests : IDisposable
{
    private static readonly TokenBudget Budget = new(Sinks: 4, Window: 16, Total: 28);

    private readonly string _directory = Directory.CreateTempSubdirectory("calibration").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_measures_are_those_of_a_plain_statement()
    {
        AttentionTrace trace = SyntheticTrace.Themes(3, 2, unit => unit % 3, noise: 0.4, steps: 3);
        AttentionCalibration calibration = AttentionCalibration.From([trace], Budget, "f", 64, []);

        for (int u = 0; u < 6; u++)
        {
            for (int v = 0; v < (u / 2 + 1) * 2; v++)
            {
                double squares = trace.Steps.Average(step =>
                    Math.Pow(Top(step, u).Sum(p => step.Mass[u][p]) - Top(step, v).Sum(p => step.Mass[u][p]), 2));
                Assert.Equal(1 - Math.Sqrt(squares), calibration.Recovery[u][v], 1e-4);
            }

            Assert.All(calibration.Recovery[u][((u / 2 + 1) * 2)..], later => Assert.Equal(0, later));
        }

        double overlap = trace.Steps.Average(step => new[] { 0, 1 }.Average(h => Top(step, 4 + h).Intersect(Top(step, h)).Count() / 8.0));
        Assert.Equal(overlap, calibration.LayerOverlap[2][0], 1e-4);
        Assert.Equal(overlap, calibration.LayerOverlap[0][2], 1e-4);
        double heads = trace.Steps.Average(step => Top(step, 3).Intersect(Top(step, 2)).Count() / 8.0);
        Assert.Equal(heads, calibration.HeadOverlap[1][1][0], 1e-4);
        Assert.Equal(1 - trace.Steps.Average(step => Divergence(step.Mass[5], step.Mass[1])), calibration.PodSimilarity[1][2][0], 1e-4);
        Assert.Equal(8, calibration.CriticalTokens);
    }

    [Fact]
    public void Trap6_sinks_and_window_are_no_candidates()
    {
        // Most mass lies on sinks and window, equally in both layers: were they candidates, the layers would overlap.
        AttentionTrace trace = SyntheticTrace.Of(2, 1, context: 100, steps: 2, (unit, _, now) =>
            [.. Enumerable.Range(0, now).Select(p => p < 4 || p >= now - 16 ? 10f : p / 8 == 3 + unit ? 0.1f : 0)]);
        AttentionCalibration calibration = AttentionCalibration.From([trace], Budget, "f", 64, []);
        Assert.Equal(0, calibration.LayerOverlap[1][0]);
        double critical = trace.Steps[0].Mass[1].Skip(4).SkipLast(16).Sum(mass => (double)mass);
        Assert.Equal(1 - critical, calibration.Recovery[1][0], 1e-2);
        Assert.True(calibration.PodSimilarity[0][1][0] > 0.9);
    }

    [Fact]
    public void Trap7_steps_that_the_budget_covers_do_not_count()
    {
        AttentionTrace full = SyntheticTrace.Themes(2, 1, unit => unit, context: 200, steps: 2);
        AttentionTrace little = SyntheticTrace.Themes(2, 1, _ => 0, context: 60, steps: 5);
        TokenBudget budget = new(4, 16, Total: 80);
        Assert.Equal(From(full).Recovery, From(little, full).Recovery);
        Assert.Contains("covers", Assert.Throws<SharingPlanException>(() => From(little)).Message);

        AttentionCalibration From(params AttentionTrace[] traces) => AttentionCalibration.From(traces, budget, "f", 64, []);
    }

    [Fact]
    public void A_budget_without_critical_tokens_has_nothing_to_share()
    {
        AttentionTrace trace = SyntheticTrace.Themes(2, 1, unit => unit);
        Assert.Contains("no critical tokens", Assert.Throws<SharingPlanException>(
            () => AttentionCalibration.From([trace], new TokenBudget(4, 16, 20), "f", 64, [])).Message);
    }

    [Fact]
    public void Layers_that_attend_alike_are_alike_by_every_measure()
    {
        AttentionTrace trace = SyntheticTrace.Themes(4, 1, layer => layer / 2, noise: 0);
        AttentionCalibration calibration = AttentionCalibration.From([trace], Budget, "f", 64, []);
        Assert.True(calibration.LayerOverlap[1][0] > calibration.LayerOverlap[2][1] + 0.5);
        Assert.True(calibration.Recovery[3][2] > calibration.Recovery[2][1] + 0.1);
        Assert.True(calibration.PodSimilarity[0][1][0] > calibration.PodSimilarity[0][2][1] + 0.5);
    }

    [Fact]
    public void What_is_saved_is_what_is_loaded()
    {
        AttentionCalibration calibration = Calibrate() with { Recommended = "hshare(1/2-1-1/2)" };
        calibration.Save(_directory);
        AttentionCalibration loaded = AttentionCalibration.Load(_directory, "f");

        Assert.Equivalent(calibration, loaded, strict: true);
        Assert.True(new FileInfo(Path.Combine(_directory, "attention.json")).Length < 2000);
        Assert.Equal(["attention.json"], Directory.GetFiles(_directory).Select(Path.GetFileName));
    }

    [Fact]
    public void An_absent_calibration_is_null_or_an_error_that_names_the_file()
    {
        Assert.Null(AttentionCalibration.TryLoad(_directory));
        Assert.Contains("attention.json", Assert.Throws<SharingPlanException>(() => AttentionCalibration.Load(_directory)).Message);
    }

    [Theory]
    [InlineData("layers", "3", "layerOverlap")]
    [InlineData("layers", "0", "layers")]
    [InlineData("kvHeads", null, "kvHeads")]
    [InlineData("fingerprint", null, "fingerprint")]
    [InlineData("fingerprint", "\"other\"", "fingerprint is other")]
    [InlineData("layerOverlap", "[[1, 0], [0]]", "layerOverlap[1]")]
    [InlineData("layerOverlap", "[[1, 0], [1.5, 1]]", "layerOverlap[1][0]")]
    [InlineData("headOverlap", "[[[1, 0], [0, 1]]]", "headOverlap")]
    [InlineData("recovery", "\"no\"", "recovery")]
    [InlineData("podSimilarity", "[[[1, 0], [0, 1]], [[1, 0], [0, \"x\"]]]", "podSimilarity[1][1][1]")]
    [InlineData("labelChannels", "[[0, 0], [0, 1], [0, 1], [0, 1]]", "labelChannels[0]")]
    [InlineData("labelChannels", "[[0, 1], [0, 2], [0, 1], [0, 1]]", "labelChannels[1][1]")]
    [InlineData("extra", "1", "extra")]
    public void Damage_is_an_error_that_names_file_and_entry(string key, string? value, string named)
    {
        Calibrate().Save(_directory);
        string path = Path.Combine(_directory, "attention.json");
        JsonObject json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json[key] = value is null ? null : JsonNode.Parse(value);
        File.WriteAllText(path, json.ToJsonString());

        string message = Assert.Throws<SharingPlanException>(() => AttentionCalibration.TryLoad(_directory, "f")).Message;
        Assert.StartsWith(path, message);
        Assert.Contains(named, message);
    }

    [Fact]
    public void A_cut_file_is_an_error_that_names_it()
    {
        Calibrate().Save(_directory);
        string path = Path.Combine(_directory, "attention.json");
        File.WriteAllText(path, File.ReadAllText(path)[..^40]);
        Assert.StartsWith(path, Assert.Throws<SharingPlanException>(() => AttentionCalibration.Load(_directory)).Message);
    }

    private static AttentionCalibration Calibrate() => AttentionCalibration.From(
        [SyntheticTrace.Themes(2, 2, unit => unit % 2, noise: 0.3)], Budget, "f", headDim: 2, [[0, 1], [1, 0], [0, 1], [1, 0]]);

    private static int[] Top(AttentionTraceStep step, int unit) =>
        [.. Enumerable.Range(4, step.Context - 20).OrderByDescending(p => step.Mass[unit][p]).ThenBy(p => p).Take(8)];

    private static double Divergence(float[] p, float[] q)
    {
        return p.Zip(q, (a, b) => (Term(a, (a + b) / 2) + Term(b, (a + b) / 2)) / 2).Sum();

        static double Term(double a, double mean) => a > 0 ? a * Math.Log2(a / mean) : 0;
    }
}
