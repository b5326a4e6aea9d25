using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>The bundled model with presets that need no calibration, and plans for it in temporary files, deleted at the end.</summary>
public sealed class SparsePresets : IDisposable
{
    public const int Layers = 12, KvHeads = 2;

    private readonly string _folder = Directory.CreateTempSubdirectory("hshare-plans-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>A sparse preset of each kind. All fit an engine that was created with these.</summary>
    /// <param name="budget">Tokens read; at least 80.</param>
    public AttentionPreset[] All(int budget) =>
    [
        AttentionPreset.Parse($"h2o:budget={budget}"),
        AttentionPreset.Parse($"quest:budget={budget},sinks=8,window=24"),
        AttentionPreset.Parse($"streaming-llm:budget={budget},sinks=3"),
        AttentionPreset.Parse($"hshare:1-1-1,retriever=exact,budget={budget},sinks=8,window=24"),
        AttentionPreset.Parse($"hshare:1-1-1/4,retriever=pages,budget={budget},sinks=16,window=16"),
        AttentionPreset.Parse($"hshare:1-1-1/3,retriever=exact,budget={budget},sinks=8,window=24"),
        AttentionPreset.Parse($"hshare:plan={SharedPlan(interval: 2)},retriever=exact,budget={budget},sinks=8,window=24"),
        AttentionPreset.Parse($"quest:budget=1/2,sinks=8,window=24,dense=2"),
    ];

    /// <summary>
    /// A file with a plan in which layers and heads borrow, the first layer is dense, and a choice serves for some steps.
    /// </summary>
    public string SharedPlan(int interval)
    {
        HeadRule[] rules = [.. SharingPlan.Independent(Layers, KvHeads).Rules];
        for (int layer = 2; layer < Layers; layer += 2) // an odd layer leads the even one behind it
        {
            rules[layer * KvHeads] = new HeadRule(HeadSharing.ShareIndices, layer - 1, 0);
            rules[layer * KvHeads + 1] = new HeadRule(HeadSharing.ShareIndices, layer - 1, layer % 4 == 0 ? 0 : 1);
        }

        rules[5 * KvHeads] = new HeadRule(HeadSharing.ShareIndices, 5, 1); // a head that borrows inside its layer
        rules[6 * KvHeads] = new HeadRule(HeadSharing.ShareIndices, 5, 1);
        return Save(SharingPlan.Independent(Layers, KvHeads) with
        {
            Rules = rules,
            Interval = interval,
            Dilation = interval - 1,
            DenseLayers = 1,
        });
    }

    /// <summary>A file with a plan for PoD: a third of the layers lead for each KV head, with other leaders for the other head.</summary>
    public string DistantPlan(HeadSharing sharing, int interval = 1)
    {
        HeadRule[] rules = [.. SharingPlan.Independent(Layers, KvHeads).Rules];
        for (int layer = 0; layer < Layers; layer++)
        {
            if (layer % 3 > 0)
                rules[layer * KvHeads] = new HeadRule(sharing, layer - layer % 3, 0);
            if (layer % 4 > 1)
                rules[layer * KvHeads + 1] = new HeadRule(sharing, layer - layer % 4 + 1, 1);
        }

        return Save(SharingPlan.Independent(Layers, KvHeads) with { Rules = rules, Interval = interval, Dilation = interval - 1 });
    }

    /// <summary>Writes a plan to a file.</summary>
    public string Save(SharingPlan plan)
    {
        string path = Path.Combine(_folder, $"{Guid.NewGuid():N}.json");
        new SharingPlanFile(plan).Save(path);
        return path;
    }

    /// <summary>An engine on the bundled model.</summary>
    public static InferenceEngine Create(EngineOptions options, int? threads = null) => new(
        LanguageModel.Load(TestFiles.TinyModel, new CpuBackend(threads), cancellationToken: TestContext.Current.CancellationToken),
        options);

    /// <summary>An engine that answers with any of some presets; the first is its default.</summary>
    public static InferenceEngine Create(AttentionPreset[] presets, EngineOptions options, int? threads = null) =>
        Create(options with { Attention = presets[0], AttentionPresets = presets }, threads);

    /// <summary>A request that nothing ends but its limit, with log-probabilities.</summary>
    public static GenerationRequest Request(int promptLength, int output, AttentionPreset? preset = null, int seed = 1) => new()
    {
        Prompt = Prompt(promptLength, seed),
        MaxOutputTokens = output,
        StopIds = [],
        TopLogprobs = 0,
        Sampling = new SamplingParameters { Temperature = 0.9f, TopP = 0.95f, RepetitionPenalty = 1.05f, Seed = 7 },
        Attention = preset,
    };

    /// <summary>A prompt of random words.</summary>
    public static int[] Prompt(int length, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(300, 8000))];
    }

    /// <summary>The tokens of a generation with their log-probabilities: equal only where every bit is.</summary>
    public static async Task<List<(int Id, float Logprob)>> ReadAsync(Generation generation) =>
        [.. (await generation.ReadTokensAsync()).Select(token => (token.Id, token.Logprobs!.Logprob))];

    /// <summary>Runs a request to its end.</summary>
    public static Task<List<(int Id, float Logprob)>> RunAsync(InferenceEngine engine, GenerationRequest request) =>
        ReadAsync(engine.Submit(request));
}
