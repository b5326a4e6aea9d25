namespace HShare.AI.Engine.Attention;

/// <summary>How a sharing plan is made from a model's calibration.</summary>
public enum SharingPlanner
{
    /// <summary>By the attention mass that a follower recovers at its leader's tokens, over layers with dynamic programming.</summary>
    Mass,

    /// <summary>By the overlap of chosen tokens, with the HShare paper's greedy algorithm.</summary>
    Greedy,
}

/// <summary>Which keys or scores followers take from their leaders for distant tokens, and which tokens are distant (PoD).</summary>
/// <param name="Scores">Whether they take scores; else they score the leader's keys with queries of their own.</param>
/// <param name="Sinks">First tokens of which every head keeps its own keys.</param>
/// <param name="Recent">Most recent tokens of which every head keeps its own keys.</param>
/// <param name="Threshold">
/// Similarity, 0 to 1, that all layers of a block must have with each other: 1 minus the Jensen-Shannon divergence of their attention. Not
/// used where
/// the layers' sharing ratio makes the blocks (hshare+pod) or a plan is given.
/// </param>
public sealed record DistantAttention(bool Scores, int Sinks, int Recent, double Threshold);

/// <summary>
/// A way to attend, by name: a <see cref="TokenBudget"/>, a <see cref="Engine.Attention.Retriever"/> and how a <see cref="SharingPlan"/> is
/// come by.
/// Presets only combine these; <see cref="Parse"/> reads them from text such as <c>hshare:1/2-1-1/4,budget=512,retriever=pages</c>.
/// </summary>
public sealed record AttentionPreset
{
    /// <summary>Tokens read by a sparse preset where nothing else is said.</summary>
    public const int DefaultBudget = 512;

    /// <summary>Most tokens of any setting: beyond every context, and far from where sums overflow.</summary>
    internal const int MostTokens = 1 << 24;

    private AttentionPreset(string name) => Name = name;

    /// <summary>Every token is read: the plain attention of the model.</summary>
    public static AttentionPreset Full { get; } = new("full");

    /// <summary>Name of the method: full, streaming-llm, h2o, quest, double-sparse, hshare, pod or hshare+pod.</summary>
    public string Name { get; }

    /// <summary>Tokens that a query reads; null = all.</summary>
    public TokenBudget? Budget { get; private init; }

    /// <summary>How critical tokens are found.</summary>
    public Retriever Retriever { get; private init; }

    /// <summary>Fractions of layers, heads and steps that select for themselves.</summary>
    public SharingRatios Ratios { get; private init; } = new(SharingRatio.One, SharingRatio.One, SharingRatio.One);

    /// <summary>Tokens read behind each chosen one; null = as many as a choice serves steps beyond its own.</summary>
    public int? Dilation { get; private init; }

    /// <summary>The first so many layers read everything.</summary>
    public int DenseLayers { get; private init; }

    /// <summary>How the plan is made.</summary>
    public SharingPlanner Planner { get; private init; }

    /// <summary>A plan's file, to be used instead of making one; relative to the model's folder. Null = none.</summary>
    public string? PlanFile { get; private init; }

    /// <summary>Channels of a key that the label-channel retriever keeps; 0 = a quarter of them.</summary>
    public int LabelChannels { get; private init; }

    /// <summary>Sharing of distant keys or scores (PoD), or null.</summary>
    public DistantAttention? Distant { get; private init; }

    /// <summary>StreamingLLM (2023): the first tokens and the most recent ones, at their original positions.</summary>
    /// <param name="budget">Tokens read in all.</param>
    /// <param name="sinks">Of these, the first ones.</param>
    /// <exception cref="ArgumentOutOfRangeException">The budget leaves no window.</exception>
    public static AttentionPreset StreamingLlm(int budget = DefaultBudget, int sinks = 4)
    {
        if (sinks < 0 || budget <= sinks)
            throw new ArgumentOutOfRangeException(nameof(budget), budget, $"streaming-llm with {sinks} sinks needs a larger budget.");
        return new AttentionPreset("streaming-llm") { Budget = new TokenBudget(sinks, budget - sinks, budget), Retriever = Retriever.None };
    }

    /// <summary>
    /// H2O (2023): the tokens that got most attention so far, and the most recent ones, half of the budget each. What is dropped is lost.
    /// </summary>
    /// <param name="budget">Tokens read in all.</param>
    /// <exception cref="ArgumentOutOfRangeException">The budget is below 2.</exception>
    public static AttentionPreset H2O(int budget = DefaultBudget)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(budget, 2);
        return new AttentionPreset("h2o") { Budget = new TokenBudget(0, budget / 2, budget), Retriever = Retriever.Accumulated };
    }

    /// <summary>Quest (2024): the pages of 16 tokens whose key bounds promise most, chosen anew by every KV head at each step.</summary>
    public static AttentionPreset Quest(TokenBudget? budget = null, int denseLayers = 0) =>
        Sparse("quest", budget, Retriever.PageBounds, denseLayers);

    /// <summary>
    /// DoubleSparse (2024): the tokens that score best over a few label channels, chosen anew by every KV head at each step.
    /// </summary>
    public static AttentionPreset DoubleSparse(TokenBudget? budget = null, int labelChannels = 0, int denseLayers = 0) =>
        Sparse("double-sparse", budget, Retriever.LabelChannels, denseLayers) with
        {
            LabelChannels = NotNegative(labelChannels, nameof(labelChannels)),
        };

    /// <summary>HShare (2025): critical tokens shared across layers, heads and decode steps.</summary>
    /// <param name="ratios">Fractions of layers, heads and steps that select for themselves.</param>
    /// <param name="budget">Tokens read; null = <see cref="DefaultBudget"/> with 16 sinks and a window of 64.</param>
    /// <param name="retriever">How critical tokens are found.</param>
    /// <param name="dilation">Tokens read behind each chosen one; null = as many as a choice serves steps beyond its own; 0 = the paper's
    /// way.</param>
    /// <param name="planner">How the plan is made.</param>
    /// <param name="planFile">A plan to use instead; its own interval, dilation and dense layers then count.</param>
    /// <param name="denseLayers">The first so many layers read everything.</param>
    /// <param name="labelChannels">Channels for the label-channel retriever; 0 = a quarter.</param>
    /// <exception cref="ArgumentException">The retriever cannot be shared over steps, or a number is negative.</exception>
    public static AttentionPreset HShare(
        SharingRatios? ratios = null,
        TokenBudget? budget = null,
        Retriever retriever = Retriever.PageBounds,
        int? dilation = null,
        SharingPlanner planner = SharingPlanner.Mass,
        string? planFile = null,
        int denseLayers = 0,
        int labelChannels = 0)
    {
        if (retriever is not (Retriever.Exact or Retriever.LabelChannels or Retriever.PageBounds))
            throw new ArgumentException($"hshare finds tokens by pages, labels or exact scores, not by {retriever}.", nameof(retriever));
        if (labelChannels > 0 && retriever != Retriever.LabelChannels)
            throw new ArgumentException($"channels are for the labels retriever, not for {retriever}.", nameof(labelChannels));
        if (dilation is { } tokens)
            NotNegative(tokens, nameof(dilation));
        if (planFile is not null
            && (ratios is not null || dilation is not null || denseLayers > 0 || planner != SharingPlanner.Mass || planFile.Contains(',')))
        {
            throw new ArgumentException(
                "A plan's file brings its own ratios, dilation, dense layers and planner: give none of them. Its path must hold no comma.",
                nameof(planFile));
        }

        return Sparse("hshare", budget, retriever, denseLayers) with
        {
            Ratios = ratios ?? AttentionPresetText.DefaultRatios,
            Dilation = dilation,
            Planner = planner,
            PlanFile = planFile,
            LabelChannels = NotNegative(labelChannels, nameof(labelChannels)),
        };
    }

    /// <summary>Proximal over distant (2024): every token is read, but follower heads keep no keys of distant ones.</summary>
    /// <param name="distant">What is shared; null = keys, 16 sinks, 496 recent tokens, threshold 0.5.</param>
    /// <param name="planFile">A plan to use instead of blocks by the threshold.</param>
    /// <exception cref="ArgumentException">Sinks or recent tokens are out of range.</exception>
    public static AttentionPreset Pod(DistantAttention? distant = null, string? planFile = null) =>
        new("pod") { Distant = Checked(distant ?? new(false, 16, 496, 0.5)), PlanFile = planFile };

    /// <summary>
    /// Both: a follower layer reads its leader's critical tokens with its leader's scores or keys, and keeps no distant keys.
    /// </summary>
    /// <param name="hshare">A preset made with <see cref="HShare"/>.</param>
    /// <param name="distant">What is shared; null = scores, 16 sinks, 496 recent tokens.</param>
    /// <exception cref="ArgumentException">Sinks or recent tokens are out of range.</exception>
    public static AttentionPreset HSharePod(AttentionPreset hshare, DistantAttention? distant = null)
    {
        ArgumentNullException.ThrowIfNull(hshare);
        return new AttentionPreset("hshare+pod")
        {
            Budget = hshare.Budget,
            Retriever = hshare.Retriever,
            Ratios = hshare.Ratios,
            Dilation = hshare.Dilation,
            DenseLayers = hshare.DenseLayers,
            Planner = hshare.Planner,
            PlanFile = hshare.PlanFile,
            LabelChannels = hshare.LabelChannels,
            Distant = Checked(distant ?? new(true, 16, 496, 0)),
        };
    }

    /// <summary>Reads a preset.</summary>
    /// <param name="text">Such as <c>full</c>, <c>quest:budget=1/8</c> or <c>hshare:1/2-1-1/4,budget=512,retriever=labels</c>.</param>
    /// <exception cref="ArgumentException">The text is no preset; the message names the part at fault and what is known.</exception>
    public static AttentionPreset Parse(string text) => AttentionPresetText.Parse(text);

    /// <summary>The text that <see cref="Parse"/> reads back, every setting named.</summary>
    public override string ToString() => AttentionPresetText.Write(this);

    private static AttentionPreset Sparse(string name, TokenBudget? budget, Retriever retriever, int denseLayers)
    {
        TokenBudget tokens = budget ?? new TokenBudget(16, 64, DefaultBudget);
        if (tokens.Sinks is < 0 or > MostTokens || tokens.Window is < 1 or > MostTokens || tokens.Share is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(budget), tokens, $"{name} needs 0 to {MostTokens} sinks, a window of 1 to {MostTokens} and a share up to 1.");
        }

        if (tokens.Share == 0 && tokens.Total < tokens.Sinks + tokens.Window + 32)
        {
            throw new ArgumentOutOfRangeException(
                nameof(budget), tokens, $"{name} with {tokens.Sinks} sinks and a window of {tokens.Window} needs a budget of at least "
                + $"{tokens.Sinks + tokens.Window + 32} tokens.");
        }

        return new AttentionPreset(name)
        {
            Budget = tokens,
            Retriever = retriever,
            DenseLayers = NotNegative(denseLayers, nameof(denseLayers)),
        };
    }

    private static DistantAttention Checked(DistantAttention distant)
    {
        NotNegative(distant.Sinks, nameof(distant));
        ArgumentOutOfRangeException.ThrowIfLessThan(distant.Recent, 1, nameof(distant));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(distant.Recent, MostTokens, nameof(distant));
        if (distant.Threshold is not (>= 0 and <= 1))
            throw new ArgumentOutOfRangeException(
                nameof(distant), distant.Threshold, "The threshold of similarity must lie between 0 and 1.");
        return distant;
    }

    private static int NotNegative(int value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MostTokens, name);
        return value;
    }
}
