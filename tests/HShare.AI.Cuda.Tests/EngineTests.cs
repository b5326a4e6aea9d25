using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Cuda.Tests;

/// <summary>
/// The engine on the GPU against the engine on the CPU: the bundled model, every attention preset, forced to the same tokens.
/// </summary>
public sealed class EngineTests(ITestOutputHelper output)
{
    private const string Document =
        "The harbour office keeps a book of every boat. The brass key is kept under the painted bench. The lamp was trimmed at nine, "
        + "and the rope was coiled beside the door. Nobody had seen the green lantern since the storm of the second week in March.";

    private const string Answer = " The brass key is kept under the painted bench.";

    // Rounding to 8 significant bits in 12 layers moves a log-probability by some hundredths; a wrong read moves it by whole numbers.
    private const double LargestMeanDifference = 0.15;

    [Theory]
    [InlineData("full")]
    [InlineData("streaming-llm:budget=64,sinks=4")]
    [InlineData("quest:budget=64,sinks=4,window=16")]
    [InlineData("h2o:budget=64")]
    [InlineData("hshare:1/2-1/2-1/2,budget=64,sinks=4,window=16,retriever=exact")]
    [InlineData("double-sparse:budget=64,sinks=4,window=16")]
    [InlineData("pod:keys,threshold=0.3,proximal=4+28")]
    [InlineData("pod:scores,threshold=0.3,proximal=4+28")]
    [InlineData("hshare+pod:budget=64,sinks=4,window=16,proximal=4+28")]
    public async Task Every_preset_reads_what_the_cpu_reads(string preset)
    {
        var options = new EngineOptions { MaxContext = 256, MaxBatch = 2, Attention = AttentionPreset.Parse(preset) };
        List<float> expected = await LogprobsAsync(new CpuBackend(), options), actual = await LogprobsAsync(Gpu.Backend(), options);

        double mean = expected.Zip(actual, (a, b) => Math.Abs(a - b)).Average();
        output.WriteLine($"{preset}: mean difference {mean:0.0000}, {string.Join(" ", actual.Select(x => $"{x:0.00}"))}");
        Assert.InRange(mean, 0, LargestMeanDifference);
    }

    private static async Task<List<float>> LogprobsAsync(Backend backend, EngineOptions options)
    {
        var model = LanguageModel.Load(TestFiles.TinyModel, backend, cancellationToken: TestContext.Current.CancellationToken);
        await using InferenceEngine engine = new(model, options);
        int steps = Gpu.IsEmulated ? 5 : 12;
        Generation generation = engine.Submit(new GenerationRequest
        {
            Prompt = model.Tokenizer!.Encode($"{Document} Where is the brass key kept?"),
            Continuation = [.. model.Tokenizer.Encode(Answer).Where(id => id > 0).Take(steps)],
            MaxOutputTokens = steps,
            TopLogprobs = 0,
        });
        List<float> logprobs = [];
        await foreach (GeneratedToken token in generation.ReadAllAsync(TestContext.Current.CancellationToken))
            logprobs.Add(token.Logprobs!.Logprob);
        return logprobs;
    }
}
