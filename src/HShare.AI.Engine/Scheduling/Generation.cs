namespace HShare.AI.Engine.Scheduling;

/// <summary>One request in flight. Read <see cref="ReadAllAsync"/> once; disposing it, or leaving the loop early, gives its cache blocks back.</summary>
public sealed class Generation : IAsyncDisposable
{
    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens => throw new NotImplementedException();

    /// <summary>Prompt tokens whose keys and values were found in the prefix cache.</summary>
    public int CachedPromptTokens => throw new NotImplementedException();

    /// <summary>Prompt tokens read so far, cached ones included. Grows to <see cref="PromptTokens"/> before the first token comes.</summary>
    public int PrefilledTokens => throw new NotImplementedException();

    /// <summary>The tokens as they are generated. The last one has its <see cref="GeneratedToken.End"/> set.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    /// <exception cref="EngineStoppedException">The engine stopped or failed.</exception>
    /// <exception cref="RequestTimeLimitException">The request ran into the engine's time limit.</exception>
    public IAsyncEnumerable<GeneratedToken> ReadAllAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Ends the request and waits until its cache blocks are back.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
