using System.Diagnostics;
using System.Runtime.CompilerServices;
using HShare.AI.Engine.Scheduling;
using Microsoft.Extensions.AI;

namespace HShare.AI;

/// <summary>
/// One request as an <see cref="Activity"/> of the source <see cref="SourceName"/>: what the engine did for it. Spans of the <c>gen_ai</c>
/// conventions are the business of middleware (<c>UseOpenTelemetry()</c>); this one lies inside theirs.
/// </summary>
public sealed class RequestActivity : IDisposable
{
    /// <summary>Name of the source, for listeners: <c>AddSource(RequestActivity.SourceName)</c> in OpenTelemetry.</summary>
    public const string SourceName = "HShare.AI";

    private static readonly ActivitySource Source = new(SourceName);

    private readonly Activity? _activity;
    private Generation? _generation;
    private DateTime _submitted;
    private bool _hasEnded;

    private RequestActivity(string modelId) => _activity = Source.StartActivity("hshare.request")?.SetTag("hshare.model", modelId);

    /// <summary>Whether anybody wants to hear of requests.</summary>
    internal static bool HasListeners => Source.HasListeners();

    /// <summary>Passes the updates of an answer on, within an activity that ends with them.</summary>
    /// <param name="modelId">How the model is called.</param>
    /// <param name="answer">Starts the answer; called at the first enumeration.</param>
    /// <param name="cancellationToken">Ends the answer.</param>
    internal static async IAsyncEnumerable<ChatResponseUpdate> FollowAsync(
        string modelId,
        Func<RequestActivity, CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> answer,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var activity = new RequestActivity(modelId);
        IAsyncEnumerator<ChatResponseUpdate> updates = answer(activity, cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (updates.ConfigureAwait(false))
        {
            while (await activity.WatchAsync(updates.MoveNextAsync()).ConfigureAwait(false))
            {
                activity.Read(updates.Current);
                yield return updates.Current;
            }
        }
    }

    /// <summary>Notes that the request was submitted, and will tell when its waiting and its reading ended.</summary>
    internal void Follow(Generation generation)
    {
        _generation = generation;
        _submitted = DateTime.UtcNow;
    }

    /// <summary>Ends the activity. One without an end of its answer was cancelled, or its caller left early.</summary>
    public void Dispose()
    {
        if (_activity is null)
            return;

        if (_generation is not null)
            Describe(_generation);
        if (!_hasEnded)
            _activity.SetTag("hshare.cancelled", true);
        _activity.Dispose();
    }

    private void Describe(Generation generation)
    {
        _activity!.SetTag("hshare.prompt.tokens", generation.PromptTokens);
        _activity.SetTag("hshare.prompt.cached_tokens", generation.CachedPromptTokens);
        if (generation.QueueTime is not { } queued)
            return;

        _activity.SetTag("hshare.queue_time", queued.TotalSeconds);
        _activity.AddEvent(new ActivityEvent("hshare.prefill_started", _submitted + queued));
        if (generation.TimeToFirstToken is not { } first)
            return;

        _activity.SetTag("hshare.prefill_time", (first - queued).TotalSeconds);
        _activity.SetTag("hshare.time_to_first_token", first.TotalSeconds);
        _activity.AddEvent(new ActivityEvent("hshare.first_token", _submitted + first));
    }

    private void Read(ChatResponseUpdate update)
    {
        if (update.FinishReason is not { } reason)
            return;

        _hasEnded = true;
        UsageContent? usage = update.Contents.OfType<UsageContent>().FirstOrDefault();
        _activity?.SetTag("hshare.finish_reason", reason.Value).SetTag("hshare.output.tokens", usage?.Details.OutputTokenCount);
    }

    private async ValueTask<bool> WatchAsync(ValueTask<bool> moving)
    {
        try
        {
            return await moving.ConfigureAwait(false);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            _hasEnded = true;
            _activity?.SetTag("error.type", error.GetType().FullName).SetStatus(ActivityStatusCode.Error, error.Message);
            throw;
        }
    }
}
