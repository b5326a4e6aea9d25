using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HShare.AI.Cuda.Driver;

/// <summary>
/// The functions of cuBLASLt that are used, under their names without "cublasLt". Each returns 0 or a cuBLAS error number.
/// </summary>
internal static unsafe partial class CublasLtApi
{
    /// <summary>The name that <see cref="CudaLibraries"/> resolves.</summary>
    public const string Library = "cublasLt";

    /// <summary>Sums in float32 (CUBLAS_COMPUTE_32F).</summary>
    public const int ComputeFloat32 = 68;

    /// <summary>Element types (cudaDataType).</summary>
    public const int Float32 = 0;

    /// <summary>IEEE half precision.</summary>
    public const int Float16 = 2;

    /// <summary>bfloat16.</summary>
    public const int BFloat16 = 14;

    /// <summary>Attribute of a product: how its first matrix is taken (CUBLASLT_MATMUL_DESC_TRANSA).</summary>
    public const int TransposeFirst = 3;

    /// <summary>Value of <see cref="TransposeFirst"/>: transposed (CUBLAS_OP_T).</summary>
    public const int Transposed = 1;

    /// <summary>Attributes of a search: bytes of workspace, and the least alignment of the four matrices in bytes.</summary>
    public const int MaxWorkspaceBytes = 1;

    /// <summary>The first of four: of the two factors, of what is added and of the product.</summary>
    public const int MinAlignmentFirst = 5;

    [LibraryImport(Library, EntryPoint = "cublasLtCreate")]
    public static partial int Create(out nint handle);

    [LibraryImport(Library, EntryPoint = "cublasLtDestroy")]
    public static partial int Destroy(nint handle);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulDescCreate")]
    public static partial int MatmulDescCreate(out nint product, int computeType, int scaleType);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulDescSetAttribute")]
    public static partial int MatmulDescSetAttribute(nint product, int attribute, void* value, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulDescDestroy")]
    public static partial int MatmulDescDestroy(nint product);

    [LibraryImport(Library, EntryPoint = "cublasLtMatrixLayoutCreate")]
    public static partial int MatrixLayoutCreate(out nint layout, int type, ulong rows, ulong columns, long leadingDimension);

    [LibraryImport(Library, EntryPoint = "cublasLtMatrixLayoutDestroy")]
    public static partial int MatrixLayoutDestroy(nint layout);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulPreferenceCreate")]
    public static partial int MatmulPreferenceCreate(out nint preference);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulPreferenceSetAttribute")]
    public static partial int MatmulPreferenceSetAttribute(nint preference, int attribute, void* value, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulPreferenceDestroy")]
    public static partial int MatmulPreferenceDestroy(nint preference);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulAlgoGetHeuristic")]
    public static partial int MatmulAlgoGetHeuristic(
        nint handle, nint product, nint a, nint b, nint c, nint d, nint preference, int wanted, HeuristicResult* results, out int found);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmul")]
    public static partial int Matmul(
        nint handle,
        nint product,
        void* alpha,
        nint a,
        nint aLayout,
        nint b,
        nint bLayout,
        void* beta,
        nint c,
        nint cLayout,
        nint d,
        nint dLayout,
        MatmulAlgorithm* algorithm,
        nint workspace,
        nuint workspaceBytes,
        nint stream);
}

/// <summary>A way to compute a product (cublasLtMatmulAlgo_t); opaque.</summary>
[InlineArray(8)]
internal struct MatmulAlgorithm
{
    private ulong _data;
}

/// <summary>A way that suits a product, and what it needs (cublasLtMatmulHeuristicResult_t).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct HeuristicResult
{
    public MatmulAlgorithm Algorithm;
    public nuint WorkspaceBytes;
    public int Status;
    public float Waves;
    public Int128Words Reserved;

    /// <summary>Four words.</summary>
    [InlineArray(4)]
    internal struct Int128Words
    {
        private int _word;
    }
}
