using System.Text.Json;

namespace HShare.AI.Engine.Models;

/// <summary>
/// Reads <c>config.json</c>. A key that is absent has the value that transformers gives it for the architecture; what would change
/// the arithmetic and is not supported is refused by name.
/// </summary>
internal static class ModelConfigReader
{
    private const int MaxLayers = 4096; // far above any model: a damaged number is refused before lists of that length are made

    private static readonly string[] MixtureOfExpertsKeys =
        ["num_local_experts", "num_experts", "n_routed_experts", "moe_intermediate_size"];

    private static readonly Architecture[] Supported =
    [
        new("LlamaForCausalLM", "llama") { Intermediate = 11008, Context = 2048, BeginId = 1, EndId = 2 },
        new("MistralForCausalLM", "mistral") { Intermediate = 14336, Context = 131072, KvHeads = 8, BeginId = 1, EndId = 2 },
        new("Qwen2ForCausalLM", "qwen2") { Vocabulary = 151936, Intermediate = 22016, Context = 32768, KvHeads = 32 },
        new("Qwen3ForCausalLM", "qwen3") { Vocabulary = 151936, Intermediate = 22016, Context = 32768, KvHeads = 32, HeadDim = 128 },
    ];

    /// <summary>An architecture and what transformers assumes where a key is absent.</summary>
    private sealed record Architecture(string Name, string ModelType)
    {
        public int Vocabulary { get; init; } = 32000;

        public int Intermediate { get; init; }

        public int Context { get; init; }

        public int? KvHeads { get; init; } // null = as many as query heads

        public int? HeadDim { get; init; } // null = hidden size / heads

        public int? BeginId { get; init; }

        public int? EndId { get; init; }

        public bool IsQwen => ModelType is "qwen2" or "qwen3";
    }

    /// <summary>Reads the architecture of a model folder.</summary>
    /// <exception cref="ModelLoadException">The folder or its config.json is missing, damaged or not supported.</exception>
    public static ModelConfig Read(string directory)
    {
        if (!Directory.Exists(directory))
            throw new ModelLoadException(directory, "There is no such folder.");

        return Parse(
            ModelJson.Read(Path.Combine(directory, "config.json")),
            ModelJson.ReadOptional(Path.Combine(directory, GenerationDefaults.FileName)));
    }

    /// <summary>Reads an architecture.</summary>
    /// <param name="json">The contents of config.json.</param>
    /// <param name="generation">The contents of generation_config.json, or null.</param>
    /// <exception cref="ModelLoadException">Something is not supported or not possible.</exception>
    public static ModelConfig Parse(ModelJson json, ModelJson? generation)
    {
        Architecture architecture = ReadArchitecture(json);
        RefuseUnsupported(json);

        int hidden = Positive(json, "hidden_size", 4096);
        int heads = Positive(json, "num_attention_heads", 32);
        int kvHeads = ReadKvHeads(json, architecture, heads);
        int headDim = ReadHeadDim(json, architecture, hidden, heads, kvHeads);
        int layers = Positive(json, "num_hidden_layers", 32, MaxLayers);
        int vocabulary = Positive(json, "vocab_size", architecture.Vocabulary);
        bool attentionBias = architecture.ModelType is "llama" or "qwen3" && (json.Boolean("attention_bias") ?? false);

        return new ModelConfig
        {
            Architecture = architecture.Name,
            HiddenSize = hidden,
            IntermediateSize = Positive(json, "intermediate_size", architecture.Intermediate, int.MaxValue / 2),
            LayerCount = layers,
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadDim = headDim,
            VocabularySize = vocabulary,
            ContextLength = Positive(json, "max_position_embeddings", architecture.Context),
            NormEpsilon = ReadNormEpsilon(json),
            Rotary = RotaryConfig.Read(json),
            TieEmbeddings = json.Boolean("tie_word_embeddings") ?? false,
            QkvBias = architecture.ModelType == "qwen2" || attentionBias,
            OutputBias = attentionBias,
            FeedForwardBias = architecture.ModelType == "llama" && (json.Boolean("mlp_bias") ?? false),
            HeadNorms = architecture.ModelType == "qwen3",
            SlidingWindows = ReadSlidingWindows(json, architecture, layers),
            EndOfSequenceIds = ReadEndIds(json, generation, architecture, vocabulary),
            BeginOfSequenceId = json.Has("bos_token_id") ? json.Int32("bos_token_id") : architecture.BeginId,
        };
    }

    private static Architecture ReadArchitecture(ModelJson json)
    {
        string? name = json.Texts("architectures")?.FirstOrDefault();
        string? modelType = json.Text("model_type");
        Architecture? found = Supported.FirstOrDefault(a => name is null ? a.ModelType == modelType : a.Name == name);
        if (found is not null)
            return found;

        string known = string.Join(", ", Supported.Select(a => a.Name));
        throw new ModelLoadException(json.File, name is null && modelType is null
            ? $"Neither architectures nor model_type says what model this is. Supported are {known}."
            : $"The architecture {name ?? modelType} is not supported. Supported are {known}.");
    }

    private static void RefuseUnsupported(ModelJson json)
    {
        if (json.Object("quantization_config") is { } quantization)
        {
            string method = quantization.Text("quant_method") ?? "unnamed";
            throw json.Error("quantization_config", $"({method}) is not supported. Use the unquantised checkpoint in BF16, F16 or F32.");
        }

        foreach (string key in MixtureOfExpertsKeys)
        {
            if (json.Int32(key) is > 0)
                throw json.Error(key, "says that this is a mixture of experts, which is not supported.");
        }

        if (json.Text("hidden_act") is { } activation and not "silu")
            throw json.Error("hidden_act", $"is \"{activation}\"; only silu is supported.");
        if (json.Number("partial_rotary_factor") is { } share and not 1)
            throw json.Error("partial_rotary_factor", $"is {share}; only models that rotate whole heads are supported.");
    }

    private static int ReadKvHeads(ModelJson json, Architecture architecture, int heads)
    {
        int fallback = json.Has("num_key_value_heads") ? heads : architecture.KvHeads ?? heads;
        int kvHeads = Positive(json, "num_key_value_heads", fallback);
        return heads % kvHeads == 0
            ? kvHeads
            : throw json.Error("num_attention_heads", $"is {heads}, which is not a multiple of num_key_value_heads, {kvHeads}.");
    }

    private static int ReadHeadDim(ModelJson json, Architecture architecture, int hidden, int heads, int kvHeads)
    {
        int? stated = json.Int32("head_dim") ?? architecture.HeadDim;
        if (stated is null && hidden % heads != 0)
            throw json.Error("hidden_size", $"is {hidden}, no multiple of num_attention_heads, {heads}, and there is no head_dim.");

        int headDim = stated ?? hidden / heads;
        if (headDim <= 0 || headDim % 2 != 0)
            throw json.Error("head_dim", $"is {headDim}; it has to be positive and even, because elements are rotated in pairs.");
        if ((heads + 2L * kvHeads) * headDim > int.MaxValue)
            throw json.Error("head_dim", $"is {headDim}, which is too much for {heads} heads.");
        return headDim;
    }

    private static float ReadNormEpsilon(ModelJson json)
    {
        double epsilon = json.Number("rms_norm_eps") ?? 1e-6;
        return epsilon is > 0 and < 1 ? (float)epsilon : throw json.Error("rms_norm_eps", $"is {epsilon}; it has to be between 0 and 1.");
    }

    private static int[] ReadSlidingWindows(ModelJson json, Architecture architecture, int layers)
    {
        var windows = new int[layers];
        if (architecture.ModelType == "mistral")
        {
            // An explicit null means full attention; an absent key means the first Mistral's window.
            if (!json.Has("sliding_window") || json.Int32("sliding_window") is not null)
                System.Array.Fill(windows, Positive(json, "sliding_window", 4096));
        }
        else if (architecture.IsQwen)
        {
            ReadQwenWindows(json, windows);
        }

        return windows;
    }

    private static void ReadQwenWindows(ModelJson json, Span<int> windows)
    {
        bool explicitlyNone = json.KindOf("sliding_window") == JsonValueKind.Null;
        int window = json.Boolean("use_sliding_window") == true && !explicitlyNone ? Positive(json, "sliding_window", 4096) : 0;
        int firstWindowed = json.Int32("max_window_layers") ?? 28;
        IReadOnlyList<string>? types = json.Texts("layer_types");
        if (types is not null && types.Count != windows.Length)
            throw json.Error("layer_types", $"has {types.Count} entries for {windows.Length} layers.");

        for (int i = 0; i < windows.Length; i++)
        {
            bool windowed = types?[i] switch
            {
                null => i >= firstWindowed,
                "full_attention" => false,
                "sliding_attention" when window > 0 => true,
                "sliding_attention" => throw json.Error("layer_types", "asks for sliding_attention, but use_sliding_window is not true."),
                string other => throw json.Error("layer_types", $"has \"{other}\"; full_attention and sliding_attention are supported."),
            };
            windows[i] = windowed ? window : 0;
        }
    }

    private static IReadOnlyList<int> ReadEndIds(ModelJson json, ModelJson? generation, Architecture architecture, int vocabulary)
    {
        const string Key = "eos_token_id";
        ModelJson source = generation is not null && generation.KindOf(Key) is not (JsonValueKind.Undefined or JsonValueKind.Null)
            ? generation
            : json;
        IReadOnlyList<int> ids = source.KindOf(Key) switch
        {
            JsonValueKind.Undefined => architecture.EndId is { } id ? [id] : [],
            JsonValueKind.Null => [],
            JsonValueKind.Array => source.Int32s(Key)!,
            _ => [source.Int32(Key)!.Value],
        };

        foreach (int id in ids)
        {
            if (id < 0 || id >= vocabulary)
                throw source.Error(Key, $"is {id}, which is not an id of a vocabulary of {vocabulary}.");
        }

        return ids;
    }

    private static int Positive(ModelJson json, string key, int fallback, int largest = int.MaxValue)
    {
        int value = json.Int32(key) ?? fallback;
        return value > 0 && value <= largest
            ? value
            : throw json.Error(key, $"is {value}; a whole number from 1 to {largest} was expected.");
    }
}
