namespace HShare.AI.Engine.Compute;

/// <summary>How one layer reads under an attention policy, in terms of what a backend executes.</summary>
/// <param name="Selected">Which lists of chosen tokens its heads read, or null where the layer reads everything.</param>
/// <param name="Retrieval">How its leaders choose, or null where no head asks.</param>
/// <param name="Mass">Where the attention that tokens get is summed up for the retriever, or <see cref="Tensor.None"/>.</param>
public sealed record LayerReading(SelectedTokens? Selected, Retrieval? Retrieval, Tensor Mass);

/// <summary>Neighbouring sequences of a step that attend in one way.</summary>
/// <param name="Layers">[layers]: how each layer reads.</param>
/// <param name="Sequences">Which they are: decode sequences, or prefill sequences.</param>
/// <param name="Refreshes">Whether the leaders of any of them choose anew in this step (<see cref="StepTensors.RefreshMask"/> says
/// whose).</param>
/// <param name="Reads">Whether they read by their choices. Prompts, and contexts within the budget, are read whole.</param>
/// <param name="ReadsMass">Where the attention that tokens get over all layers is summed up, to be shown; <see cref="Tensor.None"/> =
/// nowhere.</param>
public readonly record struct AttentionGroup(
    IReadOnlyList<LayerReading> Layers, SequenceRange Sequences, bool Refreshes, bool Reads, Tensor ReadsMass);
