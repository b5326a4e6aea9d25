using System.ComponentModel;
using HShare.AI.Engine.Attention;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace HShare.AI.SemanticKernel.Tests;

/// <summary>What a kernel finds of a model, and a kernel's work with the bundled one.</summary>
public class KernelServicesTests
{
    private const string Question = "What is the weather like in Rome?";

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    public static TheoryData<string?, string> Registrations() => new()
    {
        { null, nameof(HShareKernelBuilderExtensions.AddHShareChatClient) },
        { null, nameof(HShareKernelBuilderExtensions.AddHShareChatCompletion) },
        { "local", nameof(HShareKernelBuilderExtensions.AddHShareChatClient) },
        { "local", nameof(HShareKernelBuilderExtensions.AddHShareChatCompletion) },
    };

    [Theory]
    [MemberData(nameof(Registrations))]
    public async Task Either_method_registers_both_services_once(string? serviceId, string method)
    {
        IKernelBuilder builder = Kernel.CreateBuilder();
        if (method == nameof(HShareKernelBuilderExtensions.AddHShareChatClient))
            builder.AddHShareChatClient(serviceId: serviceId);
        else
            builder.AddHShareChatCompletion(serviceId: serviceId);
        Kernel kernel = builder.Build();
        await using var services = (ServiceProvider)kernel.Services;

        var client = kernel.GetRequiredService<IChatClient>(serviceId);
        var service = kernel.GetRequiredService<IChatCompletionService>(serviceId);
        Assert.Same(client, Assert.Single(kernel.GetAllServices<IChatClient>()));
        Assert.Same(service, Assert.Single(kernel.GetAllServices<IChatCompletionService>()));
        Assert.NotNull(client.GetService<FunctionInvokingChatClient>());
        Assert.NotNull(client.GetService<HShareChatClient>());
        Assert.Equal("hshare-tiny", service.Attributes["ModelId"]);
    }

    [Fact]
    public async Task Registering_again_only_adds_to_the_options()
    {
        IKernelBuilder builder = Kernel.CreateBuilder();
        builder.AddHShareChatClient(options => options.MaxBatch = 2);
        builder.AddHShareChatCompletion(options => options.Threads = 3);
        Kernel kernel = builder.Build();
        await using var services = (ServiceProvider)kernel.Services;

        Assert.Single(kernel.GetAllServices<IChatClient>());
        Assert.Single(kernel.GetAllServices<IChatCompletionService>());
        HShareOptions options = kernel.GetRequiredService<IOptions<HShareOptions>>().Value;
        Assert.Equal((2, 3), (options.MaxBatch, options.Threads));
    }

    [Fact]
    public async Task An_apps_own_client_of_the_model_stays_and_the_kernels_comes_after_it()
    {
        var collection = new ServiceCollection();
        collection.AddLogging().AddHShareChatClient();
        collection.AddHShareChatCompletion();
        await using ServiceProvider services = collection.BuildServiceProvider();
        IChatClient[] clients = [.. services.GetServices<IChatClient>()];
        Assert.Same(services.GetRequiredService<HShareChatClient>(), clients[0]);
        Assert.NotNull(clients[1].GetService<FunctionInvokingChatClient>());
        Assert.Equal(2, clients.Length);
    }

    [Fact]
    public async Task Other_providers_services_stay()
    {
        IChatClient other = new OtherClient();
        IKernelBuilder builder = Kernel.CreateBuilder();
        builder.Services.AddSingleton(other);
        builder.AddHShareChatCompletion();
        Kernel kernel = builder.Build();
        await using var services = (ServiceProvider)kernel.Services;
        Assert.Contains(other, kernel.GetAllServices<IChatClient>());
        Assert.NotNull(kernel.GetRequiredService<IChatClient>().GetService<HShareChatClient>());
    }

    [Fact]
    public async Task Options_come_from_configuration_and_ids_name_them()
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("HShare:MaxBatch", "2")]).Build();
        IKernelBuilder builder = Kernel.CreateBuilder();
        builder.AddHShareChatCompletion(configuration.GetSection("HShare"), "local");
        builder.AddHShareChatClient(configuration.GetSection("HShare"));
        Kernel kernel = builder.Build();
        await using var services = (ServiceProvider)kernel.Services;
        var options = kernel.GetRequiredService<IOptionsMonitor<HShareOptions>>();
        Assert.Equal((2, 2), (options.Get("local").MaxBatch, options.CurrentValue.MaxBatch));
        Assert.Throws<ArgumentException>(() => builder.AddHShareChatCompletion(serviceId: ""));
    }

    [Fact]
    public async Task A_prompt_is_answered_through_a_function_of_the_kernel()
    {
        Kernel kernel = CreateKernel(serviceId: null);
        await using var services = (ServiceProvider)kernel.Services;
        FunctionResult result = await kernel.InvokePromptAsync(Question, new(Settings()), cancellationToken: TestToken);
        Assert.Equal("The result: temperature is 21 and condition is sunny.", result.ToString());
    }

    [Fact]
    public async Task Chat_completion_records_the_calls_in_the_history()
    {
        Kernel kernel = CreateKernel("local");
        await using var services = (ServiceProvider)kernel.Services;
        var service = kernel.GetRequiredService<IChatCompletionService>("local");
        foreach (bool streaming in new[] { false, true })
        {
            ChatHistory history = [new(AuthorRole.User, Question)];
            string answer = "";
            if (streaming)
            {
                await foreach (StreamingChatMessageContent part in service.GetStreamingChatMessageContentsAsync(
                    history, Settings(), kernel, TestToken))
                    answer += part.Content;
            }
            else
            {
                answer = (await service.GetChatMessageContentAsync(history, Settings(), kernel, TestToken)).Content!;
            }

            Assert.Equal("The result: temperature is 21 and condition is sunny.", answer);
            Assert.Equal([AuthorRole.User, AuthorRole.Assistant, AuthorRole.Tool], history.Select(message => message.Role));
        }
    }

    [Fact]
    public async Task A_service_id_in_the_settings_chooses_the_model()
    {
        Kernel kernel = CreateKernel("local");
        await using var services = (ServiceProvider)kernel.Services;
        HSharePromptExecutionSettings settings = Settings();
        settings.ServiceId = "local";
        Assert.Contains("21", (await kernel.InvokePromptAsync(Question, new(settings), cancellationToken: TestToken)).ToString());
        settings.ServiceId = "elsewhere";
        await Assert.ThrowsAsync<KernelException>(() => kernel.InvokePromptAsync(Question, new(settings), cancellationToken: TestToken));
    }

    [Fact]
    public async Task A_required_call_is_enforced()
    {
        Kernel kernel = CreateKernel(serviceId: null);
        await using var services = (ServiceProvider)kernel.Services;
        HSharePromptExecutionSettings settings = Settings();
        settings.FunctionChoiceBehavior = FunctionChoiceBehavior.Required(
            autoInvoke: false, options: new() { AllowParallelCalls = false });
        var service = kernel.GetRequiredService<IChatCompletionService>();
        ChatMessageContent answer = await service.GetChatMessageContentAsync("Hello!", settings, kernel, TestToken);
        var call = Assert.Single(Microsoft.SemanticKernel.FunctionCallContent.GetFunctionCalls(answer));
        Assert.Equal("get_weather", call.FunctionName);
        Assert.IsType<string>(Assert.Single(call.Arguments!).Value?.ToString());
    }

    [Fact]
    public async Task The_attention_of_the_settings_reaches_the_engine()
    {
        Kernel kernel = CreateKernel(serviceId: null, options => options.AttentionPresets.Add("quest:budget=128"));
        await using var services = (ServiceProvider)kernel.Services;
        Assert.Equal(1, await ReadShareAsync(kernel, attention: null), 3);
        Assert.InRange(await ReadShareAsync(kernel, AttentionPreset.Parse("quest:budget=128")), 0.1, 0.9);
    }

    /// <summary>The share of full attention's bytes that an answer to a prompt of some 400 tokens read.</summary>
    private static async Task<double> ReadShareAsync(Kernel kernel, AttentionPreset? attention)
    {
        string prompt = string.Concat(Enumerable.Repeat("The boats went out and came home again. ", 40)) + "Continue.";
        var settings = new HSharePromptExecutionSettings { Attention = attention, Temperature = 0, MaxTokens = 16 };
        settings.ExtensionData = new Dictionary<string, object> { [GenerationOptionKeys.IgnoreEndOfSequence] = true };
        ChatMessageContent answer = await kernel.GetRequiredService<IChatCompletionService>()
            .GetChatMessageContentAsync(prompt, settings, kernel, TestToken);
        var usage = Assert.IsType<UsageDetails>(answer.Metadata!["Usage"]);
        return (double)usage.AdditionalCounts![AttentionCounts.KvBytesRead] / usage.AdditionalCounts[AttentionCounts.KvBytesFull];
    }

    private static HSharePromptExecutionSettings Settings() => new()
    {
        FunctionChoiceBehavior = FunctionChoiceBehavior.Auto(),
        Temperature = 0,
        MaxTokens = 60,
    };

    private static Kernel CreateKernel(string? serviceId, Action<HShareOptions>? configure = null)
    {
        IKernelBuilder builder = Kernel.CreateBuilder();
        builder.AddHShareChatCompletion(
            options =>
            {
                (options.MaxContext, options.KvCacheMegabytes, options.Threads) = (2048, 96, 2); // fits a test machine
                configure?.Invoke(options);
            },
            serviceId);
        builder.Plugins.AddFromObject(new WeatherPlugin(), "get");
        return builder.Build();
    }

    internal sealed class WeatherPlugin
    {
        [KernelFunction("weather"), Description("Get the current weather in a city.")]
        public static string GetWeather([Description("The city.")] string city) => """{"temperature": 21, "condition": "sunny"}""";
    }

    /// <summary>A client of another provider, which is never asked.</summary>
    private sealed class OtherClient : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
