namespace HShare.AI.Engine.Scheduling;

/// <summary>Who may use whose cached prompt blocks. Sharing saves work; it also lets timing tell one user what another asked before.</summary>
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
    /// <summary>Most tokens of a sequence, prompt and output together; null = the model's context length.</summary>
    public int? MaxContext { get; init; }

    /// <summary>Most sequences that run side by side.</summary>
    public int MaxBatch { get; init; } = 16;

    /// <summary>Most rows of a step: decode rows and prefill chunks together. Smaller = smoother streaming beside long prompts.</summary>
    public int MaxStepRows { get; init; } = 512;

    /// <summary>Tokens of one cache block.</summary>
    public int BlockSize { get; init; } = 32;

    /// <summary>Bytes of the KV cache; null = room for <see cref="MaxBatch"/> full contexts, but at most a quarter of the memory available.</summary>
    public long? KvCacheBytes { get; init; }

    /// <summary>Element type of the KV cache.</summary>
    public Compute.DType KvCacheType { get; init; } = Compute.DType.Float32;

    /// <summary>Most requests that wait for a place in the batch; one more is refused with <see cref="QueueFullException"/>.</summary>
    public int QueueLength { get; init; } = 64;

    /// <summary>Longest time of a request from submission to its last token; null = no limit.</summary>
    public TimeSpan? RequestTimeLimit { get; init; }

    /// <summary>Who may use whose cached prompt blocks.</summary>
    public PrefixSharing PrefixSharing { get; init; } = PrefixSharing.Shared;
}
