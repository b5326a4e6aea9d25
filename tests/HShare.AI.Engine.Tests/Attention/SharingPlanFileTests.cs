using System.Text.Json.Nodes;
using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Attention;

public sealed class SharingPlanFileTests : IDisposable
{
    private static readonly SharingPlan Plan = new()
    {
        Layers = 3,
        KvHeads = 2,
        Rules =
        [
            new(HeadSharing.Retrieve, 0, 0), new(HeadSharing.ShareIndices, 0, 0),
            new(HeadSharing.ShareScores, 0, 0), new(HeadSharing.Retrieve, 1, 1),
            new(HeadSharing.Retrieve, 2, 0), new(HeadSharing.ShareKeys, 1, 1),
        ],
        Interval = 4,
        Dilation = 3,
        Fingerprint = "f",
    };

    private readonly string _directory = Directory.CreateTempSubdirectory("plan").FullName;

    private string File => Path.Combine(_directory, "plan.json");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void What_is_saved_is_what_is_loaded()
    {
        new SharingPlanFile(Plan, "by hand").Save(File);
        SharingPlanFile loaded = SharingPlanFile.Load(File, 3, 2, "f");
        Assert.Equal("by hand", loaded.Planner);
        Assert.Equal(Plan.Rules, loaded.Plan.Rules);
        Assert.Equal(Plan with { Rules = loaded.Plan.Rules }, loaded.Plan);
        Assert.Contains("""["scores 0.0", "retrieve"]""", System.IO.File.ReadAllText(File));
    }

    [Fact]
    public void A_plan_without_a_fingerprint_fits_any_model_of_its_shape()
    {
        new SharingPlanFile(Plan with { Fingerprint = null }).Save(File);
        Assert.Equal(Plan.Rules, SharingPlanFile.Load(File, 3, 2, "whatever").Plan.Rules);
    }

    [Fact]
    public void A_plan_that_breaks_a_rule_is_not_written()
    {
        Assert.Throws<SharingPlanException>(() => new SharingPlanFile(Plan with { Interval = 0 }).Save(File));
        Assert.False(System.IO.File.Exists(File));
    }

    [Theory]
    [InlineData("layers", "4", "layers is 4, but the model has 3")]
    [InlineData("kvHeads", "1", "kvHeads is 1, but the model has 2")]
    [InlineData("fingerprint", "\"g\"", "fingerprint is g")]
    [InlineData("interval", "0", "interval")]
    [InlineData("dilation", "-1", "dilation")]
    [InlineData("denseLayers", "4", "denseLayers is 4")]
    [InlineData("denseLayers", null, "denseLayers")]
    [InlineData("denseLayers", "1", "dense layers")]
    [InlineData("rules", "{}", "rules")]
    [InlineData("rules", "[[\"retrieve\", \"retrieve\"]]", "rules has to be an array with one array for each of 3 layers")]
    [InlineData("planer", "\"x\"", "planer is not known")]
    public void An_entry_at_fault_is_named(string key, string? value, string named) =>
        AssertRefused(json => json[key] = value is null ? null : JsonNode.Parse(value), named);

    [Theory]
    [InlineData(1, 1, "\"indices 2.0\"", "layer 1, KV head 1: its leader, layer 2, KV head 0, comes after it")]
    [InlineData(2, 0, "\"scores 1.0\"", "layer 2, KV head 0: its leader, layer 1, KV head 0, is itself a follower")]
    [InlineData(2, 0, "\"indices 0.5\"", "does not exist")]
    [InlineData(2, 0, "\"indices 2.0\"", "shares with itself")]
    [InlineData(2, 0, "\"scores 1.1\"", "must be KV head 0 of an earlier layer")]
    [InlineData(2, 0, "\"borrow 0.0\"", "rules[2][0] is \"borrow 0.0\", but has to be \"retrieve\"")]
    [InlineData(2, 0, "\"indices\"", "rules[2][0]")]
    [InlineData(2, 0, "\"indices -1.0\"", "rules[2][0]")]
    [InlineData(2, 0, "7", "rules[2][0] is 7")]
    public void A_rule_at_fault_is_named(int layer, int head, string rule, string named) =>
        AssertRefused(json => json["rules"]![layer]![head] = JsonNode.Parse(rule), named);

    [Fact]
    public void A_layer_with_too_few_heads_is_named() =>
        AssertRefused(json => json["rules"]![1] = JsonNode.Parse("[\"retrieve\"]"), "rules[1] has to be an array with one text for each");

    [Theory]
    [InlineData("{\"layers\": 3,")]
    [InlineData("[]")]
    [InlineData("{\"layers\": 3, \"layers\": 3}")]
    public void Damaged_json_is_an_error_that_names_the_file(string text)
    {
        System.IO.File.WriteAllText(File, text);
        Assert.StartsWith(File, Assert.Throws<SharingPlanException>(() => SharingPlanFile.Load(File, 3, 2, "f")).Message);
    }

    [Fact]
    public void A_missing_file_is_an_error_that_names_it() =>
        Assert.StartsWith(File, Assert.Throws<SharingPlanException>(() => SharingPlanFile.Load(File, 3, 2, "f")).Message);

    private void AssertRefused(Action<JsonObject> change, string named)
    {
        new SharingPlanFile(Plan).Save(File);
        JsonObject json = JsonNode.Parse(System.IO.File.ReadAllText(File))!.AsObject();
        change(json);
        System.IO.File.WriteAllText(File, json.ToJsonString());
        string message = Assert.Throws<SharingPlanException>(() => SharingPlanFile.Load(File, 3, 2, "f")).Message;
        Assert.StartsWith(File, message);
        Assert.Contains(named, message);
    }
}
