namespace HShare.AI.Engine.Compute;

/// <summary>How a backend keeps the matrices of linear layers.</summary>
public enum WeightFormat
{
    /// <summary>As the checkpoint stores them: bf16 stays bf16, f16 stays f16, f32 stays f32.</summary>
    AsStored,

    /// <summary>bfloat16, 2 bytes a weight. float32 and float16 checkpoints are rounded.</summary>
    BFloat16,

    /// <summary>8-bit integers with one float32 scale per output row, made at load: about half the bytes of bf16.</summary>
    Int8,

    /// <summary>8-bit floating point (e4m3) with one float32 scale per output row, made at load. On the GPU only.</summary>
    Float8,
}

/// <summary>
/// A linear layer as a backend prepared it: output = input · Wᵀ (+ bias). How the elements lie in <see cref="Data"/>
/// is the backend's own affair.
/// </summary>
/// <param name="Data">The packed weights.</param>
/// <param name="Scales">Per-row scales [1, out] in float32 for 8-bit weights, else <see cref="Tensor.None"/>.</param>
/// <param name="Bias">Bias [1, out] in float32, or <see cref="Tensor.None"/>.</param>
/// <param name="OutFeatures">Rows of W.</param>
/// <param name="InFeatures">Columns of W.</param>
public sealed record LinearWeight(Tensor Data, Tensor Scales, Tensor Bias, int OutFeatures, int InFeatures);
