using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>Elementary functions over vectors of float32.</summary>
internal static unsafe class VectorMath
{
    // Adding this pushes a small number's integer part, rounded to nearest, into the low mantissa bits.
    private const float RoundingShift = 12582912f; // 1.5 * 2^23

    /// <summary>2^x for x &lt;= 0 to about 2e-7 of its value; exactly 1 at 0, exactly 0 below -126. NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Exp2OfNegative(Vector<float> x)
    {
        Vector<float> shifted = x + Vector.Create(RoundingShift);
        Vector<float> value = Scale(Exp2OfFraction(x - (shifted - Vector.Create(RoundingShift))), shifted);
        return Vector.ConditionalSelect(Vector.LessThan(x, Vector.Create(-126f)), Vector<float>.Zero, value);
    }

    /// <summary>e^x to about 2e-7 of its value; 0 below e^-87.3 and no more than e^88.3. NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Exp(Vector<float> x)
    {
        // e^x = 2^n * 2^(r / ln 2) with |r| <= ln 2 / 2. n ln 2 is taken off in two parts so that r keeps its low bits (Cody and Waite).
        Vector<float> clamped = Vector.MinNative(Vector.Create(88.3f), x);
        Vector<float> shifted = Vector.FusedMultiplyAdd(clamped, Vector.Create(1.44269504f), Vector.Create(RoundingShift));
        Vector<float> n = shifted - Vector.Create(RoundingShift);
        Vector<float> r = Vector.FusedMultiplyAdd(n, Vector.Create(-0.693359375f), clamped);
        r = Vector.FusedMultiplyAdd(n, Vector.Create(2.12194440e-4f), r);
        Vector<float> value = Scale(Exp2OfFraction(r * Vector.Create(1.44269504f)), shifted);
        return Vector.ConditionalSelect(Vector.LessThan(x, Vector.Create(-87.3f)), Vector<float>.Zero, value);
    }

    // 2^x for |x| <= 1/2: the polynomial of degree 5 with p(0) = 1 and the least relative error, 1.1e-7.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Exp2OfFraction(Vector<float> x)
    {
        Vector<float> p = Vector.Create(0.0013264742447063327f);
        p = Vector.FusedMultiplyAdd(p, x, Vector.Create(0.00967151764780283f));
        p = Vector.FusedMultiplyAdd(p, x, Vector.Create(0.05550733581185341f));
        p = Vector.FusedMultiplyAdd(p, x, Vector.Create(0.24022242426872253f));
        p = Vector.FusedMultiplyAdd(p, x, Vector.Create(0.6931470036506653f));
        return Vector.FusedMultiplyAdd(p, x, Vector<float>.One);
    }

    // x * 2^n, where n lies in the low mantissa bits of shifted.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Scale(Vector<float> x, Vector<float> shifted) =>
        Vector.AsVectorSingle(Vector.AsVectorInt32(x) + Vector.ShiftLeft(Vector.AsVectorInt32(shifted), 23));

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

    /// <summary>largest = max(largest, x), least = min(least, x).</summary>
    public static void Bound(float* x, float* largest, float* least, int count)
    {
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> values = Vector.Load(x + i);
            Vector.Max(Vector.Load(largest + i), values).Store(largest + i);
            Vector.Min(Vector.Load(least + i), values).Store(least + i);
        }

        for (; i < count; i++)
        {
            largest[i] = MathF.Max(largest[i], x[i]);
            least[i] = MathF.Min(least[i], x[i]);
        }
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

    /// <summary>mass += 2^(scores - max) * factor, for scores that are no larger than max.</summary>
    public static void AddWeights(float* scores, float max, float factor, float* mass, int count)
    {
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> weights = Exp2OfNegative(Vector.Load(scores + i) - Vector.Create(max));
            Vector.FusedMultiplyAdd(weights, Vector.Create(factor), Vector.Load(mass + i)).Store(mass + i);
        }

        for (; i < count; i++)
            mass[i] = MathF.FusedMultiplyAdd(Exp2OfNegative(Vector.Create(scores[i] - max))[0], factor, mass[i]);
    }

    /// <summary>The largest of some numbers.</summary>
    public static float Max(float* x, int count)
    {
        float max = float.NegativeInfinity;
        int i = 0;
        if (count >= Vector<float>.Count)
        {
            Vector<float> maxima = Vector.Load(x);
            for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
                maxima = Vector.MaxNative(maxima, Vector.Load(x + i));
            max = Max(maxima);
        }

        for (; i < count; i++)
            max = MathF.Max(max, x[i]);
        return max;
    }

    /// <summary>The sum of 2^(scores - max), for scores that are no larger than max.</summary>
    public static float SumOfWeights(float* scores, float max, int count)
    {
        Vector<float> sums = default;
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            sums += Exp2OfNegative(Vector.Load(scores + i) - Vector.Create(max));
        float sum = Vector.Sum(sums);
        for (; i < count; i++)
            sum += Exp2OfNegative(Vector.Create(scores[i] - max))[0];
        return sum;
    }

    /// <summary>
    /// The products of two vectors with each of two others, x·y, x·y2, x2·y and x2·y2: what is loaded once serves twice, and each is the
    /// same, bit for bit, whatever the others are.
    /// </summary>
    public static Vector128<float> Dots<TElement>(float* x, float* x2, byte* y, byte* y2, int count)
        where TElement : struct, IElement
    {
        Vector<float> xy = default, xy2 = default, x2y = default, x2y2 = default;
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> a = Vector.Load(x + i), b = Vector.Load(x2 + i);
            Vector<float> c = TElement.Load(y + i * TElement.Size), d = TElement.Load(y2 + i * TElement.Size);
            xy = Vector.FusedMultiplyAdd(a, c, xy);
            xy2 = Vector.FusedMultiplyAdd(a, d, xy2);
            x2y = Vector.FusedMultiplyAdd(b, c, x2y);
            x2y2 = Vector.FusedMultiplyAdd(b, d, x2y2);
        }

        var products = Vector128.Create(Vector.Sum(xy), Vector.Sum(xy2), Vector.Sum(x2y), Vector.Sum(x2y2));
        return i == count ? products : products + DotsOfRest<TElement>(x, x2, y, y2, i, count);
    }

    private static Vector128<float> DotsOfRest<TElement>(float* x, float* x2, byte* y, byte* y2, int first, int count)
        where TElement : struct, IElement
    {
        Vector128<float> products = default;
        float* rest = stackalloc float[2];
        for (int i = first; i < count; i++)
        {
            ElementConversion.Widen<TElement>(y + i * TElement.Size, rest, 1);
            ElementConversion.Widen<TElement>(y2 + i * TElement.Size, rest + 1, 1);
            products += Vector128.Create(x[i], x[i], x2[i], x2[i]) * Vector128.Create(rest[0], rest[1], rest[0], rest[1]);
        }

        return products;
    }
}
