using HShare.AI;
using HShare.AI.Hosting;
using Microsoft.Extensions.Diagnostics.HealthChecks;

// The namespace of IHealthChecksBuilder, so that the method is found without a using of its own.
namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the health check of a chat client.</summary>
public static class HShareHealthChecksBuilderExtensions
{
    /// <summary>
    /// Checks the model of a registered <see cref="HShareChatClient"/>: healthy, with the engine's figures as data, where it answers;
    /// degraded while it is being loaded (requests wait for it); <paramref name="failureStatus"/>, with the reason, where it could not be
    /// loaded or is stopped.
    /// </summary>
    /// <param name="builder">The health checks to be.</param>
    /// <param name="serviceKey">Key of the client; null = the one without a key.</param>
    /// <param name="name">Name of the check; null = <c>hshare</c>, or <c>hshare-KEY</c>.</param>
    /// <param name="failureStatus">What to report on failure; null = unhealthy.</param>
    /// <param name="tags">Tags of the check.</param>
    public static IHealthChecksBuilder AddHShareHealthCheck(
        this IHealthChecksBuilder builder,
        string? serviceKey = null,
        string? name = null,
        HealthStatus? failureStatus = null,
        IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(
            name ?? (serviceKey is null ? "hshare" : $"hshare-{serviceKey}"),
            provider => new ModelHealthCheck(HShareServiceCollectionExtensions.GetClient(provider, serviceKey)),
            failureStatus,
            tags));
    }
}
