using System.Diagnostics;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>Memory is measured for the whole process, so no other test runs meanwhile.</summary>
[CollectionDefinition(nameof(SteadyMemoryTests), DisableParallelization = true)]
[Collection(nameof(SteadyMemoryTests))]
public sealed class SteadyMemoryTests(ITestOutputHelper output)
{
    private const int Batch = 32;
    private const int OutputTokens = 125;
    private const int Rounds = 5;
    private const int Tokens = Batch * OutputTokens * Rounds;
    private const long Mebibyte = 1 << 20;

    [Fact]
    public async Task It_does_not_grow_over_20000_decoded_tokens()
    {
        EngineOptions options = new() { MaxContext = 128, MaxBatch = Batch, BlockSize = 16 };
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        var model = LanguageModel.Load(TestFiles.TinyModel, new CpuBackend(), cancellationToken: cancellation);
        await using InferenceEngine engine = new(model, options);
        await DecodeAsync(engine, rounds: 1, seed: 1); // a full batch of full contexts: every block has been touched
        (long workingSet, long managed) = Measure();
        long generated = engine.GetStatistics().GeneratedTokens;
        long allocated = GC.GetTotalAllocatedBytes();
        var clock = Stopwatch.StartNew();

        await DecodeAsync(engine, Rounds, seed: 2);

        double bytesPerToken = (GC.GetTotalAllocatedBytes() - allocated) / (double)Tokens;
        TimeSpan time = clock.Elapsed;
        (long workingSetAfter, long managedAfter) = Measure();
        output.WriteLine($"working set {workingSet / Mebibyte} -> {workingSetAfter / Mebibyte} MiB");
        output.WriteLine($"managed {managed} -> {managedAfter} bytes");
        output.WriteLine($"{bytesPerToken:0} bytes allocated a token, {time.TotalSeconds:0.0} s");
        Assert.Equal(Tokens, engine.GetStatistics().GeneratedTokens - generated);
        Assert.InRange(workingSetAfter - workingSet, long.MinValue, 12 * Mebibyte);
        Assert.InRange(managedAfter - managed, long.MinValue, Mebibyte / 4);
        EngineAssert.PoolIsWhole(engine);
    }

    private static Task DecodeAsync(InferenceEngine engine, int rounds, int seed) =>
        Task.WhenAll(Enumerable.Range(0, Batch).Select(async caller =>
        {
            for (int round = 0; round < rounds; round++)
                await engine.RunAsync(new() { Prompt = [300 + caller, 400 * seed + round], MaxOutputTokens = OutputTokens, StopIds = [] });
        }));

    private static (long WorkingSet, long Managed) Measure()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return (process.WorkingSet64, GC.GetTotalMemory(forceFullCollection: true));
    }
}
