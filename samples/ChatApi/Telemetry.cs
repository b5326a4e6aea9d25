using HShare.AI;
using HShare.AI.Engine.Scheduling;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ChatApi;

/// <summary>Sends metrics and traces to the OTLP endpoint of the environment, from the host's start to its stop.</summary>
/// <remarks>
/// Built by hand; <c>OpenTelemetry.Extensions.Hosting</c> would do the same with <c>services.AddOpenTelemetry()</c>. The exporter reads
/// the other <c>OTEL_EXPORTER_OTLP_*</c> variables itself.
/// </remarks>
internal sealed class Telemetry : IHostedService
{
    /// <summary>The variable that turns it on.</summary>
    public const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private TracerProvider? _traces;
    private MeterProvider? _metrics;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        ResourceBuilder resource = ResourceBuilder.CreateDefault().AddService("chat-api");
        _traces = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddSource("Microsoft.AspNetCore", RequestActivity.SourceName)
            .AddOtlpExporter()
            .Build();
        _metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter("Microsoft.AspNetCore.Hosting", EngineMeter.Name)
            .AddOtlpExporter()
            .Build();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _traces?.Dispose(); // sends what is left
        _metrics?.Dispose();
        return Task.CompletedTask;
    }
}
