using System.Text.Json;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Models;

/// <summary>What a model folder holds, read from its configuration and the headers of its weights: nothing is loaded.</summary>
public sealed record ModelSummary
{
    /// <summary>Name of the folder.</summary>
    public required string Name { get; init; }

    /// <summary>The architecture: layers, heads, context length, rotary settings, end-of-sequence ids and so on.</summary>
    public required ModelConfig Config { get; init; }

    /// <summary>Weights of the model; a tied embedding table counts once.</summary>
    public required long ParameterCount { get; init; }

    /// <summary>Element types of the weights, the one with the most bytes first.</summary>
    public required IReadOnlyList<DType> WeightTypes { get; init; }

    /// <summary>Bytes of the weights.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Number of safetensors files.</summary>
    public required int WeightFileCount { get; init; }

    /// <summary>Sampling defaults from <c>generation_config.json</c>.</summary>
    public required GenerationDefaults GenerationDefaults { get; init; }

    /// <summary>Whether there is a <c>tokenizer.json</c>.</summary>
    public required bool HasTokenizer { get; init; }

    /// <summary>Whether there is a chat template, in <c>chat_template.jinja</c> or in <c>tokenizer_config.json</c>.</summary>
    public required bool HasChatTemplate { get; init; }

    /// <summary>Reads a model folder and checks that its weights are what its configuration says.</summary>
    /// <exception cref="ModelLoadException">A file is missing, damaged or not supported.</exception>
    public static ModelSummary Read(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        ModelConfig config = ModelConfigReader.Read(path);
        var layout = CheckpointLayout.For(config);
        using var checkpoint = Checkpoint.Open(path, layout);
        List<Tensor> weights = [.. layout.Tensors.Select(checkpoint.Get)];
        return new ModelSummary
        {
            Name = Path.GetFileName(path),
            Config = config,
            ParameterCount = layout.ParameterCount,
            WeightTypes = [.. weights.GroupBy(w => w.Type).OrderByDescending(g => g.Sum(w => w.ByteCount)).Select(g => g.Key)],
            WeightBytes = weights.Sum(w => w.ByteCount),
            WeightFileCount = checkpoint.FileCount,
            GenerationDefaults = GenerationDefaults.Read(path),
            HasTokenizer = File.Exists(Path.Combine(path, "tokenizer.json")),
            HasChatTemplate = FindChatTemplate(path),
        };
    }

    /// <summary>Bytes of keys and values that one token takes in a cache of a type.</summary>
    /// <param name="type">float32, float16 or bfloat16.</param>
    public long KvBytesPerToken(DType type) =>
        new KvCacheShape(Config.LayerCount, Config.KvHeadCount, Config.HeadDim, BlockSize: 1, BlockCount: 1, type).BytesPerToken;

    private static bool FindChatTemplate(string directory) =>
        File.Exists(Path.Combine(directory, "chat_template.jinja"))
        || ModelJson.ReadOptional(Path.Combine(directory, "tokenizer_config.json"))?.KindOf("chat_template")
            is JsonValueKind.String or JsonValueKind.Array;
}
