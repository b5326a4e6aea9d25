using HShare.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel.ChatCompletion;

// The namespace of IKernelBuilder, so that the methods are found without a using of their own.
namespace Microsoft.SemanticKernel;

/// <summary>Adds <see cref="HShareChatClient"/>s to a kernel.</summary>
/// <remarks>
/// The two pairs of methods are one under the two names that Semantic Kernel's connectors have: each registers the model as
/// <see cref="IChatClient"/> and as <see cref="IChatCompletionService"/>, as
/// <see cref="HShareSemanticKernelServiceCollectionExtensions"/> describes. A kernel that is built without a host loads the model with its
/// first request.
/// </remarks>
public static class HShareKernelBuilderExtensions
{
    /// <summary>Adds a model's chat services.</summary>
    /// <param name="builder">The kernel to be.</param>
    /// <param name="configure">Sets options; null = the bundled model with every default.</param>
    /// <param name="serviceId">The id, by which execution settings name the model; also the name of the options. Null = no id.</param>
    /// <exception cref="ArgumentException"><paramref name="serviceId"/> is empty.</exception>
    public static IKernelBuilder AddHShareChatCompletion(
        this IKernelBuilder builder, Action<HShareOptions>? configure = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddHShareChatCompletion(configure, serviceId);
        return builder;
    }

    /// <summary>Adds a model's chat services; its options are in configuration.</summary>
    /// <param name="builder">The kernel to be.</param>
    /// <param name="section">The section; a key there that is no option is an error.</param>
    /// <param name="serviceId">The id, by which execution settings name the model; also the name of the options. Null = no id.</param>
    /// <exception cref="ArgumentException"><paramref name="serviceId"/> is empty.</exception>
    public static IKernelBuilder AddHShareChatCompletion(
        this IKernelBuilder builder, IConfigurationSection section, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddHShareChatCompletion(section, serviceId);
        return builder;
    }

    /// <inheritdoc cref="AddHShareChatCompletion(IKernelBuilder, Action{HShareOptions}?, string?)"/>
    public static IKernelBuilder AddHShareChatClient(
        this IKernelBuilder builder, Action<HShareOptions>? configure = null, string? serviceId = null) =>
        builder.AddHShareChatCompletion(configure, serviceId);

    /// <inheritdoc cref="AddHShareChatCompletion(IKernelBuilder, IConfigurationSection, string?)"/>
    public static IKernelBuilder AddHShareChatClient(
        this IKernelBuilder builder, IConfigurationSection section, string? serviceId = null) =>
        builder.AddHShareChatCompletion(section, serviceId);
}
