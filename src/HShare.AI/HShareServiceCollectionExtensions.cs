using HShare.AI;
using HShare.AI.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

// The namespace of IServiceCollection, so that the methods are found without a using of their own.
namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers <see cref="HShareChatClient"/>s in a container.</summary>
/// <remarks>
/// <para>Each method registers a singleton <see cref="HShareChatClient"/>, the same object as <see cref="IChatClient"/>, its options (named
/// like the service key) with a validation at start, and a hosted service. Under a host the model is loaded while the host starts: a failed
/// load ends the start with the error itself, and a request that comes before it is done waits. When the host stops, requests in progress
/// have <see cref="HShareOptions.DrainLimit"/> to finish. In a container without a host the first request loads the model.</para>
/// <para>Several models run side by side under different keys. Registering the same key again only adds to its options.</para>
/// </remarks>
public static class HShareServiceCollectionExtensions
{
    /// <summary>Registers a chat client.</summary>
    /// <param name="services">The container to be.</param>
    /// <param name="configure">Sets options; null = the bundled model with every default.</param>
    public static IServiceCollection AddHShareChatClient(this IServiceCollection services, Action<HShareOptions>? configure = null) =>
        services.AddClient(serviceKey: null, configure ?? (_ => { }));

    /// <summary>Registers a chat client whose options are in configuration; a key there that is no option is an error.</summary>
    /// <param name="services">The container to be.</param>
    /// <param name="section">The section, for example <c>configuration.GetSection("HShare")</c>.</param>
    public static IServiceCollection AddHShareChatClient(this IServiceCollection services, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        return services.AddClient(serviceKey: null, section.BindTo);
    }

    /// <summary>Registers a chat client under a service key.</summary>
    /// <param name="services">The container to be.</param>
    /// <param name="serviceKey">The key; also the name of the options.</param>
    /// <param name="configure">Sets options; null = the bundled model with every default.</param>
    public static IServiceCollection AddHShareChatClient(
        this IServiceCollection services, string serviceKey, Action<HShareOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(serviceKey);
        return services.AddClient(serviceKey, configure ?? (_ => { }));
    }

    /// <summary>Registers a chat client under a service key; its options are in configuration.</summary>
    /// <param name="services">The container to be.</param>
    /// <param name="serviceKey">The key; also the name of the options.</param>
    /// <param name="section">The section; a key there that is no option is an error.</param>
    public static IServiceCollection AddHShareChatClient(this IServiceCollection services, string serviceKey, IConfigurationSection section)
    {
        ArgumentException.ThrowIfNullOrEmpty(serviceKey);
        ArgumentNullException.ThrowIfNull(section);
        return services.AddClient(serviceKey, section.BindTo);
    }

    private static IServiceCollection AddClient(this IServiceCollection services, string? serviceKey, Action<HShareOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        string name = serviceKey ?? Options.Options.DefaultName;
        services.AddOptions<HShareOptions>(name).Configure(configure).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<HShareOptions>, HShareOptionsValidator>());

        if (services.Any(service => service.ServiceType == typeof(HShareChatClient) && Equals(service.ServiceKey, serviceKey)))
            return services;

        if (serviceKey is null)
        {
            services.AddSingleton(provider => CreateClient(provider, name));
            services.AddSingleton<IChatClient>(provider => provider.GetRequiredService<HShareChatClient>());
        }
        else
        {
            services.AddKeyedSingleton(serviceKey, (provider, _) => CreateClient(provider, name));
            services.AddKeyedSingleton<IChatClient>(serviceKey, (provider, key) => provider.GetRequiredKeyedService<HShareChatClient>(key));
        }

        return services.AddSingleton<IHostedService>(provider => CreateHostedService(provider, serviceKey));
    }

    private static HShareChatClient CreateClient(IServiceProvider provider, string name) =>
        new(GetOptions(provider, name), provider.GetService<ILogger<HShareChatClient>>());

    private static ModelHostedService CreateHostedService(IServiceProvider provider, string? serviceKey) =>
        new(GetClient(provider, serviceKey), GetOptions(provider, serviceKey).DrainLimit);

    private static HShareOptions GetOptions(IServiceProvider provider, string? name) =>
        provider.GetRequiredService<IOptionsMonitor<HShareOptions>>().Get(name);

    internal static HShareChatClient GetClient(IServiceProvider provider, string? serviceKey) => serviceKey is null
        ? provider.GetRequiredService<HShareChatClient>()
        : provider.GetRequiredKeyedService<HShareChatClient>(serviceKey);
}
