namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Weights as the kernels read them: panels of 16 output rows, [out / 16][in][16], so that a panel is one stream and each vector holds
/// one input's weights for neighbouring outputs. The last panel is filled up with zeros.
/// </summary>
internal static unsafe class PanelPacking
{
    /// <summary>Panels of so many output rows.</summary>
    public static int PanelCount(int outFeatures) => (outFeatures + MatrixKernel.PanelWidth - 1) / MatrixKernel.PanelWidth;

    /// <summary>Copies one matrix [out, in] behind the rows already packed.</summary>
    /// <param name="source">float32, float16 or bfloat16.</param>
    /// <param name="packed">Panels [panels, in * 16]: the source's type, bfloat16, or int8.</param>
    /// <param name="firstRow">Output row of the source's first row.</param>
    /// <param name="scales">Where int8 rows put their scales.</param>
    public static void Pack(Tensor source, Tensor packed, int firstRow, Tensor scales)
    {
        for (int row = 0; row < source.Rows; row++)
        {
            byte* from = (byte*)source.Address + row * source.RowBytes;
            (int panel, int lane) = Math.DivRem(firstRow + row, MatrixKernel.PanelWidth);
            byte* to = (byte*)packed.Address + panel * packed.RowBytes + lane * packed.Type.ByteSize();
            if (packed.Type == DType.Int8)
                ((float*)scales.Address)[firstRow + row] = Quantize(from, source.Type, source.Columns, (sbyte*)to);
            else if (packed.Type == DType.Float32)
                Interleave((float*)from, source.Columns, (float*)to);
            else if (packed.Type == source.Type)
                Interleave((ushort*)from, source.Columns, (ushort*)to);
            else
                Round(from, source.Type, source.Columns, (ushort*)to);
        }
    }

    private static void Interleave<T>(T* from, int count, T* to)
        where T : unmanaged
    {
        for (int i = 0; i < count; i++)
            to[(nint)i * MatrixKernel.PanelWidth] = from[i];
    }

    private static void Round(byte* from, DType type, int count, ushort* to)
    {
        for (int i = 0; i < count; i++)
            to[(nint)i * MatrixKernel.PanelWidth] = HalfConversion.ToBFloat16(Element(from, type, i));
    }

    // Symmetric rounding to -127..127; the scale is the row's largest magnitude over 127.
    private static float Quantize(byte* from, DType type, int count, sbyte* to)
    {
        float largest = 0;
        for (int i = 0; i < count; i++)
            largest = MathF.Max(largest, MathF.Abs(Element(from, type, i)));
        float scale = largest / 127;
        float inverse = largest > 0 ? 127 / largest : 0;
        for (int i = 0; i < count; i++)
            to[(nint)i * MatrixKernel.PanelWidth] = (sbyte)MathF.Round(Element(from, type, i) * inverse);
        return scale;
    }

    /// <summary>Element <paramref name="i"/> of a float32, float16 or bfloat16 array.</summary>
    public static float Element(byte* values, DType type, int i) => type switch
    {
        DType.Float32 => ((float*)values)[i],
        DType.Float16 => HalfConversion.FromFloat16(((ushort*)values)[i]),
        _ => HalfConversion.FromBFloat16(((ushort*)values)[i]),
    };
}
