using HShare.AI.Engine.Compute;

namespace HShare.Cli.Output;

/// <summary>Formats as the command line spells them.</summary>
internal static class Formats
{
    /// <summary>An element type.</summary>
    public static string Name(DType type) => type switch
    {
        DType.Float32 => "f32",
        DType.Float16 => "f16",
        DType.BFloat16 => "bf16",
        DType.Int8 => "int8",
        DType.Int32 => "int32",
        DType.Float8 => "fp8",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Unknown element type."),
    };

    /// <summary>A weight format.</summary>
    public static string Name(WeightFormat format) => format switch
    {
        WeightFormat.AsStored => "as-stored",
        WeightFormat.BFloat16 => "bf16",
        WeightFormat.Int8 => "int8",
        WeightFormat.Float8 => "fp8",
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Unknown weight format."),
    };
}
