namespace HShare.AI.Engine.Compute;

/// <summary>Element type of a <see cref="Tensor"/>.</summary>
public enum DType : byte
{
    /// <summary>IEEE 754 single precision, 4 bytes.</summary>
    Float32,

    /// <summary>IEEE 754 half precision, 2 bytes.</summary>
    Float16,

    /// <summary>The upper half of a float32 (8 exponent bits, 7 mantissa bits), 2 bytes.</summary>
    BFloat16,

    /// <summary>Signed 8-bit integer; as a weight it is scaled per row.</summary>
    Int8,

    /// <summary>Signed 32-bit integer: token ids, positions, block numbers.</summary>
    Int32,

    /// <summary>
    /// 8-bit floating point, e4m3 (4 exponent bits, 3 mantissa bits, up to 448); as a weight it is scaled per row. On the GPU only.
    /// </summary>
    Float8,
}

/// <summary>Sizes of <see cref="DType"/> elements.</summary>
public static class DTypeExtensions
{
    /// <summary>Bytes of one element.</summary>
    public static int ByteSize(this DType type) => type switch
    {
        DType.Float32 or DType.Int32 => 4,
        DType.Float16 or DType.BFloat16 => 2,
        DType.Int8 or DType.Float8 => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Unknown element type."),
    };
}
