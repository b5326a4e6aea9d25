namespace HShare.AI.Engine.Models;

/// <summary>A decoder-only transformer's architecture, read from <c>config.json</c>.</summary>
public sealed record ModelConfig
{
    /// <summary>Architecture name as the checkpoint gives it, for example <c>LlamaForCausalLM</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the feed-forward layer.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Transformer layers.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Query heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key/value heads.</summary>
    public required int KvHeadCount { get; init; }

    /// <summary>Elements of one head; independent of <see cref="HiddenSize"/>.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Rows of the embedding table.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Most positions the model was made for (<c>max_position_embeddings</c>).</summary>
    public required int ContextLength { get; init; }

    /// <summary>Epsilon of every RMS norm.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>Rotary position embedding.</summary>
    public required RotaryConfig Rotary { get; init; }

    /// <summary>Whether the output projection is the embedding table.</summary>
    public bool TieEmbeddings { get; init; }

    /// <summary>Whether q, k and v have a bias (Qwen2; Llama with <c>attention_bias</c>).</summary>
    public bool QkvBias { get; init; }

    /// <summary>Whether the attention's output projection has a bias (Llama with <c>attention_bias</c>).</summary>
    public bool OutputBias { get; init; }

    /// <summary>Whether gate, up and down have a bias (Llama with <c>mlp_bias</c>).</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>Whether queries and keys are normed per head before the rotation (Qwen3).</summary>
    public bool HeadNorms { get; init; }

    /// <summary>For each layer, how many tokens a query sees, itself included; 0 = all before it.</summary>
    public required IReadOnlyList<int> SlidingWindows { get; init; }

    /// <summary>Ids that end a generation, from <c>generation_config.json</c> and, failing that, <c>config.json</c>.</summary>
    public IReadOnlyList<int> EndOfSequenceIds { get; init; } = [];

    /// <summary>Id put before a text by tokenizers that do so, or null.</summary>
    public int? BeginOfSequenceId { get; init; }
}
