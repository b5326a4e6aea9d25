using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.Engine.Models;

/// <summary>A model loaded from a Hugging Face folder onto a backend: architecture, weights, tokenizer, generation defaults.</summary>
public sealed class LanguageModel : IDisposable
{
    private const string TokenizerFileName = "tokenizer.json";

    internal LanguageModel(
        string directory,
        ModelConfig config,
        Tokenizer? tokenizer,
        GenerationDefaults generationDefaults,
        Backend backend,
        TransformerWeights weights)
    {
        Name = Path.GetFileName(directory);
        Directory = directory;
        Config = config;
        Tokenizer = tokenizer;
        GenerationDefaults = generationDefaults;
        Backend = backend;
        Weights = weights;
    }

    /// <summary>Loads a model. The model owns the backend from here on, also when loading fails.</summary>
    /// <param name="directory">Folder with config.json, tokenizer.json and the safetensors files.</param>
    /// <param name="backend">Where the weights go.</param>
    /// <param name="format">How linear layers are kept.</param>
    /// <param name="progress">Told the bytes read so far.</param>
    /// <param name="cancellationToken">Ends the loading early.</param>
    /// <exception cref="ModelLoadException">A file is missing, damaged or not supported.</exception>
    /// <exception cref="InsufficientMemoryException">The weights do not fit the memory.</exception>
    /// <exception cref="NotSupportedException">The backend cannot compute heads of the model's shape, or keep weights so.</exception>
    public static LanguageModel Load(
        string directory,
        Backend backend,
        WeightFormat format = WeightFormat.AsStored,
        IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(backend);
        try
        {
            ArgumentException.ThrowIfNullOrEmpty(directory);
            string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
            ModelConfig config = ModelConfigReader.Read(path);
            backend.RequireAttention(new AttentionShape(config.HeadCount, config.KvHeadCount, config.HeadDim, 0));
            GenerationDefaults defaults = GenerationDefaults.Read(path);
            string tokenizerPath = Path.Combine(path, TokenizerFileName);
            Tokenizer? tokenizer = File.Exists(tokenizerPath) ? Tokenizer.Load(tokenizerPath) : null;

            var layout = CheckpointLayout.For(config);
            using var checkpoint = Checkpoint.Open(path, layout);
            WeightLoader loader = new(layout, checkpoint, backend, format, progress, cancellationToken);
            return new LanguageModel(path, config, tokenizer, defaults, backend, loader.Load(config.NormEpsilon));
        }
        catch
        {
            backend.Dispose();
            throw;
        }
    }

    /// <summary>Name of the folder: how the model is called where nothing else is said.</summary>
    public string Name { get; }

    /// <summary>The folder, as an absolute path; of a <see cref="SyntheticModel"/>, the name of its shape.</summary>
    public string Directory { get; }

    /// <summary>The architecture.</summary>
    public ModelConfig Config { get; }

    /// <summary>The tokenizer, or null where the folder has none (a model that is only verified on token ids).</summary>
    public Tokenizer? Tokenizer { get; }

    /// <summary>Sampling defaults from <c>generation_config.json</c>.</summary>
    public GenerationDefaults GenerationDefaults { get; }

    /// <summary>The backend that holds the weights.</summary>
    public Backend Backend { get; }

    /// <summary>The weights.</summary>
    public TransformerWeights Weights { get; }

    /// <summary>Makes the forward pass: rotary angles up to a context length, and the activations of the largest step.</summary>
    /// <param name="maxContext">Most positions.</param>
    /// <param name="maxRows">Most rows of a step.</param>
    public Transformer CreateTransformer(int maxContext, int maxRows) => new(
        Backend, Config, Weights, RotaryEmbedding.CreateTable(Backend, Config.Rotary, Config.HeadDim, maxContext), maxRows);

    /// <summary>Frees the weights and the backend.</summary>
    public void Dispose() => Backend.Dispose();
}

/// <summary>How far loading has come.</summary>
/// <param name="BytesRead">Bytes of weights read so far.</param>
/// <param name="TotalBytes">Bytes of all weights.</param>
public readonly record struct LoadProgress(long BytesRead, long TotalBytes);
