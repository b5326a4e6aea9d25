using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Sampling;
using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>What <see cref="ScriptedBackend"/> computes, as a function of a plain list of tokens: two layers of prefix hashes.</summary>
internal static class ScriptedModel
{
    public const int Vocabulary = 64;
    public const int ContextLength = 2048;
    public const int Empty = 1;
    private const int LayerCount = 2;
    private const int HeadDim = 2;

    /// <summary>Bytes of a KV cache of so many blocks of 16 tokens.</summary>
    public static long CacheBytes(int blocks) => blocks * 16L * 2 * LayerCount * HeadDim * sizeof(float);

    /// <summary>An engine on the scripted backend.</summary>
    public static InferenceEngine CreateEngine(EngineOptions options, ScriptedBackend? backend = null) => new(Create(backend), options);

    public static LanguageModel Create(ScriptedBackend? backend = null)
    {
        backend ??= new ScriptedBackend();
        ModelConfig config = new()
        {
            Architecture = "ScriptedForCausalLM",
            HiddenSize = HeadDim,
            IntermediateSize = 1,
            LayerCount = LayerCount,
            HeadCount = 1,
            KvHeadCount = 1,
            HeadDim = HeadDim,
            VocabularySize = Vocabulary,
            ContextLength = ContextLength,
            NormEpsilon = 1e-5f,
            Rotary = new RotaryConfig(10000, null),
            SlidingWindows = new int[LayerCount],
            EndOfSequenceIds = [],
        };
        Tensor vector = backend.Allocate(DType.Float32, 1, 1);
        LinearWeight linear = new(vector, Tensor.None, Tensor.None, 1, 1);
        LayerWeights layer = new(vector, linear, null, linear, vector, linear, linear);
        TransformerWeights weights = new(vector, [.. Enumerable.Repeat(layer, LayerCount)], vector, linear);
        return new LanguageModel("/scripted", config, null, GenerationDefaults.None, backend, weights);
    }

    /// <summary>A prompt that nobody else has.</summary>
    public static int[] Prompt(int length, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(Vocabulary))];
    }

    /// <summary>The tokens that must follow a prompt.</summary>
    public static List<int> Continue(IReadOnlyList<int> prompt, int count, SamplingParameters? sampling = null)
    {
        sampling ??= SamplingParameters.Greedy;
        int first = Empty, second = Empty, position = 0;
        TokenCounts seen = new();
        foreach (int token in prompt)
            Read(token);

        List<int> output = [];
        var logits = new float[Vocabulary];
        while (output.Count < count)
        {
            Logits(second, logits);
            float uniform = new RandomStream(sampling.Seed ?? 0).Uniform(output.Count);
            output.Add(Sampler.Sample(logits, new SamplingRow(sampling, uniform, sampling.HasPenalty ? seen : null)));
            Read(output[^1]);
        }

        return output;

        void Read(int token)
        {
            seen.Add(token);
            first = Mix(first, token, position);
            second = Mix(second, first, position++);
        }
    }

    /// <summary>Adds a value at a position to a hash of 24 bits, which a float holds exactly.</summary>
    public static int Mix(int hash, int value, int position)
    {
        uint mixed = ((uint)hash * 31 + (uint)value) * 0x9E3779B1 + (uint)position * 0x85EBCA77;
        mixed = (mixed ^ (mixed >> 15)) * 0x2C1B3C6D;
        return (int)((mixed ^ (mixed >> 13)) & 0xFFFFFF);
    }

    public static void Logits(int hash, Span<float> logits)
    {
        for (int id = 0; id < logits.Length; id++)
            logits[id] = Mix(hash, id, 7) / (float)(1 << 21);
    }
}
