using HShare.AI.Engine;
using HShare.AI.Engine.Scheduling;
using HShare.AI.Tests.Conformance;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace HShare.AI.Tests.Hosting;

/// <summary>The client as a service of a container and of a host.</summary>
public class HostingTests
{
    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public void Both_types_are_one_object_that_loads_nothing_yet()
    {
        using ServiceProvider provider = new ServiceCollection().AddHShareChatClient().BuildServiceProvider();
        var client = provider.GetRequiredService<HShareChatClient>();
        Assert.Same(client, provider.GetRequiredService<IChatClient>());
        Assert.False(client.Model.IsRequested);
        Assert.Equal("hshare-tiny", client.GetRequiredService<ChatClientMetadata>().DefaultModelId);
        Assert.Null(client.GetService(typeof(InferenceEngine)));
    }

    [Fact]
    public void Several_models_stand_side_by_side_under_their_keys()
    {
        IConfigurationSection section = Section(("ModelId", "from configuration"));
        using ServiceProvider provider = new ServiceCollection()
            .AddHShareChatClient(options => options.ModelId = "plain")
            .AddHShareChatClient("a", options => options.ModelId = "first")
            .AddHShareChatClient("b", section)
            .BuildServiceProvider();
        Assert.Equal("plain", provider.GetRequiredService<IChatClient>().GetRequiredService<ChatClientMetadata>().DefaultModelId);
        foreach ((string key, string id) in new[] { ("a", "first"), ("b", "from configuration") })
        {
            var client = provider.GetRequiredKeyedService<IChatClient>(key);
            Assert.Same(client, provider.GetRequiredKeyedService<HShareChatClient>(key));
            Assert.Equal(id, client.GetRequiredService<ChatClientMetadata>().DefaultModelId);
        }

        Assert.Equal(3, provider.GetServices<IHostedService>().Count());
    }

    [Fact]
    public async Task Two_models_under_their_keys_answer_at_once_each_with_its_own()
    {
        using var folder = new ScriptedModelFolder(("", ["Every", " harbour."]));
        await using ServiceProvider provider = new ServiceCollection()
            .AddHShareChatClient("tiny", Small)
            .AddHShareChatClient(
                "scripted",
                options => (options.ModelPath, options.Backend, options.MaxContext, options.Threads)
                    = (folder.Path, HShareBackend.Cpu, 256, 1))
            .BuildServiceProvider();
        ChatResponse[] responses = await Task.WhenAll(new[] { "tiny", "scripted" }.Select(
            key => provider.GetRequiredKeyedService<IChatClient>(key).GetResponseAsync("Hello", new() { MaxOutputTokens = 8 }, TestToken)));
        Assert.Equal(["hshare-tiny", "scripted"], responses.Select(response => response.ModelId));
        Assert.Equal("Every harbour.", responses[1].Text);
        Assert.NotEqual("Every harbour.", responses[0].Text);
    }

    [Fact]
    public void Registering_a_key_again_adds_to_its_options()
    {
        using ServiceProvider provider = new ServiceCollection()
            .AddHShareChatClient(options => (options.ModelId, options.Threads) = ("first", 1))
            .AddHShareChatClient(Section(("ModelId", "second")))
            .BuildServiceProvider();
        HShareOptions options = provider.GetRequiredService<IOptions<HShareOptions>>().Value;
        Assert.Equal(("second", 1), (options.ModelId, options.Threads));
        Assert.Single(provider.GetServices<HShareChatClient>());
        Assert.Single(provider.GetServices<IHostedService>());
    }

    [Fact]
    public void Null_and_empty_arguments_are_refused()
    {
        var services = new ServiceCollection();
        Assert.Throws<ArgumentNullException>(() => ((IServiceCollection)null!).AddHShareChatClient());
        Assert.Throws<ArgumentNullException>(() => services.AddHShareChatClient((IConfigurationSection)null!));
        Assert.Throws<ArgumentException>(() => services.AddHShareChatClient(""));
        Assert.Throws<ArgumentNullException>(() => services.AddHShareChatClient("key", (IConfigurationSection)null!));
        Assert.Throws<ArgumentNullException>(() => ((IHealthChecksBuilder)null!).AddHShareHealthCheck());
    }

    [Fact]
    public async Task Options_that_are_not_valid_end_the_start_of_the_host()
    {
        using IHost host = CreateHost(services => services.AddHShareChatClient("k", options => options.MaxBatch = 0));
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestToken));
        Assert.Contains("Chat client 'k': HShareOptions.MaxBatch is 0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_ends_the_start_with_its_own_error_and_is_unhealthy()
    {
        string empty = Directory.CreateTempSubdirectory("hshare-test-").FullName;
        await File.WriteAllTextAsync(Path.Combine(empty, "config.json"), "{}", TestToken);
        try
        {
            using IHost host = CreateHost(services => services
                .AddHShareChatClient(options => options.ModelPath = empty)
                .AddHealthChecks().AddHShareHealthCheck(tags: ["ready"]));
            await Assert.ThrowsAsync<ModelLoadException>(() => host.StartAsync(TestToken));

            HealthReportEntry entry = (await CheckAsync(host)).Entries["hshare"];
            Assert.Equal((HealthStatus.Unhealthy, "ready"), (entry.Status, Assert.Single(entry.Tags)));
            Assert.IsType<ModelLoadException>(entry.Exception);
            await Assert.ThrowsAsync<ModelLoadException>(
                () => host.Services.GetRequiredService<IChatClient>().GetResponseAsync("Hi", cancellationToken: TestToken));
        }
        finally
        {
            Directory.Delete(empty, recursive: true);
        }
    }

    [Fact]
    public async Task The_host_loads_the_model_says_so_and_reports_its_health()
    {
        var log = new ListLogger();
        using IHost host = CreateHost(
            services => services.AddHShareChatClient("tiny", SmallAnywhere).AddHealthChecks().AddHShareHealthCheck("tiny"), log);
        var client = host.Services.GetRequiredKeyedService<IChatClient>("tiny");
        Assert.Equal(HealthStatus.Degraded, (await CheckAsync(host)).Entries["hshare-tiny"].Status);
        Task<ChatResponse> early = client.GetResponseAsync("Hello", TinyClient.Tokens(2), TestToken); // waits for the model

        await host.StartAsync(TestToken);
        Assert.NotNull(client.GetService(typeof(InferenceEngine)));
        Assert.Equal(2, (await early).Usage!.OutputTokenCount);
        HealthReportEntry entry = (await CheckAsync(host)).Entries["hshare-tiny"];
        Assert.Equal(HealthStatus.Healthy, entry.Status);
        Assert.Equal(0, entry.Data["waiting"]);

        string[] lines = [.. log.Lines.Where(line => line.Level == LogLevel.Information).Select(line => line.Text)];
        string chosen = Assert.Single(lines, line => line.StartsWith("Backend Auto: c", StringComparison.Ordinal)); // cpu or cuda
        Assert.Contains("because", chosen, StringComparison.Ordinal);
        Assert.Contains(lines, line => line.StartsWith("Model hshare-tiny is ready after ", StringComparison.Ordinal));
        Assert.InRange(lines.Count(line => line.Contains("% of", StringComparison.Ordinal)), 1, 10);
        Assert.Contains(lines, line => line.Contains("100 % of 44 MB", StringComparison.Ordinal));

        await host.StopAsync(TestToken);
        await Assert.ThrowsAsync<EngineStoppedException>(() => client.GetResponseAsync("Hi", cancellationToken: TestToken));
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(host)).Status);
        host.Dispose();
        Assert.Throws<ObjectDisposedException>(() => client.GetStreamingResponseAsync("Hi", cancellationToken: TestToken));
    }

    [Fact]
    public async Task Stopping_the_host_lets_answers_finish()
    {
        using IHost host = CreateHost(services => services.AddHShareChatClient(Small));
        await host.StartAsync(TestToken);
        IAsyncEnumerator<ChatResponseUpdate> answer = await StartAnswerAsync(host, tokens: 40);
        Task stop = host.StopAsync(TestToken);
        List<ChatResponseUpdate> updates = [];
        while (await answer.MoveNextAsync())
            updates.Add(answer.Current);
        Assert.Equal(ChatFinishReason.Length, updates[^1].FinishReason);
        Assert.True(updates.Count > 20);
        await stop;
        await answer.DisposeAsync();
    }

    [Fact]
    public async Task Answers_over_the_drain_limit_end_with_a_clear_error()
    {
        using IHost host = CreateHost(services => services.AddHShareChatClient(options =>
        {
            Small(options);
            options.DrainLimit = TimeSpan.Zero;
        }));
        await host.StartAsync(TestToken);
        IAsyncEnumerator<ChatResponseUpdate> answer = await StartAnswerAsync(host, tokens: 900);
        Task stop = host.StopAsync(TestToken);
        await Assert.ThrowsAsync<EngineStoppedException>(async () =>
        {
            while (await answer.MoveNextAsync())
            {
            }
        });
        await stop;
        await answer.DisposeAsync();
    }

    [Fact]
    public async Task Without_a_host_the_first_request_loads_the_model()
    {
        await using ServiceProvider provider = new ServiceCollection().AddHShareChatClient(Small).BuildServiceProvider();
        var client = provider.GetRequiredService<IChatClient>();
        ChatResponse[] responses = await Task.WhenAll(
            Enumerable.Range(0, 3).Select(_ => client.GetResponseAsync("Hello", TinyClient.Tokens(2), TestToken)));
        Assert.All(responses, response => Assert.Equal(2, response.Usage!.OutputTokenCount));
    }

    private static void Small(HShareOptions options) =>
        (options.Backend, options.MaxContext, options.KvCacheMegabytes, options.Threads) = (HShareBackend.Cpu, 1024, 16, 2);

    private static void SmallAnywhere(HShareOptions options)
    {
        Small(options);
        options.Backend = HShareBackend.Auto;
    }

    private static IHost CreateHost(Action<IServiceCollection> configure, ILoggerProvider? log = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        if (log is not null)
            builder.Logging.AddProvider(log);
        configure(builder.Services);
        return builder.Build();
    }

    private static async Task<IAsyncEnumerator<ChatResponseUpdate>> StartAnswerAsync(IHost host, int tokens)
    {
        IAsyncEnumerator<ChatResponseUpdate> answer = host.Services.GetRequiredService<IChatClient>()
            .GetStreamingResponseAsync("Hello", TinyClient.Tokens(tokens), TestToken).GetAsyncEnumerator(TestToken);
        Assert.True(await answer.MoveNextAsync());
        return answer;
    }

    private static Task<HealthReport> CheckAsync(IHost host) =>
        host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestToken);

    private static IConfigurationSection Section(params (string Key, string Value)[] values) => new ConfigurationBuilder()
        .AddInMemoryCollection(values.Select(value => KeyValuePair.Create("HShare:" + value.Key, (string?)value.Value)))
        .Build()
        .GetSection("HShare");
}
