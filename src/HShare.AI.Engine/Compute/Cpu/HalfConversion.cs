using System.Numerics;
using System.Runtime.CompilerServices;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// float32 from and to the two 16-bit floating-point types. Widening is exact; narrowing rounds to nearest, ties to even.
/// </summary>
internal static class HalfConversion
{
    private const uint Infinity = 0x7F800000;

    /// <summary>bfloat16 bits, widened to 32 bits, to float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> FromBFloat16(Vector<uint> bits) => Vector.AsVectorSingle(Vector.ShiftLeft(bits, 16));

    /// <summary>bfloat16 bits to float32.</summary>
    public static float FromBFloat16(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>float16 bits, widened to 32 bits, to float32, subnormals, infinities and NaN included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> FromFloat16(Vector<uint> bits)
    {
        // Exponent and mantissa in float32's places are the value times 2^-112; the product is exact, also for subnormals.
        Vector<uint> scaled = Vector.ShiftLeft(bits & Vector.Create(0x7FFFu), 13);
        Vector<uint> magnitude = Vector.AsVectorUInt32(Vector.AsVectorSingle(scaled) * Vector.Create(5.192296858534828e33f));
        Vector<uint> nonFinite = Vector.GreaterThanOrEqual(magnitude, Vector.Create(0x47800000u)) & Vector.Create(Infinity);
        Vector<uint> sign = Vector.ShiftLeft(bits & Vector.Create(0x8000u), 16);
        return Vector.AsVectorSingle(magnitude | nonFinite | sign);
    }

    /// <summary>float32 to bfloat16 bits in the low half of each element.</summary>
    public static Vector<uint> ToBFloat16(Vector<float> values)
    {
        Vector<uint> bits = Vector.AsVectorUInt32(values);
        Vector<uint> odd = Vector.ShiftRightLogical(bits, 16) & Vector<uint>.One;
        Vector<uint> rounded = bits + Vector.Create(0x7FFFu) + odd;
        Vector<uint> quietNaN = bits | Vector.Create(0x400000u); // rounding could carry a NaN's mantissa away
        Vector<uint> isNumber = Vector.AsVectorUInt32(Vector.Equals(values, values));
        return Vector.ShiftRightLogical(Vector.ConditionalSelect(isNumber, rounded, quietNaN), 16);
    }

    /// <summary>float32 to bfloat16 bits.</summary>
    public static ushort ToBFloat16(float value) => (ushort)ToBFloat16(Vector.Create(value))[0];

    /// <summary>float32 to float16 bits in the low half of each element.</summary>
    public static Vector<uint> ToFloat16(Vector<float> values)
    {
        Vector<uint> bits = Vector.AsVectorUInt32(values);
        Vector<uint> magnitude = bits & Vector.Create(0x7FFFFFFFu);

        // Normal: rebias the exponent and round the 13 bits that go. What rounds beyond the largest becomes infinity by itself.
        Vector<uint> odd = Vector.ShiftRightLogical(magnitude, 13) & Vector<uint>.One;
        Vector<uint> normal = Vector.ShiftRightLogical(magnitude - Vector.Create(112u << 23) + Vector.Create(0xFFFu) + odd, 13);

        // Subnormal: adding 1/2 leaves the multiple of 2^-24 in the low mantissa bits, rounded by the processor.
        Vector<float> shifted = Vector.AsVectorSingle(magnitude) + Vector.Create(0.5f);
        Vector<uint> subnormal = Vector.AsVectorUInt32(shifted) - Vector.Create(126u << 23);

        Vector<uint> finite = Vector.ConditionalSelect(Vector.LessThan(magnitude, Vector.Create(113u << 23)), subnormal, normal);
        Vector<uint> nonFinite = Vector.ConditionalSelect(
            Vector.GreaterThan(magnitude, Vector.Create(Infinity)), Vector.Create(0x7E00u), Vector.Create(0x7C00u));
        Vector<uint> result = Vector.ConditionalSelect(Vector.LessThan(magnitude, Vector.Create(143u << 23)), finite, nonFinite);
        return result | (Vector.ShiftRightLogical(bits, 16) & Vector.Create(0x8000u));
    }
}
