namespace HShare.AI.Engine.Compute;

/// <summary>Rotary embedding by position, made once: angles position · θ^(-2i/d), scaled as the model says.</summary>
/// <param name="Cosines">float32 [positions, head_dim / 2].</param>
/// <param name="Sines">float32 [positions, head_dim / 2].</param>
public sealed record RotaryTable(Tensor Cosines, Tensor Sines);

/// <summary>RMS norms over each head before the rotation (Qwen3).</summary>
/// <param name="Query">float32 [1, head_dim].</param>
/// <param name="Key">float32 [1, head_dim].</param>
/// <param name="Epsilon">Added to the mean square.</param>
public sealed record HeadNorms(Tensor Query, Tensor Key, float Epsilon);
