using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Tokenization;

namespace HShare.AI.Engine.Models;

/// <summary>A model loaded from a Hugging Face folder onto a backend: architecture, weights, tokenizer, generation defaults.</summary>
public sealed class LanguageModel : IDisposable
{
    /// <summary>Loads a model. The model owns the backend from here on, also when loading fails.</summary>
    /// <param name="directory">Folder with config.json, tokenizer.json and the safetensors files.</param>
    /// <param name="backend">Where the weights go.</param>
    /// <param name="format">How linear layers are kept.</param>
    /// <param name="progress">Told the bytes read so far.</param>
    /// <param name="cancellationToken">Ends the loading early.</param>
    /// <exception cref="ModelLoadException">A file is missing, damaged or not supported.</exception>
    /// <exception cref="InsufficientMemoryException">The weights do not fit the memory.</exception>
    public static LanguageModel Load(
        string directory,
        Backend backend,
        WeightFormat format = WeightFormat.AsStored,
        IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Name of the folder: how the model is called where nothing else is said.</summary>
    public string Name => throw new NotImplementedException();

    /// <summary>The folder, as an absolute path.</summary>
    public string Directory => throw new NotImplementedException();

    /// <summary>The architecture.</summary>
    public ModelConfig Config => throw new NotImplementedException();

    /// <summary>The tokenizer, or null where the folder has none (a model that is only verified on token ids).</summary>
    public Tokenizer? Tokenizer => throw new NotImplementedException();

    /// <summary>Sampling defaults from <c>generation_config.json</c>.</summary>
    public GenerationDefaults GenerationDefaults => throw new NotImplementedException();

    /// <summary>The backend that holds the weights.</summary>
    public Backend Backend => throw new NotImplementedException();

    /// <summary>The weights.</summary>
    public TransformerWeights Weights => throw new NotImplementedException();

    /// <summary>Makes the forward pass: rotary angles up to a context length, and the activations of the largest step.</summary>
    /// <param name="maxContext">Most positions.</param>
    /// <param name="maxRows">Most rows of a step.</param>
    public Transformer CreateTransformer(int maxContext, int maxRows) => throw new NotImplementedException();

    /// <summary>Frees the weights and the backend.</summary>
    public void Dispose() => throw new NotImplementedException();
}

/// <summary>How far loading has come.</summary>
/// <param name="BytesRead">Bytes of weights read so far.</param>
/// <param name="TotalBytes">Bytes of all weights.</param>
public readonly record struct LoadProgress(long BytesRead, long TotalBytes);

/// <summary>Sampling defaults that a model ships in <c>generation_config.json</c>; null where it says nothing.</summary>
/// <param name="DoSample">Whether to sample at all; false = greedy.</param>
/// <param name="Temperature">See <see cref="Sampling.SamplingParameters.Temperature"/>.</param>
/// <param name="TopK">See <see cref="Sampling.SamplingParameters.TopK"/>.</param>
/// <param name="TopP">See <see cref="Sampling.SamplingParameters.TopP"/>.</param>
/// <param name="MinP">See <see cref="Sampling.SamplingParameters.MinP"/>.</param>
/// <param name="RepetitionPenalty">See <see cref="Sampling.SamplingParameters.RepetitionPenalty"/>.</param>
public sealed record GenerationDefaults(
    bool? DoSample, float? Temperature, int? TopK, float? TopP, float? MinP, float? RepetitionPenalty);
