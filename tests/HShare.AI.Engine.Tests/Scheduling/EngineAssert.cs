using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>Reading and checking generations.</summary>
internal static class EngineAssert
{
    /// <summary>Longest that anything in these tests may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Waits for a task, but not for ever.</summary>
    public static Task InTime(this Task task) => task.WaitAsync(Patience, TestContext.Current.CancellationToken);

    /// <inheritdoc cref="InTime(Task)"/>
    public static Task<T> InTime<T>(this Task<T> task) => task.WaitAsync(Patience, TestContext.Current.CancellationToken);

    /// <summary>Waits until something is true, but not for ever.</summary>
    public static async Task Until(Func<bool> condition)
    {
        for (DateTime end = DateTime.UtcNow + Patience; !condition();)
        {
            Assert.True(DateTime.UtcNow < end, "It took too long.");
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Reads a generation to its end.</summary>
    public static Task<List<GeneratedToken>> ReadTokensAsync(this Generation generation)
    {
        return Read().InTime();

        async Task<List<GeneratedToken>> Read()
        {
            List<GeneratedToken> tokens = [];
            await foreach (GeneratedToken token in generation.ReadAllAsync(TestContext.Current.CancellationToken))
                tokens.Add(token);
            return tokens;
        }
    }

    /// <summary>Reads a generation to its end.</summary>
    public static async Task<List<int>> ReadIdsAsync(this Generation generation) =>
        [.. (await generation.ReadTokensAsync()).Select(token => token.Id)];

    /// <summary>Runs a request to its end.</summary>
    public static Task<List<int>> RunAsync(this InferenceEngine engine, GenerationRequest request) => engine.Submit(request).ReadIdsAsync();

    /// <summary>Runs a greedy request to its end.</summary>
    public static Task<List<int>> RunAsync(this InferenceEngine engine, IReadOnlyList<int> prompt, int output, string? cacheKey = null) =>
        engine.RunAsync(new GenerationRequest { Prompt = prompt, MaxOutputTokens = output, CacheKey = cacheKey });

    /// <summary>Asserts that nobody holds a block any more.</summary>
    public static void PoolIsWhole(InferenceEngine engine)
    {
        EngineStatistics statistics = engine.GetStatistics();
        Assert.Equal(statistics.TotalBlocks, statistics.FreeBlocks);
        Assert.Equal(0, statistics.Running);
        Assert.Equal(0, statistics.Waiting);
    }
}
