using HShare.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

// The namespace of IServiceCollection, so that the methods are found without a using of their own.
namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers <see cref="HShareChatClient"/>s for a <see cref="Kernel"/> that the container makes.</summary>
/// <remarks>
/// <para>Each method does what <c>AddHShareChatClient</c> does (see <see cref="HShareServiceCollectionExtensions"/>) and makes the model
/// known to the kernel, as <see cref="IChatClient"/> and as <see cref="IChatCompletionService"/>. Both invoke the kernel's functions where
/// the execution settings ask for it (<see cref="PromptExecutionSettings.FunctionChoiceBehavior"/>). The
/// <see cref="HShareChatClient"/> itself, which invokes nothing, is registered as well.</para>
/// <para>Several models run side by side under different service ids. Registering the same id again only adds to its options.</para>
/// </remarks>
public static class HShareSemanticKernelServiceCollectionExtensions
{
    /// <summary>Registers a model's chat services.</summary>
    /// <param name="services">The container to be.</param>
    /// <param name="configure">Sets options; null = the bundled model with every default.</param>
    /// <param name="serviceId">The id, by which execution settings name the model; also the name of the options. Null = no id.</param>
    /// <exception cref="ArgumentException"><paramref name="serviceId"/> is empty.</exception>
    public static IServiceCollection AddHShareChatCompletion(
        this IServiceCollection services, Action<HShareOptions>? configure = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        bool isNew = !services.Has<HShareChatClient>(serviceId);
        if (serviceId is null)
            services.AddHShareChatClient(configure);
        else
            services.AddHShareChatClient(serviceId, configure);
        return services.AddChatServices(serviceId, isNew);
    }

    /// <summary>Registers a model's chat services; its options are in configuration.</summary>
    /// <param name="services">The container to be.</param>
    /// <param name="section">The section; a key there that is no option is an error.</param>
    /// <param name="serviceId">The id, by which execution settings name the model; also the name of the options. Null = no id.</param>
    /// <exception cref="ArgumentException"><paramref name="serviceId"/> is empty.</exception>
    public static IServiceCollection AddHShareChatCompletion(
        this IServiceCollection services, IConfigurationSection section, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        bool isNew = !services.Has<HShareChatClient>(serviceId);
        if (serviceId is null)
            services.AddHShareChatClient(section);
        else
            services.AddHShareChatClient(serviceId, section);
        return services.AddChatServices(serviceId, isNew);
    }

    private static IServiceCollection AddChatServices(this IServiceCollection services, string? serviceId, bool isNew)
    {
        if (services.Has<KernelRegistration>(serviceId))
            return services;

        // The kernel, which looks through all clients, is to find this model once: as the client that invokes functions.
        if (isNew)
            services.Remove(services.Last(service => Is<IChatClient>(service, serviceId)));

        services.AddKeyedSingleton(serviceId, new KernelRegistration());
        services.AddKeyedSingleton(serviceId, (provider, _) => CreateInvokingClient(provider, serviceId));
        return services.AddKeyedSingleton(
            serviceId, (provider, _) => CreateInvokingClient(provider, serviceId).AsChatCompletionService(provider));
    }

    private static bool Has<T>(this IServiceCollection services, string? serviceId) =>
        services.Any(service => Is<T>(service, serviceId));

    private static bool Is<T>(ServiceDescriptor service, string? serviceId) =>
        service.ServiceType == typeof(T) && Equals(service.ServiceKey, serviceId);

    private static IChatClient CreateInvokingClient(IServiceProvider provider, string? serviceId)
    {
        HShareChatClient client = serviceId is null
            ? provider.GetRequiredService<HShareChatClient>()
            : provider.GetRequiredKeyedService<HShareChatClient>(serviceId);
        return client.AsBuilder().UseKernelFunctionInvocation().Build(provider);
    }

    /// <summary>Tells that the services of an id are registered.</summary>
    private sealed class KernelRegistration;
}
