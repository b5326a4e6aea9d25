using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Scheduling;

/// <summary>
/// The attention policies of an engine's requests: presets made ready for its model, and checked against what the engine keeps for them.
/// Thread-safe.
/// </summary>
internal sealed class AttentionPolicies
{
    private const int MostCached = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, AttentionPolicy> _byText = [];
    private readonly AttentionPolicyFactory _factory;
    private readonly AttentionPolicy _default;
    private readonly int _maxContext;

    /// <summary>Makes the policies that an engine's options name.</summary>
    /// <exception cref="ArgumentException">A preset does not fit the model, or two of them store different keys.</exception>
    /// <exception cref="SharingPlanException">A plan or the model's calibration is damaged or belongs to another model.</exception>
    public AttentionPolicies(LanguageModel model, EngineOptions options)
    {
        _factory = new AttentionPolicyFactory(model.Config, model.Directory);
        _maxContext = options.MaxContext ?? model.Config.ContextLength;
        _default = _factory.Create(options.Attention);
        AttentionPolicy[] named = [_default, .. options.AttentionPresets.Select(_factory.Create)];
        Needs = AttentionNeeds.Of(named, _maxContext, options.TracksReads);
        foreach (AttentionPolicy policy in named)
        {
            Check(policy);
            _byText[policy.Preset.ToString()] = policy;
        }

        int labels = Needs.LabelChannels;
        LabelChannels = labels == 0 ? [] : _factory.LabelChannels(labels);
    }

    /// <summary>What the engine keeps for them.</summary>
    public AttentionNeeds Needs { get; }

    /// <summary>[layers * kv_heads][channels]: the channels kept as labels; empty = none.</summary>
    public IReadOnlyList<IReadOnlyList<int>> LabelChannels { get; }

    /// <summary>The policy of a request.</summary>
    /// <param name="preset">What it asks for; null = the engine's default.</param>
    /// <exception cref="ArgumentException">The engine does not keep what the preset needs; the message says which option adds
    /// it.</exception>
    public AttentionPolicy Get(AttentionPreset? preset)
    {
        if (preset is null || preset == _default.Preset)
            return _default;

        string text = preset.ToString();
        lock (_gate)
        {
            if (_byText.TryGetValue(text, out AttentionPolicy? known))
                return known;
        }

        AttentionPolicy policy = _factory.Create(preset);
        Check(policy);
        lock (_gate)
        {
            if (_byText.Count < MostCached)
                _byText[text] = policy;
        }

        return policy;
    }

    private void Check(AttentionPolicy policy)
    {
        string preset = policy.Preset.ToString();
        KeySharing? sharing = AttentionNeeds.KeySharingOf(policy);
        Require(
            Stores(sharing, Needs.KeySharing),
            $"Attention '{preset}' stores {Describe(sharing)}, but this engine {Describe(Needs.KeySharing)}. What is stored is fixed when the model is "
            + "loaded: set EngineOptions.Attention to it.");
        if (policy.Budget is null)
            return;

        int critical = AttentionNeeds.CriticalOf(policy, _maxContext);
        Require(
            Needs.Retrievers.Contains(policy.Retriever) || policy.Retriever is Retriever.None && Needs.Retrievers.Count > 0,
            $"Attention '{preset}' needs what this engine does not keep ({policy.Retriever}). Name it in EngineOptions.AttentionPresets.");
        Require(
            policy.Retriever != Retriever.LabelChannels || policy.LabelChannels == Needs.LabelChannels,
            $"Attention '{preset}' reads {policy.LabelChannels} label channels, but this engine keeps {Needs.LabelChannels}.");
        Require(
            critical <= Needs.Critical || policy.Retriever == Retriever.None,
            $"Attention '{preset}' may choose {critical} tokens, but this engine keeps room for {Needs.Critical}. Name it in "
            + "EngineOptions.AttentionPresets.");
    }

    private static bool Stores(KeySharing? a, KeySharing? b) => (a, b) switch
    {
        (null, null) => true,
        ({ } x, { } y) => x.Sinks == y.Sinks && x.Recent == y.Recent && Enumerable.Range(0, x.Plan.Rules.Count).All(unit =>
            Distant(x, unit) == Distant(y, unit)),
        _ => false,
    };

    private static HeadRule? Distant(KeySharing sharing, int unit) =>
        sharing.Plan.Rules[unit] is { Sharing: HeadSharing.ShareKeys or HeadSharing.ShareScores } rule ? rule : null;

    private static string Describe(KeySharing? sharing) => sharing is null
        ? "all keys"
        : $"the keys of {sharing.FollowerCount} heads for {sharing.Sinks}+{sharing.Recent} proximal tokens only";

    private static void Require(bool valid, string problem)
    {
        if (!valid)
            throw new ArgumentException(problem);
    }
}
