namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Lays weights out as the kernels read them: panels of 16 output rows, [out / 16][in][16], so that a panel is one stream and each
/// vector holds one input's weights for neighbouring outputs. The last panel is filled up with zeros. An item is a panel.
/// </summary>
internal sealed unsafe class PackOperation(WorkerPool pool) : ParallelWork
{
    private const int Width = MatrixKernel.PanelWidth;

    private Tensor[] _parts = [];
    private Tensor _packed;
    private Tensor _scales;

    /// <summary>Panels of so many output rows.</summary>
    public static int PanelCount(int outFeatures) => (outFeatures + Width - 1) / Width;

    /// <summary>Packs matrices one behind the other.</summary>
    /// <param name="parts">float32, float16 or bfloat16 [out_i, in], all of one type.</param>
    /// <param name="packed">[panels, in * 16] of the parts' type, bfloat16 or int8.</param>
    /// <param name="scales">Receives the scale of each row where the panels are int8.</param>
    public void Run(ReadOnlySpan<Tensor> parts, Tensor packed, Tensor scales)
    {
        _parts = parts.ToArray();
        _packed = packed;
        _scales = scales;
        pool.Run(this, packed.Rows);
        _parts = [];
    }

    /// <inheritdoc/>
    public override void Execute(int item, int worker)
    {
        byte** rows = stackalloc byte*[Width];
        for (int lane = 0; lane < Width; lane++)
            rows[lane] = SourceRow(item * Width + lane);

        byte* panel = (byte*)_packed.Address + item * _packed.RowBytes;
        int count = _packed.Columns / Width;
        DType from = _parts[0].Type;
        if (_packed.Type == DType.Int8)
            Quantize(rows, from, count, (sbyte*)panel, item * Width);
        else if (_packed.Type == DType.Float32)
            Interleave((float**)rows, count, (float*)panel);
        else if (_packed.Type == from)
            Interleave((ushort**)rows, count, (ushort*)panel);
        else
            Round(rows, from, count, (ushort*)panel);
    }

    // Null behind the last row.
    private byte* SourceRow(int row)
    {
        foreach (Tensor part in _parts)
        {
            if (row < part.Rows)
                return (byte*)part.Address + row * part.RowBytes;
            row -= part.Rows;
        }

        return null;
    }

    private static void Interleave<T>(T** rows, int count, T* panel)
        where T : unmanaged
    {
        for (int lane = 0; lane < Width && rows[lane] != null; lane++)
        {
            for (int i = 0; i < count; i++)
                panel[(nint)i * Width + lane] = rows[lane][i];
        }
    }

    private static void Round(byte** rows, DType type, int count, ushort* panel)
    {
        for (int lane = 0; lane < Width && rows[lane] != null; lane++)
        {
            for (int i = 0; i < count; i++)
                panel[(nint)i * Width + lane] = HalfConversion.ToBFloat16(Element(rows[lane], type, i));
        }
    }

    // Symmetric rounding to -127..127; the scale is the row's largest magnitude over 127.
    private void Quantize(byte** rows, DType type, int count, sbyte* panel, int firstRow)
    {
        for (int lane = 0; lane < Width && rows[lane] != null; lane++)
        {
            float largest = 0;
            for (int i = 0; i < count; i++)
                largest = MathF.Max(largest, MathF.Abs(Element(rows[lane], type, i)));
            ((float*)_scales.Address)[firstRow + lane] = largest / 127;
            float inverse = largest > 0 ? 127 / largest : 0;
            for (int i = 0; i < count; i++)
                panel[(nint)i * Width + lane] = (sbyte)MathF.Round(Element(rows[lane], type, i) * inverse);
        }
    }

    private static float Element(byte* values, DType type, int i) => type switch
    {
        DType.Float32 => ((float*)values)[i],
        DType.Float16 => (float)((Half*)values)[i],
        _ => HalfConversion.FromBFloat16(((ushort*)values)[i]),
    };
}
