using System.Numerics;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// The inner loop of a matrix-vector product: one row times several panels side by side, because a single panel's two chains of
/// fused multiply-adds would leave the processor waiting. Each chain is the one of <see cref="MatrixKernel"/>, so the bits are the same.
/// </summary>
internal static unsafe class VectorKernel
{
    /// <summary>Panels of one call.</summary>
    public const int Panels = 4;

    private const int Width = MatrixKernel.PanelWidth;

    /// <summary>c[64] = a[depth] · panels, four of [depth, 16] behind each other.</summary>
    public static void Multiply<TElement>(float* a, byte* panels, int depth, float* c)
        where TElement : struct, IElement
    {
        nint panelBytes = (nint)depth * Width * TElement.Size;
        int passWidth = Math.Min(2 * Vector<float>.Count, Width);
        for (int column = 0; column < Width; column += passWidth)
            MultiplyColumns<TElement>(a, panels + column * TElement.Size, panelBytes, depth, c + column);
    }

    private static void MultiplyColumns<TElement>(float* a, byte* b, nint panelBytes, int depth, float* c)
        where TElement : struct, IElement
    {
        Vector<float> c00 = default, c10 = default, c20 = default, c30 = default;
        Vector<float> c01 = default, c11 = default, c21 = default, c31 = default;
        int second = Vector<float>.Count * TElement.Size;
        byte* b3 = b + 3 * panelBytes;
        for (float* end = a + depth; a < end; a++)
        {
            Vector<float> x = Vector.Create(*a);
            c00 = Vector.FusedMultiplyAdd(x, TElement.Load(b), c00);
            c10 = Vector.FusedMultiplyAdd(x, TElement.Load(b + panelBytes), c10);
            c20 = Vector.FusedMultiplyAdd(x, TElement.Load(b + 2 * panelBytes), c20);
            c30 = Vector.FusedMultiplyAdd(x, TElement.Load(b3), c30);
            if (Vector<float>.Count < Width)
            {
                c01 = Vector.FusedMultiplyAdd(x, TElement.Load(b + second), c01);
                c11 = Vector.FusedMultiplyAdd(x, TElement.Load(b + panelBytes + second), c11);
                c21 = Vector.FusedMultiplyAdd(x, TElement.Load(b + 2 * panelBytes + second), c21);
                c31 = Vector.FusedMultiplyAdd(x, TElement.Load(b3 + second), c31);
            }

            b += Width * TElement.Size;
            b3 += Width * TElement.Size;
        }

        c00.Store(c);
        c10.Store(c + Width);
        c20.Store(c + 2 * Width);
        c30.Store(c + 3 * Width);
        if (Vector<float>.Count < Width)
        {
            c01.Store(c + Vector<float>.Count);
            c11.Store(c + Width + Vector<float>.Count);
            c21.Store(c + 2 * Width + Vector<float>.Count);
            c31.Store(c + 3 * Width + Vector<float>.Count);
        }
    }
}
