using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>A storage type that kernels read as float32. As a type parameter it makes one kernel serve all types at full speed.</summary>
internal unsafe interface IElement
{
    /// <summary>Bytes of one element.</summary>
    static abstract int Size { get; }

    /// <summary>Reads as many elements as a float32 vector has.</summary>
    static abstract Vector<float> Load(byte* address);
}

/// <summary>float32.</summary>
internal readonly unsafe struct Float32Element : IElement
{
    public static int Size => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Load(byte* address) => Vector.Load((float*)address);
}

/// <summary>bfloat16.</summary>
internal readonly unsafe struct BFloat16Element : IElement
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Load(byte* address) => HalfConversion.FromBFloat16(Widening.Load((ushort*)address));
}

/// <summary>float16.</summary>
internal readonly unsafe struct Float16Element : IElement
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Load(byte* address) => HalfConversion.FromFloat16(Widening.Load((ushort*)address));
}

/// <summary>Signed 8-bit integers, read as their value without scale.</summary>
internal readonly unsafe struct Int8Element : IElement
{
    public static int Size => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Load(byte* address) => Vector.ConvertToSingle(Widening.Load((sbyte*)address));
}

/// <summary>Loads that widen to 32 bits: <see cref="Vector{T}"/> can widen only a whole vector into two.</summary>
internal static unsafe class Widening
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> Load(ushort* address)
    {
        if (Vector<float>.Count == 4)
            return Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)address).AsUInt16()).AsVector();
        if (Vector<float>.Count == 8)
            return Vector256.WidenLower(Vector128.Load(address).ToVector256Unsafe()).AsVector();
        return Vector512.WidenLower(Vector256.Load(address).ToVector512Unsafe()).AsVector();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Load(sbyte* address)
    {
        if (Vector<float>.Count == 4)
            return Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(uint*)address).AsSByte())).AsVector();
        if (Vector<float>.Count == 8)
        {
            Vector128<short> halves = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)address).AsSByte());
            return Vector256.WidenLower(halves.ToVector256Unsafe()).AsVector();
        }

        Vector256<short> wholes = Vector256.WidenLower(Vector128.Load(address).ToVector256Unsafe());
        return Vector512.WidenLower(wholes.ToVector512Unsafe()).AsVector();
    }
}
