using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Models;

/// <summary>Models of known shapes with random weights, for measuring speed where no checkpoint is at hand. They talk noise.</summary>
public static class SyntheticModel
{
    private const int Seed = 20240611;

    private static readonly RotaryConfig Llama2Rotary = new(10000, null);
    private static readonly RotaryConfig Llama3Rotary = new(500000, null);
    private static readonly RotaryConfig Llama32Rotary = new(500000, new Llama3RotaryScaling(32, 1, 4, 8192));

    private static readonly Dictionary<string, ModelConfig> Shapes = new()
    {
        ["hshare-tiny"] = Llama(384, 1024, layers: 12, heads: 6, kvHeads: 2, headDim: 64, 8192, 8192, Llama3Rotary, tied: true),
        ["llama-1b"] = Llama(2048, 8192, layers: 16, heads: 32, kvHeads: 8, headDim: 64, 128256, 131072, Llama32Rotary, tied: true),
        ["llama2-7b"] = Llama(4096, 11008, layers: 32, heads: 32, kvHeads: 32, headDim: 128, 32000, 4096, Llama2Rotary),
        ["llama3-8b"] = Llama(4096, 14336, layers: 32, heads: 32, kvHeads: 8, headDim: 128, 128256, 8192, Llama3Rotary),
        ["llama3-70b"] = Llama(8192, 28672, layers: 80, heads: 64, kvHeads: 8, headDim: 128, 128256, 8192, Llama3Rotary),
        ["mistral-7b"] = Mistral(Llama(4096, 14336, layers: 32, heads: 32, kvHeads: 8, headDim: 128, 32000, 32768, Llama2Rotary)),
    };

    /// <summary>Names of the shapes that can be made.</summary>
    public static IReadOnlyCollection<string> ShapeNames => Shapes.Keys;

    /// <summary>The architecture of a shape.</summary>
    /// <param name="shape">One of <see cref="ShapeNames"/>.</param>
    /// <exception cref="ArgumentException">There is no such shape; the message lists them.</exception>
    public static ModelConfig GetConfig(string shape) => Shapes.TryGetValue(shape, out ModelConfig? config)
        ? config
        : throw new ArgumentException($"There is no shape \"{shape}\". Shapes are {string.Join(", ", ShapeNames)}.", nameof(shape));

    /// <summary>Makes a model. It owns the backend from here on, also when this fails.</summary>
    /// <param name="shape">One of <see cref="ShapeNames"/>.</param>
    /// <param name="backend">Where the weights go.</param>
    /// <param name="format">How linear layers are kept; they are made in bfloat16.</param>
    /// <param name="progress">Told the bytes made so far.</param>
    /// <param name="cancellationToken">Ends the making early.</param>
    /// <param name="context">Most positions; null = as many as models of this shape have.</param>
    /// <exception cref="ArgumentException">There is no such shape; the message lists them.</exception>
    /// <exception cref="InsufficientMemoryException">The weights do not fit the memory.</exception>
    public static LanguageModel Create(
        string shape,
        Backend backend,
        WeightFormat format = WeightFormat.AsStored,
        IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default,
        int? context = null)
    {
        ArgumentNullException.ThrowIfNull(backend);
        try
        {
            ModelConfig config = GetConfig(shape);
            config = config with { ContextLength = context ?? config.ContextLength };
            var layout = CheckpointLayout.For(config);
            using RandomWeights weights = new(layout, Seed);
            WeightLoader loader = new(layout, weights, backend, format, progress, cancellationToken);
            return new LanguageModel(shape, config, tokenizer: null, GenerationDefaults.None, backend, loader.Load(config.NormEpsilon));
        }
        catch
        {
            backend.Dispose();
            throw;
        }
    }

    private static ModelConfig Llama(
        int hidden,
        int intermediate,
        int layers,
        int heads,
        int kvHeads,
        int headDim,
        int vocabulary,
        int context,
        RotaryConfig rotary,
        bool tied = false) => new()
        {
            Architecture = "LlamaForCausalLM",
            HiddenSize = hidden,
            IntermediateSize = intermediate,
            LayerCount = layers,
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadDim = headDim,
            VocabularySize = vocabulary,
            ContextLength = context,
            NormEpsilon = 1e-5f,
            Rotary = rotary,
            TieEmbeddings = tied,
            SlidingWindows = new int[layers],
        };

    private static ModelConfig Mistral(ModelConfig llama) => llama with
    {
        Architecture = "MistralForCausalLM",
        SlidingWindows = [.. Enumerable.Repeat(4096, llama.LayerCount)],
    };
}
