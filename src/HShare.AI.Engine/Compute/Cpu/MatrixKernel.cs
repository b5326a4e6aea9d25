using System.Numerics;
using System.Runtime.CompilerServices;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// The register-tiled inner loop of every matrix product: C[rows, 16] = A[rows, depth] · B[depth, 16] for up to <see cref="MaxRows"/>
/// rows and one panel of B.
/// </summary>
/// <remarks>
/// Each element of C is one chain of fused multiply-adds over the depth in ascending order, whatever the tile, the vector width or the
/// number of rows. That makes a row's result independent of the rows beside it, bit for bit, and lets the depth be cut anywhere.
/// </remarks>
internal static unsafe class MatrixKernel
{
    /// <summary>Columns of a panel.</summary>
    public const int PanelWidth = 16;

    /// <summary>Rows of the largest tile. With two vectors of a panel they take 12 accumulators of 16 registers.</summary>
    public const int MaxRows = 6;

    // Columns of one pass: two vectors, or one where a single vector holds the whole panel.
    private static int PassWidth => Math.Min(2 * Vector<float>.Count, PanelWidth);

    /// <summary>Multiplies a tile of A with one panel.</summary>
    /// <param name="rows">1 to <see cref="MaxRows"/>.</param>
    /// <param name="a">First row of A.</param>
    /// <param name="aStride">Elements from one row of A to the next.</param>
    /// <param name="panel">B: [depth, 16] of the element type.</param>
    /// <param name="depth">Length of the sums.</param>
    /// <param name="c">First row of C.</param>
    /// <param name="cStride">Elements from one row of C to the next.</param>
    /// <param name="accumulate">Whether to continue the sums that C holds, rather than begin at 0.</param>
    public static void Multiply<TElement>(
        int rows, float* a, nint aStride, byte* panel, int depth, float* c, nint cStride, bool accumulate)
        where TElement : struct, IElement
    {
        for (int column = 0; column < PanelWidth; column += PassWidth)
        {
            byte* b = panel + column * TElement.Size;
            switch (rows)
            {
                case 1: Tile<One, TElement>(a, aStride, b, depth, c + column, cStride, accumulate); break;
                case 2: Tile<Two, TElement>(a, aStride, b, depth, c + column, cStride, accumulate); break;
                case 3: Tile<Three, TElement>(a, aStride, b, depth, c + column, cStride, accumulate); break;
                case 4: Tile<Four, TElement>(a, aStride, b, depth, c + column, cStride, accumulate); break;
                case 5: Tile<Five, TElement>(a, aStride, b, depth, c + column, cStride, accumulate); break;
                default: Tile<Six, TElement>(a, aStride, b, depth, c + column, cStride, accumulate); break;
            }
        }
    }

    // One body for every number of rows: the conditions are constants to the compiler, and accumulators not used cost nothing.
    private static void Tile<TRows, TElement>(
        float* a, nint aStride, byte* b, int depth, float* c, nint cStride, bool accumulate)
        where TRows : struct, IRowCount
        where TElement : struct, IElement
    {
        Vector<float> c00 = default, c10 = default, c20 = default, c30 = default, c40 = default, c50 = default;
        Vector<float> c01 = default, c11 = default, c21 = default, c31 = default, c41 = default, c51 = default;
        if (accumulate)
        {
            LoadRow(c, ref c00, ref c01);
            if (TRows.Value > 1) LoadRow(c + cStride, ref c10, ref c11);
            if (TRows.Value > 2) LoadRow(c + 2 * cStride, ref c20, ref c21);
            if (TRows.Value > 3) LoadRow(c + 3 * cStride, ref c30, ref c31);
            if (TRows.Value > 4) LoadRow(c + 4 * cStride, ref c40, ref c41);
            if (TRows.Value > 5) LoadRow(c + 5 * cStride, ref c50, ref c51);
        }

        float* a3 = a + 3 * aStride;
        for (float* end = a + depth; a < end; a++, a3++)
        {
            Vector<float> b0 = TElement.Load(b);
            Vector<float> b1 = Vector<float>.Count < PanelWidth ? TElement.Load(b + Vector<float>.Count * TElement.Size) : default;
            b += PanelWidth * TElement.Size;
            AddProduct(*a, b0, b1, ref c00, ref c01);
            if (TRows.Value > 1) AddProduct(a[aStride], b0, b1, ref c10, ref c11);
            if (TRows.Value > 2) AddProduct(a[2 * aStride], b0, b1, ref c20, ref c21);
            if (TRows.Value > 3) AddProduct(*a3, b0, b1, ref c30, ref c31);
            if (TRows.Value > 4) AddProduct(a3[aStride], b0, b1, ref c40, ref c41);
            if (TRows.Value > 5) AddProduct(a3[2 * aStride], b0, b1, ref c50, ref c51);
        }

        StoreRow(c, c00, c01);
        if (TRows.Value > 1) StoreRow(c + cStride, c10, c11);
        if (TRows.Value > 2) StoreRow(c + 2 * cStride, c20, c21);
        if (TRows.Value > 3) StoreRow(c + 3 * cStride, c30, c31);
        if (TRows.Value > 4) StoreRow(c + 4 * cStride, c40, c41);
        if (TRows.Value > 5) StoreRow(c + 5 * cStride, c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProduct(float a, Vector<float> b0, Vector<float> b1, ref Vector<float> c0, ref Vector<float> c1)
    {
        Vector<float> x = Vector.Create(a);
        c0 = Vector.FusedMultiplyAdd(x, b0, c0);
        if (Vector<float>.Count < PanelWidth)
            c1 = Vector.FusedMultiplyAdd(x, b1, c1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadRow(float* c, ref Vector<float> c0, ref Vector<float> c1)
    {
        c0 = Vector.Load(c);
        if (Vector<float>.Count < PanelWidth)
            c1 = Vector.Load(c + Vector<float>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow(float* c, Vector<float> c0, Vector<float> c1)
    {
        c0.Store(c);
        if (Vector<float>.Count < PanelWidth)
            c1.Store(c + Vector<float>.Count);
    }

    private interface IRowCount
    {
        static abstract int Value { get; }
    }

    private readonly struct One : IRowCount { public static int Value => 1; }

    private readonly struct Two : IRowCount { public static int Value => 2; }

    private readonly struct Three : IRowCount { public static int Value => 3; }

    private readonly struct Four : IRowCount { public static int Value => 4; }

    private readonly struct Five : IRowCount { public static int Value => 5; }

    private readonly struct Six : IRowCount { public static int Value => 6; }
}
