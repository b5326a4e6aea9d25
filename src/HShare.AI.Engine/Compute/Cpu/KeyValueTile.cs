using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Some neighbouring tokens of one KV head, gathered from the cache's blocks and laid out as panels for <see cref="MatrixKernel"/>:
/// keys [tokens / 16][head_dim][16], values [head_dim / 16][tokens][16], float32.
/// </summary>
internal readonly unsafe struct KeyValueTile
{
    /// <summary>Tokens of a tile. Tiles begin at multiples of it.</summary>
    public const int Tokens = 64;

    private const int Width = MatrixKernel.PanelWidth;
    private const int Lanes = 8;                          // keys that are transposed together
    private const int ValueStride = (Tokens + 1) * Width; // from one value panel to the next: not a power of two, to spread over cache sets

    private readonly float* _keys;
    private readonly float* _values;
    private readonly float* _widened; // [8, head_dim]: keys to transpose, where the cache is not float32
    private readonly int _headDim;

    /// <summary>A tile over scratch memory.</summary>
    public KeyValueTile(float* memory, int headDim)
    {
        _headDim = headDim;
        _keys = memory;
        _values = _keys + Tokens * headDim;
        _widened = _values + ValueSize(headDim);
    }

    /// <summary>Floats of scratch memory that a tile takes.</summary>
    public static int ScratchSize(int headDim) => Tokens * headDim + ValueSize(headDim) + Lanes * PaddedDim(headDim);

    /// <summary>The head size rounded up to whole panels.</summary>
    public static int PaddedDim(int headDim) => (headDim + Width - 1) & -Width;

    /// <summary>16 keys: [head_dim, 16].</summary>
    public byte* KeyPanel(int index) => (byte*)(_keys + index * _headDim * Width);

    /// <summary>16 elements of every value: [tokens, 16].</summary>
    public byte* ValuePanel(int index) => (byte*)(_values + index * ValueStride);

    /// <summary>
    /// Gathers <paramref name="count"/> tokens from a place of the list on. Keys behind them, up to the end of their panel, are
    /// copies of the last one: finite, and for the caller to mask. The next tile, as far as <paramref name="end"/>, is prefetched.
    /// </summary>
    /// <param name="source">Where the tokens are.</param>
    /// <param name="start">First place.</param>
    /// <param name="count">Tokens.</param>
    /// <param name="end">Where reading ends.</param>
    /// <param name="parts">What is wanted of them.</param>
    public void Load(in KeyValueSource source, int start, int count, int end, TileParts parts)
    {
        switch (source.Type)
        {
            case DType.Float32: Load<Float32Element>(source, start, count, end, parts); break;
            case DType.Float16: Load<Float16Element>(source, start, count, end, parts); break;
            default: Load<BFloat16Element>(source, start, count, end, parts); break;
        }
    }

    private static int ValueSize(int headDim) => PaddedDim(headDim) / Width * ValueStride;

    [SkipLocalsInit] // addresses are written before they are read
    private void Load<TElement>(in KeyValueSource source, int start, int count, int end, TileParts parts)
        where TElement : struct, IElement
    {
        byte** keys = stackalloc byte*[Tokens];
        byte** values = stackalloc byte*[Tokens];
        byte** nextKeys = stackalloc byte*[Tokens];
        byte** nextValues = stackalloc byte*[Tokens];
        int rowBytes = _headDim * TElement.Size;
        int ahead = Math.Clamp(end - start - Tokens, 0, count);
        source.Locate(start, count, keys, values);
        source.Locate(start + Tokens, ahead, nextKeys, nextValues);
        if (parts != TileParts.Keys)
        {
            for (int token = 0; token < count; token++)
            {
                StoreValue<TElement>(values[token], _values + token * Width);
                if (token < ahead)
                    CachePrefetch.Read(nextValues[token], rowBytes);
            }
        }

        if (parts == TileParts.Values)
            return;

        int panelEnd = (count + Width - 1) & -Width;
        for (int token = count; token < panelEnd; token++)
            keys[token] = keys[count - 1];
        for (int token = 0; token < panelEnd; token += Lanes)
        {
            for (int i = token; i < Math.Min(token + Lanes, ahead); i++)
                CachePrefetch.Read(nextKeys[i], rowBytes);
            (int panel, int lane) = Math.DivRem(token, Width);
            TransposeKeys<TElement>(keys + token, (float*)KeyPanel(panel) + lane);
        }
    }

    // One value becomes one row of each value panel.
    private void StoreValue<TElement>(byte* value, float* row)
        where TElement : struct, IElement
    {
        int i = 0;
        for (; i <= _headDim - Width; i += Width, row += ValueStride)
        {
            for (int j = 0; j < Width; j += Vector<float>.Count)
                TElement.Load(value + (i + j) * TElement.Size).Store(row + j);
        }

        if (i < _headDim)
        {
            new Span<float>(row, Width).Clear();
            ElementConversion.Widen<TElement>(value + i * TElement.Size, row, _headDim - i);
        }
    }

    // Eight keys become eight lanes of a key panel.
    private void TransposeKeys<TElement>(byte** keys, float* panel)
        where TElement : struct, IElement
    {
        float* a = Widen<TElement>(keys[0], 0), b = Widen<TElement>(keys[1], 1);
        float* c = Widen<TElement>(keys[2], 2), d = Widen<TElement>(keys[3], 3);
        float* e = Widen<TElement>(keys[4], 4), f = Widen<TElement>(keys[5], 5);
        float* g = Widen<TElement>(keys[6], 6), h = Widen<TElement>(keys[7], 7);
        int i = 0;
        for (; i <= _headDim - 4; i += 4, panel += 4 * Width)
        {
            if (Avx.IsSupported)
            {
                Transpose(Load(a + i, e + i), Load(b + i, f + i), Load(c + i, g + i), Load(d + i, h + i), panel);
                continue;
            }

            Transpose(Vector128.Load(a + i), Vector128.Load(b + i), Vector128.Load(c + i), Vector128.Load(d + i), panel);
            Transpose(Vector128.Load(e + i), Vector128.Load(f + i), Vector128.Load(g + i), Vector128.Load(h + i), panel + 4);
        }

        for (; i < _headDim; i++, panel += Width)
        {
            Vector128.Create(a[i], b[i], c[i], d[i]).Store(panel);
            Vector128.Create(e[i], f[i], g[i], h[i]).Store(panel + 4);
        }
    }

    private float* Widen<TElement>(byte* key, int lane)
        where TElement : struct, IElement
    {
        if (typeof(TElement) == typeof(Float32Element))
            return (float*)key;
        float* widened = _widened + lane * PaddedDim(_headDim);
        ElementConversion.Widen<TElement>(key, widened, _headDim);
        return widened;
    }

    // Columns of a 4 x 4 matrix in two rounds of interleaving: a with c and b with d, then the results with each other.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d, float* output)
    {
        Vector128<float> acLow = InterleaveLow(a, c), acHigh = InterleaveHigh(a, c);
        Vector128<float> bdLow = InterleaveLow(b, d), bdHigh = InterleaveHigh(b, d);
        InterleaveLow(acLow, bdLow).Store(output);
        InterleaveHigh(acLow, bdLow).Store(output + Width);
        InterleaveLow(acHigh, bdHigh).Store(output + 2 * Width);
        InterleaveHigh(acHigh, bdHigh).Store(output + 3 * Width);
    }

    // The same on two matrices side by side: AVX interleaves within 128-bit halves.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, float* output)
    {
        Vector256<float> acLow = Avx.UnpackLow(a, c), acHigh = Avx.UnpackHigh(a, c);
        Vector256<float> bdLow = Avx.UnpackLow(b, d), bdHigh = Avx.UnpackHigh(b, d);
        Avx.UnpackLow(acLow, bdLow).Store(output);
        Avx.UnpackHigh(acLow, bdLow).Store(output + Width);
        Avx.UnpackLow(acHigh, bdHigh).Store(output + 2 * Width);
        Avx.UnpackHigh(acHigh, bdHigh).Store(output + 3 * Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Load(float* lower, float* upper) => Vector256.Create(Vector128.Load(lower), Vector128.Load(upper));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> InterleaveLow(Vector128<float> a, Vector128<float> b)
    {
        if (Sse.IsSupported)
            return Sse.UnpackLow(a, b);
        return AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b) : Vector128.Create(a[0], b[0], a[1], b[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> InterleaveHigh(Vector128<float> a, Vector128<float> b)
    {
        if (Sse.IsSupported)
            return Sse.UnpackHigh(a, b);
        return AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b) : Vector128.Create(a[2], b[2], a[3], b[3]);
    }
}

/// <summary>What of a token is gathered into a tile.</summary>
internal enum TileParts
{
    /// <summary>Keys and values.</summary>
    Both,

    /// <summary>Keys, to score tokens.</summary>
    Keys,

    /// <summary>Values, where the scores are known.</summary>
    Values,
}
