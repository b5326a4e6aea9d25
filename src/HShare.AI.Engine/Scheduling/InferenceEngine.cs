using System.Diagnostics;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Models;

namespace HShare.AI.Engine.Scheduling;

/// <summary>
/// Runs requests on one model with continuous batching. One owner thread calls the backend; any number of callers submit.
/// All members are thread-safe.
/// </summary>
public sealed class InferenceEngine : IAsyncDisposable
{
    private const int WarmUpTokens = 1024;

    private readonly AttentionPolicies _policies;
    private readonly EngineSizing _sizing;
    private readonly RequestInbox _inbox;
    private readonly EngineLoop _loop;
    private bool _disposed;

    /// <summary>
    /// Allocates the cache and starts the owner thread. The engine owns the model from here on and disposes it; where this throws,
    /// the model stays the caller's.
    /// </summary>
    /// <exception cref="ArgumentException">An option is out of range, or does not fit the model.</exception>
    /// <exception cref="SharingPlanException">A sharing plan or the model's calibration is damaged or belongs to another model.</exception>
    /// <exception cref="InsufficientMemoryException">The cache does not fit the memory.</exception>
    public InferenceEngine(LanguageModel model, EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate(model.Config, model.Backend);
        options = options with { KvCacheType = options.KvCacheType ?? model.Backend.CacheTypes[0] };
        _policies = new AttentionPolicies(model, options);
        _sizing = EngineSizing.Resolve(
            options, model.Config, model.Backend.MemoryForCache, _policies.Needs, _policies.LabelChannels);
        _inbox = new RequestInbox(_sizing.Options);
        _loop = new EngineLoop(new StepRunner(model, _sizing, _policies.Needs), _sizing, _inbox, model.Name);
        Model = model;
    }

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>Its limits, with every default filled in.</summary>
    public EngineOptions Options => _sizing.Options;

    /// <summary>
    /// The error of the backend or the scheduler that ended the engine, or null while it works. A failed engine refuses every request;
    /// create a new one.
    /// </summary>
    public Exception? Failure => _loop.Failure;

    /// <summary>Queues a request.</summary>
    /// <exception cref="ArgumentException">
    /// The request is not valid (no prompt, an id outside the vocabulary, a parameter out of range); the message names what.
    /// </exception>
    /// <exception cref="SharingPlanException">The attention preset's plan is missing, damaged or of another model.</exception>
    /// <exception cref="PromptTooLongException">Prompt and requested output do not fit.</exception>
    /// <exception cref="QueueFullException">Too many requests wait already.</exception>
    /// <exception cref="EngineStoppedException">The engine is stopping or has failed.</exception>
    public Generation Submit(GenerationRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Validate(Model.Config);
        if (request.TracksReads && !Options.TracksReads)
            throw new ArgumentException("The request wants its reads tracked, but EngineOptions.TracksReads is off.", nameof(request));
        AttentionPolicy policy = _policies.Get(request.Attention);
        if (request.TracksReads && policy.Retriever == Retriever.Accumulated)
            throw new ArgumentException("Reads cannot be tracked under h2o, which sums up attention for itself.", nameof(request));

        int prompt = request.Prompt.Count, output = Math.Max(request.MaxOutputTokens ?? 1, request.Continuation.Count);
        if ((long)prompt + output > _sizing.MaxTokens)
            throw new PromptTooLongException(prompt, output, _sizing.MaxTokens, _sizing.LimitedBy);

        Sequence sequence = new(request, policy, Options, Model.Config.EndOfSequenceIds, _inbox);
        _inbox.Submit(sequence);
        return sequence.Generation;
    }

    /// <summary>
    /// Answers a request of its own, so that whatever the backend prepares at first use is ready for the first caller: under the default
    /// attention, over more tokens than its budget where the context allows it.
    /// </summary>
    /// <exception cref="EngineStoppedException">The engine is stopping or has failed.</exception>
    public async Task WarmUpAsync(CancellationToken cancellationToken = default)
    {
        const int OutputTokens = 4; // the first as it is, the second recorded, the others replayed
        int prompt = Math.Min(WarmUpTokens, _sizing.MaxTokens - OutputTokens);
        if (prompt < 1)
            return;

        Generation generation = Submit(new GenerationRequest
        {
            Prompt = new int[prompt],
            MaxOutputTokens = OutputTokens,
            StopIds = [],
            CacheKey = nameof(WarmUpAsync),
        });
        try
        {
            await foreach (GeneratedToken _ in generation.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
            }
        }
        catch (RequestTimeLimitException)
        {
            // A first start may take longer than callers may wait: what it has prepared by then is prepared.
        }
    }

    /// <summary>A snapshot of what the engine is doing.</summary>
    public EngineStatistics GetStatistics() => _loop.Statistics;

    /// <summary>
    /// Takes no new requests, lets those that run or wait finish, and ends what is left after <paramref name="limit"/> with
    /// <see cref="EngineStoppedException"/>. Completes when all have ended; a step that runs is always finished first.
    /// </summary>
    /// <param name="limit">How long to wait at most; <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
    public Task StopAsync(TimeSpan limit)
    {
        if (limit < TimeSpan.Zero && limit != Timeout.InfiniteTimeSpan)
            throw new ArgumentOutOfRangeException(nameof(limit), limit, "The limit must not be negative, except Timeout.InfiniteTimeSpan.");

        double ticks = Stopwatch.GetTimestamp() + limit.TotalSeconds * Stopwatch.Frequency;
        _loop.StopAt(limit == Timeout.InfiniteTimeSpan || ticks >= long.MaxValue ? long.MaxValue : (long)ticks);
        return _loop.Ended;
    }

    /// <summary>Stops at once and frees the model.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero).ConfigureAwait(false);
        if (!Interlocked.Exchange(ref _disposed, true))
            Model.Dispose();
    }
}
