using System.Numerics;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>Whole rows from one element type to another.</summary>
internal static unsafe class ElementConversion
{
    /// <summary>Widens float32, float16 or bfloat16 to float32.</summary>
    public static void Widen(byte* from, DType type, float* to, int count)
    {
        switch (type)
        {
            case DType.Float32: new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count)); break;
            case DType.Float16: Widen<Float16Element>(from, to, count); break;
            default: Widen<BFloat16Element>(from, to, count); break;
        }
    }

    /// <summary>Narrows float32 to float32, float16 or bfloat16, to nearest, ties to even.</summary>
    public static void Narrow(float* from, byte* to, DType type, int count)
    {
        switch (type)
        {
            case DType.Float32: new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count)); break;
            case DType.Float16: Narrow(from, (ushort*)to, count, &HalfConversion.ToFloat16); break;
            default: Narrow(from, (ushort*)to, count, &HalfConversion.ToBFloat16); break;
        }
    }

    /// <summary>Widens any storage type to float32.</summary>
    public static void Widen<TElement>(byte* from, float* to, int count)
        where TElement : struct, IElement
    {
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            TElement.Load(from + (nint)i * TElement.Size).Store(to + i);
        if (i < count)
            WidenTail<TElement>(from + (nint)i * TElement.Size, to + i, count - i);
    }

    // A vector load past the end could leave the allocation, so the last elements pass through a buffer.
    private static void WidenTail<TElement>(byte* from, float* to, int count)
        where TElement : struct, IElement
    {
        byte* narrow = stackalloc byte[Vector<float>.Count * sizeof(float)];
        float* wide = stackalloc float[Vector<float>.Count];
        Buffer.MemoryCopy(from, narrow, Vector<float>.Count * sizeof(float), count * TElement.Size);
        TElement.Load(narrow).Store(wide);
        new ReadOnlySpan<float>(wide, count).CopyTo(new Span<float>(to, count));
    }

    private static void Narrow(float* from, ushort* to, int count, delegate*<Vector<float>, Vector<uint>> narrow)
    {
        int i = 0;
        for (; i <= count - 2 * Vector<float>.Count; i += 2 * Vector<float>.Count)
            Vector.Narrow(narrow(Vector.Load(from + i)), narrow(Vector.Load(from + i + Vector<float>.Count))).Store(to + i);
        for (; i < count; i++)
            to[i] = (ushort)narrow(Vector.Create(from[i]))[0];
    }
}
