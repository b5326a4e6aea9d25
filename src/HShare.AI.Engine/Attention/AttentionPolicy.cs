namespace HShare.AI.Engine.Attention;

/// <summary>A preset made ready for one model: its sharing plan is there, and every setting has a value.</summary>
public sealed class AttentionPolicy
{
    private readonly int[] _askingHeads; // [layers]

    /// <summary>A policy.</summary>
    /// <param name="preset">What was asked for.</param>
    /// <param name="plan">Who asks and who borrows; valid.</param>
    /// <param name="labelChannels">Channels that the label-channel retriever reads; 0 where it is not used.</param>
    public AttentionPolicy(AttentionPreset preset, SharingPlan plan, int labelChannels = 0)
    {
        ArgumentNullException.ThrowIfNull(preset);
        ArgumentNullException.ThrowIfNull(plan);
        plan.Validate();
        Preset = preset;
        Plan = plan;
        LabelChannels = labelChannels;
        _askingHeads = [.. Enumerable.Range(0, plan.Layers)
            .Select(layer => Enumerable.Range(0, plan.KvHeads).Count(head => Asks(layer, head)))];
    }

    /// <summary>What was asked for.</summary>
    public AttentionPreset Preset { get; }

    /// <summary>Who asks and who borrows.</summary>
    public SharingPlan Plan { get; }

    /// <summary>Channels that the label-channel retriever reads; 0 where it is not used.</summary>
    public int LabelChannels { get; }

    /// <summary>Tokens that a query reads; null = all.</summary>
    public TokenBudget? Budget => Preset.Budget;

    /// <summary>How critical tokens are found.</summary>
    public Retriever Retriever => Preset.Retriever;

    /// <summary>Whether every token is read with every head's own keys.</summary>
    public bool IsFull => Budget is null && Preset.Distant is null;

    /// <summary>Whether a layer reads everything under a budget too.</summary>
    public bool IsDense(int layer) => Budget is null || layer < Plan.DenseLayers;

    /// <summary>Whether a KV head chooses critical tokens.</summary>
    public bool Asks(int layer, int head) =>
        !IsDense(layer) && Retriever != Retriever.None && Plan[layer, head].Sharing == HeadSharing.Retrieve;

    /// <summary>How many KV heads of a layer choose critical tokens.</summary>
    public int AskingHeads(int layer) => _askingHeads[layer];

    /// <summary>The unit (layer * kv_heads + head) whose choice a KV head reads.</summary>
    public int SourceOf(int layer, int head) => Plan[layer, head].Layer * Plan.KvHeads + Plan[layer, head].Head;
}
