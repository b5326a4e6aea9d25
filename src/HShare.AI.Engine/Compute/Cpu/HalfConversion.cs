using System.Numerics;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>float32 from and to the two 16-bit floating-point types. Widening is exact; narrowing rounds to nearest, ties to even.</summary>
internal static class HalfConversion
{
    /// <summary>bfloat16 bits, widened to 32 bits, to float32.</summary>
    public static Vector<float> FromBFloat16(Vector<uint> bits) => Vector.AsVectorSingle(Vector.ShiftLeft(bits, 16));

    /// <summary>float16 bits, widened to 32 bits, to float32, subnormals, infinities and NaN included.</summary>
    public static Vector<float> FromFloat16(Vector<uint> bits)
    {
        // Exponent and mantissa in float32's places are the value times 2^-112; the product is exact, also for subnormals.
        Vector<uint> scaled = Vector.ShiftLeft(bits & Vector.Create(0x7FFFu), 13);
        Vector<uint> magnitude = Vector.AsVectorUInt32(Vector.AsVectorSingle(scaled) * Vector.Create(5.192296858534828e33f));
        Vector<uint> nonFinite = Vector.GreaterThanOrEqual(magnitude, Vector.Create(0x47800000u)) & Vector.Create(0x7F800000u);
        Vector<uint> sign = Vector.ShiftLeft(bits & Vector.Create(0x8000u), 16);
        return Vector.AsVectorSingle(magnitude | nonFinite | sign);
    }

    /// <summary>bfloat16 bits to float32.</summary>
    public static float FromBFloat16(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>float16 bits to float32.</summary>
    public static float FromFloat16(ushort bits) => (float)BitConverter.UInt16BitsToHalf(bits);

    /// <summary>float32 to bfloat16 bits.</summary>
    public static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? (ushort)(bits >> 16 | 0x40) // rounding could carry a NaN's mantissa away
            : (ushort)(bits + 0x7FFF + (bits >> 16 & 1) >> 16);
    }

    /// <summary>float32 to float16 bits.</summary>
    public static ushort ToFloat16(float value) => BitConverter.HalfToUInt16Bits((Half)value);
}
