using System.Numerics;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Scheduling;

/// <summary>
/// Who may use whose cached prompt blocks. Sharing saves work; it also lets timing tell one user what another asked before.
/// </summary>
public enum PrefixSharing
{
    /// <summary>Every request shares with every other.</summary>
    Shared,

    /// <summary>Requests with the same <see cref="GenerationRequest.CacheKey"/> share.</summary>
    PerKey,

    /// <summary>No prefix is reused.</summary>
    Off,
}

/// <summary>Limits of an <see cref="InferenceEngine"/>.</summary>
public sealed record EngineOptions
{
    /// <summary>
    /// Most tokens of a sequence, prompt and output together; null = the model's context length, or what the KV cache holds
    /// where that is less.
    /// </summary>
    public int? MaxContext { get; init; }

    /// <summary>Most sequences that run side by side.</summary>
    public int MaxBatch { get; init; } = 16;

    /// <summary>Most rows of a step: decode rows and prefill chunks together. Smaller = smoother streaming beside long prompts.</summary>
    public int MaxStepRows { get; init; } = 512;

    /// <summary>Tokens of one cache block: a power of two from 16 to 1024.</summary>
    public int BlockSize { get; init; } = 32;

    /// <summary>
    /// Bytes of the KV cache; null = room for <see cref="MaxBatch"/> full contexts, but at most <see cref="Backend.MemoryForCache"/>.
    /// </summary>
    public long? KvCacheBytes { get; init; }

    /// <summary>Element type of the KV cache, one of <see cref="Backend.CacheTypes"/>; null = the first of them.</summary>
    public DType? KvCacheType { get; init; }

    /// <summary>
    /// Most requests that wait while <see cref="MaxBatch"/> run: one more than both together is refused with
    /// <see cref="QueueFullException"/>.
    /// </summary>
    public int QueueLength { get; init; } = 64;

    /// <summary>Longest time of a request from submission to its last token; null = no limit.</summary>
    public TimeSpan? RequestTimeLimit { get; init; }

    /// <summary>Who may use whose cached prompt blocks.</summary>
    public PrefixSharing PrefixSharing { get; init; } = PrefixSharing.Shared;

    /// <summary>
    /// How requests attend that do not say it themselves. Its sharing of distant keys (PoD) fixes what the cache stores, for every request.
    /// </summary>
    public AttentionPreset Attention { get; init; } = AttentionPreset.Full;

    /// <summary>
    /// Other presets that requests may ask for: what their retrievers need is kept beside the keys from the start. A preset that needs no
    /// more than
    /// these and <see cref="Attention"/> do can be asked for without being named here.
    /// </summary>
    public IReadOnlyList<AttentionPreset> AttentionPresets { get; init; } = [];

    /// <summary>Whether requests may ask which tokens were attended to most (<see cref="GenerationRequest.TracksReads"/>).</summary>
    public bool TracksReads { get; init; }

    /// <summary>Checks every option's range.</summary>
    /// <exception cref="ArgumentException">An option is out of range, or does not fit the model; the message names it.</exception>
    internal void Validate(ModelConfig model, Backend backend)
    {
        Require(MaxContext is null or >= 2, MaxContext, nameof(MaxContext), "must be at least 2: a token of prompt and one of output");
        Require(MaxContext is null || MaxContext <= model.ContextLength, MaxContext, nameof(MaxContext),
            $"is more than the {model.ContextLength} positions the model was made for");
        Require(MaxBatch >= 1, MaxBatch, nameof(MaxBatch), "must be at least 1");
        Require(MaxStepRows >= MaxBatch, MaxStepRows, nameof(MaxStepRows),
            $"must be at least MaxBatch ({MaxBatch}), so that every running sequence can decode in each step");
        Require(BlockSize is >= 16 and <= 1024 && BitOperations.IsPow2(BlockSize), BlockSize, nameof(BlockSize),
            "must be a power of two from 16 to 1024");
        Require(KvCacheBytes is null or > 0, KvCacheBytes, nameof(KvCacheBytes), "must be positive");
        Require(KvCacheType is null || backend.CacheTypes.Contains(KvCacheType.Value), KvCacheType, nameof(KvCacheType),
            $"must be one of {string.Join(", ", backend.CacheTypes)} on {backend.Description}");
        Require(QueueLength >= 0, QueueLength, nameof(QueueLength), "must not be negative");
        Require(RequestTimeLimit is null || RequestTimeLimit > TimeSpan.Zero, RequestTimeLimit, nameof(RequestTimeLimit),
            "must be positive");
        ArgumentNullException.ThrowIfNull(Attention);
        ArgumentNullException.ThrowIfNull(AttentionPresets);
        Require(Enum.IsDefined(PrefixSharing), PrefixSharing, nameof(PrefixSharing), "must be Shared, PerKey or Off");
    }

    private static void Require(bool valid, object? value, string name, string rule)
    {
        if (!valid)
            throw new ArgumentOutOfRangeException(name, value, $"{name} {rule}.");
    }
}
