using HShare.AI.Engine.Scheduling;
using HShare.AI.Hosting;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests;

/// <summary>
/// One client of the bundled model for all tests that only ask it questions. They run one after the other, so that each may look at what
/// the engine is left with.
/// </summary>
[CollectionDefinition(nameof(TinyClient))]
public sealed class TinyClient : IAsyncLifetime, ICollectionFixture<TinyClient>
{
    /// <summary>A document with facts of kinds that the model was trained to find.</summary>
    public const string Document =
        "The harbour of Varn lies at the mouth of a slow river. In the spring the boats go out before sunrise, and the women mend the nets "
        + "along the wall. The keeper of the lighthouse is called Tobias Ellery. In winter the wind comes from the north, and nobody goes "
        + "out for weeks. The old men sit by the stove and tell the young ones how it was when the ice reached the second pier. "
        + "The password of the chapel is copper. When the thaw comes, the first boat that leaves the harbour is given a wreath.";

    private HShareChatClient? _client;

    /// <summary>Limits that fit a test machine, and the CPU, whose tokens the tests know, also where there is a GPU.</summary>
    public static HShareOptions Options =>
        new() { Backend = HShareBackend.Cpu, MaxContext = 2048, KvCacheMegabytes = 96, Threads = 2 };

    /// <summary>The client.</summary>
    public HShareChatClient Client => _client ?? throw new InvalidOperationException("The fixture is not ready.");

    /// <summary>The engine behind it.</summary>
    public InferenceEngine Engine => Client.GetRequiredService<InferenceEngine>();

    internal LoadedModel Model => Client.Model.Ready!;

    public async ValueTask InitializeAsync() => _client = await HShareChatClient.CreateAsync(Options);

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
            await _client.DisposeAsync();
    }

    /// <summary>A question on the document.</summary>
    public static ChatMessage Ask(string question) => new(ChatRole.User, $"{Document}\n\n{question}");

    /// <summary>Options for a greedy answer of exactly so many tokens, whatever the model would like to say.</summary>
    public static ChatOptions Tokens(int count) => new()
    {
        MaxOutputTokens = count,
        AdditionalProperties = new() { [GenerationOptionKeys.IgnoreEndOfSequence] = true },
    };

    /// <summary>Waits until no request runs, and asserts that every cache block is free.</summary>
    public async Task AssertIdleAsync()
    {
        for (int i = 0; i < 200 && !IsIdle(Engine.GetStatistics()); i++)
            await Task.Delay(10, TestContext.Current.CancellationToken);

        EngineStatistics statistics = Engine.GetStatistics();
        Assert.True(IsIdle(statistics), statistics.ToString());

        static bool IsIdle(EngineStatistics statistics) =>
            statistics is { Running: 0, Waiting: 0 } && statistics.FreeBlocks == statistics.TotalBlocks;
    }
}
