using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Scheduling;

/// <summary>
/// Runs requests on one model with continuous batching. One owner thread calls the backend; any number of callers submit.
/// All members are thread-safe.
/// </summary>
public sealed class InferenceEngine : IAsyncDisposable
{
    /// <summary>Allocates the cache and starts the owner thread. The engine owns the model and disposes it.</summary>
    /// <exception cref="ArgumentException">An option is out of range, or does not fit the model.</exception>
    /// <exception cref="InsufficientMemoryException">The cache does not fit the memory.</exception>
    public InferenceEngine(LanguageModel model, EngineOptions options) => throw new NotImplementedException();

    /// <summary>The model.</summary>
    public LanguageModel Model => throw new NotImplementedException();

    /// <summary>Its limits, with every default filled in.</summary>
    public EngineOptions Options => throw new NotImplementedException();

    /// <summary>Queues a request.</summary>
    /// <exception cref="ArgumentException">The request is not valid (no prompt, an id outside the vocabulary, a parameter out of range).</exception>
    /// <exception cref="PromptTooLongException">Prompt and requested output do not fit.</exception>
    /// <exception cref="QueueFullException">Too many requests wait already.</exception>
    /// <exception cref="EngineStoppedException">The engine is stopping or has failed.</exception>
    public Generation Submit(GenerationRequest request) => throw new NotImplementedException();

    /// <summary>A snapshot of what the engine is doing.</summary>
    public EngineStatistics GetStatistics() => throw new NotImplementedException();

    /// <summary>Takes no new requests, lets those that run or wait finish, and ends what is left after <paramref name="limit"/> with <see cref="EngineStoppedException"/>.</summary>
    public Task StopAsync(TimeSpan limit) => throw new NotImplementedException();

    /// <summary>Stops at once and frees the model.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

/// <summary>A snapshot of an engine.</summary>
/// <param name="Waiting">Requests that wait for a place in the batch.</param>
/// <param name="Running">Sequences in the batch.</param>
/// <param name="TotalBlocks">Cache blocks in the pool.</param>
/// <param name="FreeBlocks">Blocks no sequence uses (those kept for prefix hits included).</param>
/// <param name="CachedBlocks">Free blocks that still hold a reusable prefix.</param>
/// <param name="PrefillTokens">Prompt tokens computed since the start.</param>
/// <param name="CachedTokens">Prompt tokens found in the prefix cache since the start.</param>
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
    long Steps);
