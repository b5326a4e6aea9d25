using System.Diagnostics.Metrics;

namespace HShare.AI.Engine.Scheduling;

/// <summary>An engine's metrics, for any listener of <c>System.Diagnostics.Metrics</c>.</summary>
public sealed class EngineMeter : IDisposable
{
    /// <summary>Name of the meter; each engine has one, tagged with the model's name.</summary>
    public const string Name = "HShare.AI.Engine";

    private readonly Meter _meter;
    private readonly Histogram<double> _timeToFirstToken;
    private readonly Histogram<double> _stepDuration;

    /// <summary>Creates the instruments.</summary>
    /// <param name="modelName">Tag <c>hshare.model</c> of the meter.</param>
    /// <param name="statistics">Where the values of the observable instruments come from; called from the listeners' threads.</param>
    internal EngineMeter(string modelName, Func<EngineStatistics> statistics)
    {
        _meter = new Meter(new MeterOptions(Name) { Tags = [new("hshare.model", modelName)] });
        _timeToFirstToken = _meter.CreateHistogram<double>(
            "hshare.engine.time_to_first_token", "s", "Time from the submission of a request to its first token.");
        _stepDuration = _meter.CreateHistogram<double>("hshare.engine.step.duration", "s", "Time of a forward pass with its sampling.");
        Gauge("hshare.engine.requests.waiting", "{request}", "Requests that wait for a place in the batch.", s => s.Waiting);
        Gauge("hshare.engine.requests.running", "{request}", "Sequences in the batch.", s => s.Running);
        Gauge("hshare.engine.blocks.used", "{block}", "Cache blocks that sequences use.", s => s.TotalBlocks - s.FreeBlocks);
        Gauge("hshare.engine.blocks.free", "{block}", "Cache blocks no sequence uses.", s => s.FreeBlocks);
        Counter("hshare.engine.tokens.prefill", "{token}", "Tokens computed by prefill.", s => s.PrefillTokens);
        Counter("hshare.engine.tokens.cached", "{token}", "Tokens found in the prefix cache.", s => s.CachedTokens);
        Counter("hshare.engine.tokens.generated", "{token}", "Tokens generated.", s => s.GeneratedTokens);
        Counter("hshare.engine.kv.read", "By", "Bytes of keys and values read by decode steps, selection included.", s => s.Reads.Bytes);
        Counter("hshare.engine.kv.read.full", "By", "Bytes that full attention would have read.", s => s.Reads.FullBytes);
        Counter("hshare.engine.attention.refreshes", "{refresh}", "Decode steps in which the leaders chose tokens anew.", s =>
            s.Reads.Refreshes);
        Counter("hshare.engine.preemptions", "{preemption}", "How often a sequence lost its blocks.", s => s.Preemptions);

        void Gauge(string name, string unit, string description, Func<EngineStatistics, int> value) =>
            _meter.CreateObservableGauge(name, () => value(statistics()), unit, description);

        void Counter(string name, string unit, string description, Func<EngineStatistics, long> value) =>
            _meter.CreateObservableCounter(name, () => value(statistics()), unit, description);
    }

    /// <summary>Removes the instruments.</summary>
    public void Dispose() => _meter.Dispose();

    /// <summary>Records the time from a request's submission to its first token.</summary>
    internal void RecordFirstToken(TimeSpan time) => _timeToFirstToken.Record(time.TotalSeconds);

    /// <summary>Records the time of a step.</summary>
    internal void RecordStep(TimeSpan time) => _stepDuration.Record(time.TotalSeconds);
}
