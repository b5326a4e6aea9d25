using HShare.AI.Engine.Scheduling;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace HShare.AI.Hosting;

/// <summary>
/// Healthy where the model answers, degraded while it is not loaded yet (calls wait for it), unhealthy where it cannot be loaded or its
/// engine has failed.
/// </summary>
internal sealed class ModelHealthCheck(HShareChatClient client) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Check(context.Registration.FailureStatus));

    private HealthCheckResult Check(HealthStatus failureStatus)
    {
        ServedModel model = client.Model;
        if (model.IsStopping)
            return new HealthCheckResult(failureStatus, $"Model {client.ModelId} takes no more requests: the app is stopping.");
        if (model.Failure is { } failure)
            return new HealthCheckResult(failureStatus, $"Model {client.ModelId} could not be loaded: {failure.Message}", failure);
        if (model.Ready?.Engine.Failure is { } broken)
            return new HealthCheckResult(failureStatus, $"The engine of model {client.ModelId} failed: {broken.Message}", broken);
        if (model.Ready is { } ready)
            return HealthCheckResult.Healthy($"Model {client.ModelId} is ready.", Describe(ready.Engine));

        return HealthCheckResult.Degraded(
            model.IsRequested
                ? $"Model {client.ModelId} is being loaded."
                : $"Model {client.ModelId} is not loaded yet; the first request loads it.");
    }

    private static Dictionary<string, object> Describe(InferenceEngine engine)
    {
        EngineStatistics statistics = engine.GetStatistics();
        return new Dictionary<string, object>
        {
            ["backend"] = engine.Model.Backend.Description,
            ["waiting"] = statistics.Waiting,
            ["running"] = statistics.Running,
            ["total_blocks"] = statistics.TotalBlocks,
            ["free_blocks"] = statistics.FreeBlocks,
        };
    }
}
