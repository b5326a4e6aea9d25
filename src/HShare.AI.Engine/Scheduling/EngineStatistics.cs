namespace HShare.AI.Engine.Scheduling;

/// <summary>A snapshot of an engine.</summary>
/// <param name="Waiting">Requests that wait for a place in the batch.</param>
/// <param name="Running">Sequences in the batch.</param>
/// <param name="TotalBlocks">Cache blocks in the pool.</param>
/// <param name="FreeBlocks">Blocks no sequence uses (those kept for prefix hits included).</param>
/// <param name="CachedBlocks">Free blocks that still hold a reusable prefix.</param>
/// <param name="PrefillTokens">Tokens computed by prefill since the start: of prompts, and again after a preemption.</param>
/// <param name="CachedTokens">Tokens found in the prefix cache instead, since the start.</param>
/// <param name="GeneratedTokens">Tokens generated since the start.</param>
/// <param name="Preemptions">How often a sequence lost its blocks and was computed again.</param>
/// <param name="Steps">Forward passes since the start.</param>
public readonly record struct EngineStatistics(
    int Waiting,
    int Running,
    int TotalBlocks,
    int FreeBlocks,
    int CachedBlocks,
    long PrefillTokens,
    long CachedTokens,
    long GeneratedTokens,
    long Preemptions,
    long Steps)
{
    /// <summary>What decode steps have read of the KV cache since the start.</summary>
    public KvReads Reads { get; init; }

    /// <summary>Blocks of proximal keys in their pool; 0 where every head keeps all keys.</summary>
    public int ProximalBlocks { get; init; }

    /// <summary>Blocks of proximal keys that no sequence uses.</summary>
    public int FreeProximalBlocks { get; init; }
}
