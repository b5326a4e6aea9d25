using System.Globalization;
using System.Text.Json;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Attention;

/// <summary>
/// A sharing plan as a JSON file. Its rules are one array for each layer, with a text for each KV head: "retrieve", or "indices", "scores"
/// or "keys" and the leader as layer.head, such as "indices 3.1". Budget and retriever are not part of it.
/// </summary>
/// <param name="Plan">The plan.</param>
/// <param name="Planner">How it was made, in words; null where nobody said.</param>
public sealed record SharingPlanFile(SharingPlan Plan, string? Planner = null)
{
    private const string RuleForms =
        "\"retrieve\", or \"indices\", \"scores\" or \"keys\" and the leader, such as \"indices 3.1\" for layer 3, KV head 1";

    private static readonly string[] Keys = ["planner", "fingerprint", "layers", "kvHeads", "interval", "dilation", "denseLayers", "rules"];

    /// <summary>Reads a plan for a model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="layers">Transformer layers of the model.</param>
    /// <param name="kvHeads">KV heads of its layers.</param>
    /// <param name="fingerprint">The model's fingerprint (<see cref="ModelFingerprint"/>).</param>
    /// <exception cref="SharingPlanException">
    /// The file is missing or damaged, breaks a rule, or is for a model of another shape or fingerprint; the message names the file and the
    /// entry.
    /// </exception>
    public static SharingPlanFile Load(string path, int layers, int kvHeads, string fingerprint) => Read(path, json =>
    {
        Require(json, "layers", layers);
        Require(json, "kvHeads", kvHeads);
        if (json.Text("fingerprint") is { } own && own != fingerprint)
        {
            throw json.Error("fingerprint", $"is {own}, but the model's is {fingerprint}: the plan was made for another model. "
                + "Make one from a calibration of this one.");
        }
    });

    /// <summary>Reads a plan of whatever model, to be looked at.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SharingPlanException">The file is missing or damaged, or breaks a rule; the message names the file and the
    /// entry.</exception>
    public static SharingPlanFile Load(string path) => Read(path, _ => { });

    /// <summary>Writes the file, over what is there.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SharingPlanException">The plan breaks a rule.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path)
    {
        Plan.Validate();
        AttentionJson.Write(path, writer =>
        {
            writer.WriteString("planner", Planner);
            writer.WriteString("fingerprint", Plan.Fingerprint);
            writer.WriteNumber("layers", Plan.Layers);
            writer.WriteNumber("kvHeads", Plan.KvHeads);
            writer.WriteNumber("interval", Plan.Interval);
            writer.WriteNumber("dilation", Plan.Dilation);
            writer.WriteNumber("denseLayers", Plan.DenseLayers);
            writer.WriteStartArray("rules");
            foreach (HeadRule[] layer in Plan.Rules.Chunk(Plan.KvHeads))
                writer.WriteRawValue($"[{string.Join(", ", layer.Select(rule => $"\"{Format(rule)}\""))}]");
            writer.WriteEndArray();
        });
    }

    /// <summary>The text of a rule, as the file has it.</summary>
    public static string Format(HeadRule rule) => rule.Sharing switch
    {
        HeadSharing.Retrieve => "retrieve",
        HeadSharing.ShareIndices => string.Create(CultureInfo.InvariantCulture, $"indices {rule.Layer}.{rule.Head}"),
        HeadSharing.ShareScores => string.Create(CultureInfo.InvariantCulture, $"scores {rule.Layer}.{rule.Head}"),
        HeadSharing.ShareKeys => string.Create(CultureInfo.InvariantCulture, $"keys {rule.Layer}.{rule.Head}"),
        _ => throw new ArgumentOutOfRangeException(nameof(rule), rule.Sharing, "This is no kind of sharing."),
    };

    private static SharingPlanFile Read(string path, Action<ModelJson> check)
    {
        SharingPlanFile file = AttentionJson.Read(path, Keys, json =>
        {
            check(json);
            return Parse(json, AttentionJson.Int32(json, "layers", 1), AttentionJson.Int32(json, "kvHeads", 1));
        });

        try
        {
            file.Plan.Validate();
        }
        catch (SharingPlanException e)
        {
            throw new SharingPlanException($"{path}: {e.Message}", e);
        }

        return file;
    }

    private static SharingPlanFile Parse(ModelJson json, int layers, int kvHeads)
    {
        IReadOnlyList<JsonElement>? rows = json.Array("rules");
        if (rows?.Count != layers)
            throw json.Error("rules", $"has to be an array with one array for each of {layers} layers.");

        List<HeadRule> rules = [];
        for (int layer = 0; layer < layers; layer++)
        {
            if (rows[layer].ValueKind != JsonValueKind.Array || rows[layer].GetArrayLength() != kvHeads)
                throw json.Error($"rules[{layer}]", $"has to be an array with one text for each of {kvHeads} KV heads.");
            rules.AddRange(rows[layer].EnumerateArray().Select((rule, head) =>
                ParseRule(rule.ValueKind == JsonValueKind.String ? rule.GetString()! : "", layer, head)
                ?? throw json.Error($"rules[{layer}][{head}]", $"is {rule.GetRawText()}, but has to be {RuleForms}.")));
        }

        SharingPlan plan = new()
        {
            Layers = layers,
            KvHeads = kvHeads,
            Rules = rules,
            Interval = AttentionJson.Int32(json, "interval", 1),
            Dilation = AttentionJson.Int32(json, "dilation", 0),
            DenseLayers = AttentionJson.Int32(json, "denseLayers", 0),
            Fingerprint = json.Text("fingerprint"),
        };
        return new SharingPlanFile(plan, json.Text("planner"));
    }

    private static HeadRule? ParseRule(string text, int layer, int head)
    {
        if (text == "retrieve")
            return new HeadRule(HeadSharing.Retrieve, layer, head);
        if (text.Split(' ') is not [string kind, string leader] || leader.Split('.') is not [string leaderLayer, string leaderHead]
            || !int.TryParse(leaderLayer, NumberStyles.None, CultureInfo.InvariantCulture, out int l)
            || !int.TryParse(leaderHead, NumberStyles.None, CultureInfo.InvariantCulture, out int h))
            return null;

        return kind switch
        {
            "indices" => new HeadRule(HeadSharing.ShareIndices, l, h),
            "scores" => new HeadRule(HeadSharing.ShareScores, l, h),
            "keys" => new HeadRule(HeadSharing.ShareKeys, l, h),
            _ => null,
        };
    }

    private static void Require(ModelJson json, string key, int expected)
    {
        int actual = AttentionJson.Int32(json, key, 1);
        if (actual != expected)
            throw json.Error(key, $"is {actual}, but the model has {expected}: the plan was made for another model.");
    }
}
