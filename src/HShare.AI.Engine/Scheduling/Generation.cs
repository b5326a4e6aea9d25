using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace HShare.AI.Engine.Scheduling;

/// <summary>
/// One request in flight, as its caller sees it. Read <see cref="ReadAllAsync"/> once; disposing it, or leaving the loop early, gives
/// its cache blocks back. All members are thread-safe.
/// </summary>
public sealed class Generation : IAsyncDisposable
{
    // Without a bound of its own, so that a slow reader never holds up the batch; the output limit bounds it.
    private readonly Channel<GeneratedToken> _tokens = Channel.CreateUnbounded<GeneratedToken>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RequestInbox _inbox;
    private readonly long _submitted = Stopwatch.GetTimestamp();
    private long _begun; // Stopwatch ticks; 0 = not yet
    private long _firstToken;
    private KvReads _reads;
    private int _cachedPromptTokens;
    private int _prefilledTokens;
    private bool _abandoned;
    private bool _read;

    /// <summary>A generation that has not begun.</summary>
    /// <param name="promptTokens">Tokens of the prompt.</param>
    /// <param name="inbox">Wakes the owner thread.</param>
    internal Generation(int promptTokens, RequestInbox inbox)
    {
        PromptTokens = promptTokens;
        _inbox = inbox;
    }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens { get; }

    /// <summary>Prompt tokens whose keys and values were found in the prefix cache.</summary>
    public int CachedPromptTokens => Volatile.Read(ref _cachedPromptTokens);

    /// <summary>
    /// Prompt tokens read so far, cached ones included. Grows to <see cref="PromptTokens"/> before the first token comes.
    /// </summary>
    public int PrefilledTokens => Volatile.Read(ref _prefilledTokens);

    /// <summary>Time from submission to the start of the first step that computed some of it; null while it waits.</summary>
    public TimeSpan? QueueTime => SinceSubmission(ref _begun);

    /// <summary>Time from submission to its first token; null before that.</summary>
    public TimeSpan? TimeToFirstToken => SinceSubmission(ref _firstToken);

    /// <summary>What its decode steps have read of the KV cache so far.</summary>
    public KvReads Reads
    {
        get
        {
            lock (_tokens)
                return _reads;
        }
    }

    /// <summary>
    /// Attention that each token of the context has got from the answer, summed over layers, KV heads and decode steps; null until the
    /// generation has ended, and
    /// where it was not asked for.
    /// </summary>
    public IReadOnlyList<float>? ReadsMass { get => Volatile.Read(ref field); internal set => Volatile.Write(ref field, value); }

    /// <summary>Adds what a decode step has read.</summary>
    internal void Add(KvReads reads)
    {
        lock (_tokens)
            _reads += reads;
    }

    /// <summary>Whether the caller wants no more of it.</summary>
    internal bool IsAbandoned => Volatile.Read(ref _abandoned);

    /// <summary>The tokens as they are generated. The last one has its <see cref="GeneratedToken.End"/> set.</summary>
    /// <exception cref="InvalidOperationException">The tokens are read, or have been read, already.</exception>
    /// <exception cref="OperationCanceledException">
    /// <paramref name="cancellationToken"/> was cancelled, or the generation was disposed.
    /// </exception>
    /// <exception cref="EngineStoppedException">The engine stopped or failed.</exception>
    /// <exception cref="RequestTimeLimitException">The request ran into the engine's time limit.</exception>
    /// <exception cref="InvalidLogitsException">The model computed no number for the next token.</exception>
    /// <exception cref="ConstraintException">The vocabulary cannot write what the constraint demands next.</exception>
    public async IAsyncEnumerable<GeneratedToken> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _read, true))
            throw new InvalidOperationException("The tokens of a generation can be read once only.");

        try
        {
            // Registered, so that a cancelled request ends at once also while its reader is busy elsewhere.
            using CancellationTokenRegistration registration =
                cancellationToken.UnsafeRegister(static state => ((Generation)state!).Abandon(), this);
            while (await _tokens.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                while (_tokens.Reader.TryRead(out GeneratedToken token))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    yield return token;
                }
            }
        }
        finally
        {
            await DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Ends the request and waits until its cache blocks are back.</summary>
    public ValueTask DisposeAsync()
    {
        Abandon();
        return new ValueTask(_released.Task);
    }

    /// <summary>Notes that a step computes some of it: the first one ends its waiting.</summary>
    internal void Begin() => Note(ref _begun);

    /// <summary>Reports how much of the prompt has been read.</summary>
    internal void Report(int prefilledTokens, int cachedTokens)
    {
        Volatile.Write(ref _cachedPromptTokens, cachedTokens);
        Volatile.Write(ref _prefilledTokens, prefilledTokens);
    }

    /// <summary>Hands a token to the reader.</summary>
    internal void Emit(GeneratedToken token)
    {
        Note(ref _firstToken);
        _tokens.Writer.TryWrite(token);
    }

    /// <summary>Ends the stream of tokens, with an error or without. The cache blocks are back by now.</summary>
    internal void Complete(Exception? error)
    {
        _tokens.Writer.TryComplete(error);
        _released.TrySetResult();
    }

    private static void Note(ref long timestamp)
    {
        if (timestamp == 0) // the owner thread alone writes it
            Volatile.Write(ref timestamp, Stopwatch.GetTimestamp());
    }

    private TimeSpan? SinceSubmission(ref long timestamp) =>
        Volatile.Read(ref timestamp) is var at and not 0 ? Stopwatch.GetElapsedTime(_submitted, at) : null;

    private void Abandon()
    {
        if (_released.Task.IsCompleted)
            return;

        Volatile.Write(ref _abandoned, true);
        _inbox.Wake();
    }
}
