using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Models;

namespace HShare.Cli.Bench.Gpu;

/// <summary>A shape with random weights in some format, and what it takes.</summary>
/// <param name="Shape">One of <see cref="SyntheticModel.ShapeNames"/>.</param>
/// <param name="Weights">Format of the weights.</param>
/// <param name="Kv">Element type of the cache; null = the backend's usual one.</param>
/// <param name="Open">Opens the device anew, with all its memory.</param>
internal sealed record SyntheticBench(string Shape, WeightFormat Weights, DType? Kv, Func<BenchDevice> Open)
{
    /// <summary>Left to activations, working memory and the copies that the limits are measured with.</summary>
    private const long Reserve = 4L << 30;

    /// <summary>The architecture.</summary>
    public ModelConfig Config => SyntheticModel.GetConfig(Shape);

    /// <summary>
    /// Weights that a step multiplies with: all but the embedding table (which is the output projection too, where they are tied).
    /// </summary>
    public long MultipliedWeights
    {
        get
        {
            ModelConfig config = Config;
            return LayerWeights + (long)config.VocabularySize * config.HiddenSize;
        }
    }

    /// <summary>The weights of the layers' matrices.</summary>
    public long LayerWeights
    {
        get
        {
            ModelConfig config = Config;
            long attention = (2L * config.HeadCount + 2L * config.KvHeadCount) * config.HeadDim * config.HiddenSize;
            return config.LayerCount * (attention + 3L * config.IntermediateSize * config.HiddenSize);
        }
    }

    /// <summary>Bytes of one weight.</summary>
    public int BytesOfWeight => Weights is WeightFormat.Int8 or WeightFormat.Float8 ? 1 : 2;

    /// <summary>Bytes of the weights that a step reads.</summary>
    public long StepWeightBytes => MultipliedWeights * BytesOfWeight;

    /// <summary>Bytes of all weights on the device.</summary>
    public long WeightBytes => StepWeightBytes + 2L * Config.VocabularySize * Config.HiddenSize;

    /// <summary>Element type of the cache on a device.</summary>
    public DType KvOn(BenchDevice device) => Kv ?? device.Backend.CacheTypes[0];

    /// <summary>A preset for this shape.</summary>
    /// <exception cref="InputException">It is no preset, or needs a model's calibration.</exception>
    public AttentionPolicy Policy(string preset)
    {
        try
        {
            return RatioPlan.Policy(AttentionPreset.Parse(preset), Config.LayerCount, Config.KvHeadCount, Config.HeadDim);
        }
        catch (ArgumentException error)
        {
            throw new InputException($"--attention: {error.Message}", error);
        }
    }

    /// <summary>Why weights and a cache do not fit a device, or null where they do.</summary>
    public string? Misfit(BenchDevice device, AttentionPolicy policy, int batch, int context)
    {
        ModelConfig config = Config;
        KvCacheShape cache = new(config.LayerCount, config.KvHeadCount, config.HeadDim, KvMemory.BlockSize, 0, KvOn(device))
        {
            HasPageBounds = policy.Retriever == Retriever.PageBounds,
            LabelChannels = policy.LabelChannels == 0
                ? []
                : RatioPlan.LabelChannels(config.LayerCount, config.KvHeadCount, config.HeadDim, policy.LabelChannels),
        };
        long blocks = (context + KvMemory.BlockSize - 1L) / KvMemory.BlockSize * batch, reserve = Math.Min(Reserve, device.Memory / 8);
        long cacheBytes = blocks * cache.BlockBytes;
        return WeightBytes + cacheBytes + reserve <= device.Memory
            ? null
            : $"{Gib(WeightBytes)} GiB of weights and {Gib(cacheBytes)} GiB of cache do not fit in {Gib(device.Memory - reserve)} GiB";
    }

    /// <summary>Loads the model onto a device, which it owns from here on.</summary>
    /// <param name="device">The device.</param>
    /// <param name="context">Most positions, where that is more than the shape's own.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    public LanguageModel Load(BenchDevice device, int context, CancellationToken cancellationToken) => SyntheticModel.Create(
        Shape, device.Backend, Weights, null, cancellationToken, Math.Max(context, Config.ContextLength));

    private static string Gib(long bytes) => $"{bytes / (double)(1L << 30):0.0}";
}
