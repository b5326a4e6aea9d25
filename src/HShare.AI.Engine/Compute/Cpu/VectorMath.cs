using System.Numerics;
using System.Runtime.Intrinsics;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>Elementary functions over vectors of float32.</summary>
internal static unsafe class VectorMath
{
    // Adding this pushes the integer part of a small number into the low mantissa bits, rounded to nearest.
    private const float RoundingShift = 12582912f; // 1.5 * 2^23
    private const float LowestExponent = -87.33f;  // below: 0, no subnormals
    private const float HighestExponent = 88.376f; // above: e^88.376, no infinity

    /// <summary>e^x to about 1e-7 of its value; exactly 1 at 0 and exactly 0 at -infinity. NaN stays NaN.</summary>
    public static Vector<float> Exp(Vector<float> x)
    {
        // e^x = 2^n * e^r with |r| <= ln 2 / 2. Ln 2 is taken off in two parts so that r keeps its low bits (Cody and Waite).
        Vector<float> clamped = Vector.MinNative(Vector.Create(HighestExponent), x);
        Vector<float> shifted = Vector.FusedMultiplyAdd(clamped, Vector.Create(1.44269504f), Vector.Create(RoundingShift));
        Vector<float> n = shifted - Vector.Create(RoundingShift);
        Vector<float> r = Vector.FusedMultiplyAdd(n, Vector.Create(-0.693359375f), clamped);
        r = Vector.FusedMultiplyAdd(n, Vector.Create(2.12194440e-4f), r);

        Vector<float> p = Vector.Create(1.9875691500e-4f);
        p = Vector.FusedMultiplyAdd(p, r, Vector.Create(1.3981999507e-3f));
        p = Vector.FusedMultiplyAdd(p, r, Vector.Create(8.3334519073e-3f));
        p = Vector.FusedMultiplyAdd(p, r, Vector.Create(4.1665795894e-2f));
        p = Vector.FusedMultiplyAdd(p, r, Vector.Create(1.6666665459e-1f));
        p = Vector.FusedMultiplyAdd(p, r, Vector.Create(5.0000001201e-1f));
        p = Vector.FusedMultiplyAdd(p, r * r, r) + Vector<float>.One;

        Vector<int> exponent = Vector.ShiftLeft(Vector.AsVectorInt32(shifted), 23);
        Vector<float> value = Vector.AsVectorSingle(Vector.AsVectorInt32(p) + exponent);
        return Vector.ConditionalSelect(Vector.LessThan(x, Vector.Create(LowestExponent)), Vector<float>.Zero, value);
    }

    /// <summary>The largest element.</summary>
    public static float Max(Vector<float> x)
    {
        if (Vector<float>.Count == 16)
            return Max(Vector256.MaxNative(x.AsVector512().GetLower(), x.AsVector512().GetUpper()));
        return Vector<float>.Count == 8 ? Max(x.AsVector256()) : Max(x.AsVector128());
    }

    private static float Max(Vector256<float> x) => Max(Vector128.MaxNative(x.GetLower(), x.GetUpper()));

    private static float Max(Vector128<float> x)
    {
        x = Vector128.MaxNative(x, Vector128.Shuffle(x, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(x, Vector128.Shuffle(x, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    /// <summary>x += y.</summary>
    public static void Add(float* x, float* y, int count)
    {
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            (Vector.Load(x + i) + Vector.Load(y + i)).Store(x + i);
        for (; i < count; i++)
            x[i] += y[i];
    }

    /// <summary>x *= y.</summary>
    public static void Multiply(float* x, float* y, int count)
    {
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            (Vector.Load(x + i) * Vector.Load(y + i)).Store(x + i);
        for (; i < count; i++)
            x[i] *= y[i];
    }

    /// <summary>output = x * factor.</summary>
    public static void Scale(float* x, float factor, float* output, int count)
    {
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            (Vector.Load(x + i) * Vector.Create(factor)).Store(output + i);
        for (; i < count; i++)
            output[i] = x[i] * factor;
    }
}
