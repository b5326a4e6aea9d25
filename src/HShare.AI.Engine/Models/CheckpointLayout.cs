namespace HShare.AI.Engine.Models;

/// <summary>A tensor that an architecture needs.</summary>
/// <param name="Name">Its name in a Hugging Face checkpoint.</param>
/// <param name="Rows">Rows; 1 for a vector.</param>
/// <param name="Columns">Columns, or elements of a vector.</param>
/// <param name="IsVector">Whether the checkpoint holds it with one dimension.</param>
internal sealed record TensorSpec(string Name, int Rows, int Columns, bool IsVector)
{
    /// <summary>Number of elements.</summary>
    public long ElementCount => (long)Rows * Columns;

    /// <summary>The shape as a checkpoint writes it.</summary>
    public string ShapeText => IsVector ? $"[{Columns}]" : $"[{Rows}, {Columns}]";

    /// <summary>Whether a stored tensor has this shape.</summary>
    public bool Fits(StoredTensor stored) => IsVector ? stored.Shape is [long n] && n == Columns
        : stored.Shape is [long r, long c] && r == Rows && c == Columns;
}

/// <summary>The tensors of a linear layer: matrices whose rows are put behind each other, and their biases, if any.</summary>
internal sealed record LinearSpec(IReadOnlyList<TensorSpec> Parts, IReadOnlyList<TensorSpec> Biases)
{
    public IEnumerable<TensorSpec> Tensors => Parts.Concat(Biases);
}

/// <summary>The tensors of one layer; they go where <see cref="LayerWeights"/> has the same names.</summary>
internal sealed record LayerSpec(
    TensorSpec AttentionNorm,
    LinearSpec Qkv,
    TensorSpec? QueryNorm,
    TensorSpec? KeyNorm,
    LinearSpec Output,
    TensorSpec FeedForwardNorm,
    LinearSpec GateUp,
    LinearSpec Down)
{
    public IEnumerable<TensorSpec> Tensors =>
    [
        AttentionNorm, .. Qkv.Tensors, .. Optional(QueryNorm), .. Optional(KeyNorm), .. Output.Tensors,
        FeedForwardNorm, .. GateUp.Tensors, .. Down.Tensors,
    ];

    private static TensorSpec[] Optional(TensorSpec? tensor) => tensor is null ? [] : [tensor];
}

/// <summary>Names and shapes of all tensors of a model, as Hugging Face checkpoints of the Llama family have them.</summary>
/// <param name="Embedding">The embedding table.</param>
/// <param name="Layers">One for each layer.</param>
/// <param name="FinalNorm">The norm before the output projection.</param>
/// <param name="Head">The output projection, or null where it is the embedding table.</param>
internal sealed record CheckpointLayout(
    TensorSpec Embedding, IReadOnlyList<LayerSpec> Layers, TensorSpec FinalNorm, LinearSpec? Head)
{
    /// <summary>All tensors, each once.</summary>
    public IEnumerable<TensorSpec> Tensors => [Embedding, .. Layers.SelectMany(layer => layer.Tensors), FinalNorm, .. Head?.Tensors ?? []];

    /// <summary>Weights of the model; a tied embedding table counts once.</summary>
    public long ParameterCount => Tensors.Sum(tensor => tensor.ElementCount);

    /// <summary>The layout of an architecture.</summary>
    public static CheckpointLayout For(ModelConfig config) => new(
        Matrix("model.embed_tokens", config.VocabularySize, config.HiddenSize),
        [.. Enumerable.Range(0, config.LayerCount).Select(i => Layer(config, $"model.layers.{i}"))],
        Vector("model.norm.weight", config.HiddenSize),
        config.TieEmbeddings ? null : Linear(config.HiddenSize, bias: false, ("lm_head", config.VocabularySize)));

    private static LayerSpec Layer(ModelConfig config, string name)
    {
        int hidden = config.HiddenSize, intermediate = config.IntermediateSize;
        int queries = config.HeadCount * config.HeadDim, keys = config.KvHeadCount * config.HeadDim;
        string attention = $"{name}.self_attn", feedForward = $"{name}.mlp";
        return new LayerSpec(
            Vector($"{name}.input_layernorm.weight", hidden),
            Linear(hidden, config.QkvBias, ($"{attention}.q_proj", queries), ($"{attention}.k_proj", keys), ($"{attention}.v_proj", keys)),
            config.HeadNorms ? Vector($"{attention}.q_norm.weight", config.HeadDim) : null,
            config.HeadNorms ? Vector($"{attention}.k_norm.weight", config.HeadDim) : null,
            Linear(queries, config.OutputBias, ($"{attention}.o_proj", hidden)),
            Vector($"{name}.post_attention_layernorm.weight", hidden),
            Linear(hidden, config.FeedForwardBias, ($"{feedForward}.gate_proj", intermediate), ($"{feedForward}.up_proj", intermediate)),
            Linear(intermediate, config.FeedForwardBias, ($"{feedForward}.down_proj", hidden)));
    }

    private static LinearSpec Linear(int inputs, bool bias, params (string Name, int Outputs)[] parts) => new(
        [.. parts.Select(part => Matrix(part.Name, part.Outputs, inputs))],
        bias ? [.. parts.Select(part => Vector($"{part.Name}.bias", part.Outputs))] : []);

    private static TensorSpec Matrix(string name, int rows, int columns) => new($"{name}.weight", rows, columns, IsVector: false);

    private static TensorSpec Vector(string name, int count) => new(name, 1, count, IsVector: true);
}
