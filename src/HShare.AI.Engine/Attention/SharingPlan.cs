namespace HShare.AI.Engine.Attention;

/// <summary>What one KV head of one layer does about the critical tokens.</summary>
public enum HeadSharing
{
    /// <summary>It asks for itself: a leader.</summary>
    Retrieve,

    /// <summary>It reads the tokens that its leader chose, with its own keys and values (HShare).</summary>
    ShareIndices,

    /// <summary>It takes its leader's scores of distant tokens and keeps no distant keys (PoD, scores).</summary>
    ShareScores,

    /// <summary>It scores its leader's keys of distant tokens and keeps none of its own (PoD, keys).</summary>
    ShareKeys,
}

/// <summary>One KV head's part in a <see cref="SharingPlan"/>.</summary>
/// <param name="Sharing">What it does.</param>
/// <param name="Layer">Its leader's layer; its own where it is a leader.</param>
/// <param name="Head">Its leader's KV head; its own where it is a leader.</param>
public readonly record struct HeadRule(HeadSharing Sharing, int Layer, int Head);

/// <summary>
/// Who asks which tokens matter, and who borrows the answer: over layers and KV heads by a rule for each, over decode steps by the refresh
/// interval. A plan is data; the engine executes any plan that <see cref="Validate"/> accepts.
/// </summary>
public sealed record SharingPlan
{
    /// <summary>Transformer layers of the model it is for.</summary>
    public required int Layers { get; init; }

    /// <summary>KV heads of a layer.</summary>
    public required int KvHeads { get; init; }

    /// <summary>[layers * kv_heads]: the rule of KV head h of layer l at l * kv_heads + h.</summary>
    public required IReadOnlyList<HeadRule> Rules { get; init; }

    /// <summary>Leaders ask anew every so many decode steps of a sequence; 1 = at each.</summary>
    public int Interval { get; init; } = 1;

    /// <summary>
    /// How many tokens behind each chosen one (or each chosen page) are read with it: a head that copies reads one token further at each
    /// step, so
    /// a choice that serves for several steps must reach ahead. At least <see cref="Interval"/> - 1 to be safe.
    /// </summary>
    public int Dilation { get; init; }

    /// <summary>The first so many layers read everything.</summary>
    public int DenseLayers { get; init; }

    /// <summary>
    /// Fingerprint of the model it was calibrated on (<see cref="ModelFingerprint"/>), or null for a plan that fits any model of its shape.
    /// </summary>
    public string? Fingerprint { get; init; }

    /// <summary>The rule of a KV head.</summary>
    public HeadRule this[int layer, int head] => Rules[layer * KvHeads + head];

    /// <summary>Whether some head keeps no distant keys of its own.</summary>
    public bool SharesKeys => Rules.Any(rule => rule.Sharing is HeadSharing.ShareScores or HeadSharing.ShareKeys);

    /// <summary>A plan in which every head asks for itself at each step.</summary>
    public static SharingPlan Independent(int layers, int kvHeads) => new()
    {
        Layers = layers,
        KvHeads = kvHeads,
        Rules = [.. Enumerable.Range(
            0, layers * kvHeads).Select(unit => new HeadRule(HeadSharing.Retrieve, unit / kvHeads, unit % kvHeads))],
    };

    /// <summary>Checks that the plan is executable on a model of its shape.</summary>
    /// <exception cref="SharingPlanException">An entry breaks a rule; the message names the entry and the rule.</exception>
    public void Validate()
    {
        Require(Layers >= 1 && KvHeads >= 1, $"it is for {Layers} layers of {KvHeads} KV heads; both must be at least 1");
        Require(Rules.Count == Layers * KvHeads,
            $"it has {Rules.Count} rules, but {Layers} layers of {KvHeads} KV heads need {Layers * KvHeads}");
        Require(Interval is >= 1 and <= AttentionPreset.MostTokens, $"interval is {Interval}, but must be at least 1");
        Require(Dilation is >= 0 and <= AttentionPreset.MostTokens, $"dilation is {Dilation}, but must not be negative");
        Require(DenseLayers >= 0 && DenseLayers <= Layers, $"denseLayers is {DenseLayers}, but must lie between 0 and {Layers}");
        for (int layer = 0; layer < Layers; layer++)
        {
            for (int head = 0; head < KvHeads; head++)
                ValidateRule(layer, head);
        }
    }

    private void ValidateRule(int layer, int head)
    {
        string entry = $"layer {layer}, KV head {head}";
        HeadRule rule = this[layer, head];
        if (rule.Sharing == HeadSharing.Retrieve)
        {
            Require(rule.Layer == layer
                && rule.Head == head, $"{entry} asks for itself, but names layer {rule.Layer}, head {rule.Head} as its leader");
            return;
        }

        string leader = $"its leader, layer {rule.Layer}, KV head {rule.Head},";
        Require(Enum.IsDefined(rule.Sharing), $"{entry}: {(int)rule.Sharing} is no kind of sharing");
        Require((uint)rule.Layer < (uint)Layers && (uint)rule.Head < (uint)KvHeads, $"{entry}: {leader} does not exist");
        Require((rule.Layer, rule.Head) != (layer, head), $"{entry} shares with itself");
        Require(rule.Layer <= layer, $"{entry}: {leader} comes after it");
        Require(this[rule.Layer, rule.Head].Sharing == HeadSharing.Retrieve, $"{entry}: {leader} is itself a follower");
        Require(layer < DenseLayers || rule.Layer >= DenseLayers, $"{entry}: {leader} lies in the dense layers, which choose nothing");
        if (rule.Sharing is HeadSharing.ShareScores or HeadSharing.ShareKeys)
        {
            Require(
                rule.Head == head && rule.Layer < layer, $"{entry} shares {(rule.Sharing == HeadSharing.ShareKeys ? "keys" : "scores")}, "
                + $"so its leader must be KV head {head} of an earlier layer, not layer {rule.Layer}, head {rule.Head}");
        }
    }

    private static void Require(bool valid, string problem)
    {
        if (!valid)
            throw new SharingPlanException($"The sharing plan cannot be used: {problem}.");
    }
}

/// <summary>A sharing plan, or the calibration it is made from, is damaged, breaks a rule, or belongs to another model.</summary>
public sealed class SharingPlanException : HShareException
{
    /// <summary>An error with the entry at fault and what to do.</summary>
    public SharingPlanException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
