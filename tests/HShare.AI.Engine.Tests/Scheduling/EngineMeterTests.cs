using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

public sealed class EngineMeterTests
{
    [Fact]
    public async Task Every_instrument_reports()
    {
        ConcurrentDictionary<string, double> last = new();
        ConcurrentDictionary<string, int> counts = new();
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions { BlockSize = 16 });
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == EngineMeter.Name)
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => Record(instrument, value));
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Record(instrument, value));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Record(instrument, value));
        listener.Start();

        int[] prompt = ScriptedModel.Prompt(40, seed: 977);
        await engine.RunAsync(prompt, 10);
        await engine.RunAsync(prompt, 10);
        listener.RecordObservableInstruments();

        Assert.Equal(11 + 2, last.Count);
        Assert.True(counts["hshare.engine.time_to_first_token"] >= 2);
        Assert.True(counts["hshare.engine.step.duration"] >= 20);
        Assert.Contains("hshare.engine.tokens.cached", last.Keys);
        EngineStatistics statistics = engine.GetStatistics();
        Assert.Equal((48, 32, 20), (statistics.PrefillTokens, statistics.CachedTokens, statistics.GeneratedTokens));

        void Record(Instrument instrument, double value)
        {
            last[instrument.Name] = value;
            counts.AddOrUpdate(instrument.Name, 1, (_, count) => count + 1);
        }
    }
}
