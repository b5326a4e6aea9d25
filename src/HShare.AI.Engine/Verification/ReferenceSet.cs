using System.Text.Json;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Verification;

/// <summary>
/// What a reference implementation computed for a model, as a <c>golden.json</c> in its folder has it:
/// <c>{"reference", "cases": [{"input_ids", "last_logits": [...] | "top_logits": [[id, logit], ...], "greedy_ids", "greedy_margins"}]}</c>.
/// </summary>
/// <param name="Reference">What computed it, in words.</param>
/// <param name="Cases">The cases; at least one.</param>
public sealed record ReferenceSet(string Reference, IReadOnlyList<ReferenceCase> Cases)
{
    /// <summary>Name of the file in a model folder.</summary>
    public const string FileName = "golden.json";

    /// <summary>Reads a file. Keys other than those above are ignored, but a case's <c>name</c> is kept.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="config">The model that it is for: ids have to lie in its vocabulary, prompts in its context.</param>
    /// <exception cref="ModelLoadException">The file is missing, damaged, or not for this model.</exception>
    public static ReferenceSet Read(string path, ModelConfig config)
    {
        var json = ModelJson.Read(path);
        IReadOnlyList<ModelJson> cases = json.Objects("cases") ?? throw json.Error("cases", "is missing.");
        return cases.Count > 0
            ? new ReferenceSet(json.Text("reference") ?? "", [.. cases.Select((c, i) => ReadCase(c, i, config))])
            : throw json.Error("cases", "is empty.");
    }

    private static ReferenceCase ReadCase(ModelJson json, int index, ModelConfig config)
    {
        IReadOnlyList<int> prompt = ReadIds(json, "input_ids", config);
        IReadOnlyList<int> greedy = ReadIds(json, "greedy_ids", config);
        IReadOnlyList<float> margins = json.Singles("greedy_margins") ?? throw json.Error("greedy_margins", "is missing.");
        if (prompt.Count == 0)
            throw json.Error("input_ids", "is empty.");
        if (margins.Count != greedy.Count)
            throw json.Error("greedy_margins", $"has {margins.Count} entries for {greedy.Count} greedy_ids.");
        if (prompt.Count + greedy.Count > config.ContextLength)
        {
            throw json.Error(
                "input_ids", $"has {prompt.Count} ids and greedy_ids {greedy.Count}; the model's context holds {config.ContextLength}.");
        }

        string name = json.Text("name") ?? $"case {index + 1}";
        return new ReferenceCase(name, prompt, ReadLogits(json, config.VocabularySize), greedy, margins);
    }

    private static IReadOnlyList<ReferenceLogit> ReadLogits(ModelJson json, int vocabulary)
    {
        if (json.Singles("last_logits") is { } all)
        {
            return all.Count == vocabulary
                ? [.. all.Select((value, id) => new ReferenceLogit(id, value))]
                : throw json.Error("last_logits", $"has {all.Count} entries; the model's vocabulary has {vocabulary}.");
        }

        IReadOnlyList<JsonElement> top = json.Array("top_logits") ?? throw json.Error("last_logits", "is missing, and top_logits too.");
        return top.Count == 0 ? throw json.Error("top_logits", "is empty.") : [.. top.Select(ReadPair)];

        ReferenceLogit ReadPair(JsonElement pair, int i) =>
            pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2
            && pair[0].ValueKind == JsonValueKind.Number && pair[0].TryGetInt32(out int id) && id >= 0 && id < vocabulary
            && pair[1].ValueKind == JsonValueKind.Number && pair[1].TryGetSingle(out float value)
                ? new ReferenceLogit(id, value)
                : throw json.Error($"top_logits[{i}]", $"has to be an id of the vocabulary of {vocabulary} and a logit.");
    }

    private static IReadOnlyList<int> ReadIds(ModelJson json, string key, ModelConfig config)
    {
        IReadOnlyList<int> ids = json.Int32s(key) ?? throw json.Error(key, "is missing.");
        foreach (int id in ids)
        {
            if (id < 0 || id >= config.VocabularySize)
                throw json.Error(key, $"has {id}, which is not an id of the model's vocabulary of {config.VocabularySize}.");
        }

        return ids;
    }
}

/// <summary>A prompt and what the reference computed for it.</summary>
/// <param name="Name">Its name, or its number.</param>
/// <param name="InputIds">The prompt.</param>
/// <param name="Logits">Logits of the prompt's last position: of all ids, or of the most probable ones.</param>
/// <param name="GreedyIds">The ids that greedy decoding continues with.</param>
/// <param name="GreedyMargins">For each of them, how far its logit lies above the second best.</param>
public sealed record ReferenceCase(
    string Name,
    IReadOnlyList<int> InputIds,
    IReadOnlyList<ReferenceLogit> Logits,
    IReadOnlyList<int> GreedyIds,
    IReadOnlyList<float> GreedyMargins);

/// <summary>One logit of the reference.</summary>
/// <param name="Id">Whose.</param>
/// <param name="Value">How large.</param>
public readonly record struct ReferenceLogit(int Id, float Value);
