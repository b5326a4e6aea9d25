using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Driver;

/// <summary>Large matrix products by cuBLASLt: prefill, where they are bound by arithmetic and not by reading the weights.</summary>
/// <remarks>
/// The library's choice of an algorithm is kept for each shape. The first product of a shape must not be inside a graph capture: the
/// library may load code then.
/// </remarks>
internal sealed unsafe class CublasLt : IDisposable
{
    private const int WorkspaceBytes = 32 << 20; // what NVIDIA advises for Hopper
    private const int MaxAlignment = 256;

    private readonly CudaRuntime _cuda;
    private readonly Dictionary<Shape, Plan> _plans = [];
    private readonly nint _handle;
    private readonly nint _preference;
    private nint _product;
    private nint _workspace;

    /// <summary>Loads the library.</summary>
    /// <exception cref="CudaException">It is missing, or does not start.</exception>
    public CublasLt(CudaRuntime cuda)
    {
        _cuda = cuda;
        cuda.ThrowIfCapturing("start cuBLASLt");
        CudaLibraries.Require(LibraryNames.CublasLt);
        cuda.MakeCurrent();
        _workspace = cuda.Allocate(WorkspaceBytes); // first: where it is not there, nothing is left behind
        Check(CublasLtApi.Create(out _handle), "Starting cuBLASLt");
        Check(CublasLtApi.MatmulPreferenceCreate(out _preference), "Preparing cuBLASLt");
        Check(CublasLtApi.MatmulDescCreate(out _product, CublasLtApi.ComputeFloat32, CublasLtApi.Float32), "Preparing a matrix product");
        int transposed = CublasLtApi.Transposed;
        Check(
            CublasLtApi.MatmulDescSetAttribute(_product, CublasLtApi.TransposeFirst, &transposed, sizeof(int)),
            "Preparing a matrix product");
        ulong workspace = WorkspaceBytes;
        Check(
            CublasLtApi.MatmulPreferenceSetAttribute(_preference, CublasLtApi.MaxWorkspaceBytes, &workspace, sizeof(ulong)),
            "Preparing cuBLASLt");
    }

    /// <summary>output = input · Wᵀ, all row-major; weight and input without gaps.</summary>
    /// <param name="weight">[outFeatures, inFeatures] of <paramref name="element"/>.</param>
    /// <param name="input">[rows, inFeatures] of <paramref name="element"/>.</param>
    /// <param name="output">[rows, outFeatures] of float32.</param>
    /// <param name="rows">Rows of input and output.</param>
    /// <param name="inFeatures">Columns of the input.</param>
    /// <param name="outFeatures">Columns of the output.</param>
    /// <param name="element">bfloat16 or float16.</param>
    /// <param name="outputStride">Elements from one row of the output to the next; 0 = <paramref name="outFeatures"/>.</param>
    /// <exception cref="CudaException">cuBLASLt has no way to compute it, or fails.</exception>
    public void Multiply(
        nint weight, nint input, nint output, int rows, int inFeatures, int outFeatures, DType element, int outputStride = 0)
    {
        if (rows == 0 || outFeatures == 0)
            return;
        _cuda.MakeCurrent();
        long lowestBit = (weight | input | output | MaxAlignment) & -(weight | input | output | MaxAlignment);
        if (outputStride == 0)
            outputStride = outFeatures;
        Shape shape = new(rows, inFeatures, outFeatures, element, outputStride, (int)lowestBit);
        if (!_plans.TryGetValue(shape, out Plan? plan))
            _plans.Add(shape, plan = NewPlan(shape));

        // To cuBLAS, which counts by columns, a row-major matrix is its transpose: output[out, rows] = Wᵀ[in, out]ᵀ · input[in, rows].
        float one = 1, zero = 0;
        MatmulAlgorithm algorithm = plan.Algorithm;
        int status = CublasLtApi.Matmul(
            _handle,
            _product,
            &one,
            weight,
            plan.Weight,
            input,
            plan.Input,
            &zero,
            output,
            plan.Output,
            output,
            plan.Output,
            &algorithm,
            _workspace,
            WorkspaceBytes,
            _cuda.Stream);
        if (status != 0)
            throw Failed($"A matrix product {shape}", status);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Plan plan in _plans.Values)
        {
            CublasLtApi.MatrixLayoutDestroy(plan.Weight);
            CublasLtApi.MatrixLayoutDestroy(plan.Input);
            CublasLtApi.MatrixLayoutDestroy(plan.Output);
        }

        _plans.Clear();
        if (_product == 0)
            return;
        CublasLtApi.MatmulDescDestroy(_product);
        CublasLtApi.MatmulPreferenceDestroy(_preference);
        CublasLtApi.Destroy(_handle);
        _product = 0;
        _workspace = 0;
    }

    private Plan NewPlan(Shape shape)
    {
        _cuda.ThrowIfCapturing($"choose an algorithm for a matrix product {shape}");
        (int rows, int inFeatures, int outFeatures, DType element, int outputStride, int alignment) = shape;
        int type = element switch
        {
            DType.BFloat16 => CublasLtApi.BFloat16,
            DType.Float16 => CublasLtApi.Float16,
            _ => throw new ArgumentException($"cuBLASLt multiplies BFloat16 or Float16 here, not {element}."),
        };
        nint weight = Layout(type, inFeatures, outFeatures, inFeatures);
        nint input = Layout(type, inFeatures, rows, inFeatures);
        nint output = Layout(CublasLtApi.Float32, outFeatures, rows, outputStride);
        for (int operand = 0; operand < 4; operand++)
        {
            Check(
                CublasLtApi.MatmulPreferenceSetAttribute(_preference, CublasLtApi.MinAlignmentFirst + operand, &alignment, sizeof(int)),
                "Preparing cuBLASLt");
        }

        HeuristicResult result = default;
        int status = CublasLtApi.MatmulAlgoGetHeuristic(
            _handle, _product, weight, input, output, output, _preference, 1, &result, out int found);
        if (status != 0 || found == 0 || result.Status != 0)
            throw Failed($"Choosing an algorithm for a matrix product {shape}", status != 0 ? status : result.Status);
        return new Plan(weight, input, output, result.Algorithm);
    }

    private static nint Layout(int type, int rows, int columns, int stride)
    {
        Check(
            CublasLtApi.MatrixLayoutCreate(out nint layout, type, (ulong)rows, (ulong)columns, stride), "Describing a matrix to cuBLASLt");
        return layout;
    }

    private static void Check(int status, string what)
    {
        if (status != 0)
            throw Failed(what, status);
    }

    private static CudaException Failed(string what, int status) => new(
        CudaFailure.Call,
        $"{what} failed: {StatusName(status)} of cuBLASLt. Check that its version suits the driver and the GPU; see `hshare doctor`.",
        status);

    private static string StatusName(int status) => status switch
    {
        0 => "no algorithm",
        1 => "CUBLAS_STATUS_NOT_INITIALIZED",
        3 => "CUBLAS_STATUS_ALLOC_FAILED",
        7 => "CUBLAS_STATUS_INVALID_VALUE",
        8 => "CUBLAS_STATUS_ARCH_MISMATCH",
        13 => "CUBLAS_STATUS_EXECUTION_FAILED",
        14 => "CUBLAS_STATUS_INTERNAL_ERROR",
        15 => "CUBLAS_STATUS_NOT_SUPPORTED",
        _ => $"error {status}",
    };

    private sealed record Shape(int Rows, int InFeatures, int OutFeatures, DType Element, int OutputStride, int Alignment)
    {
        public override string ToString() => $"[{Rows}, {InFeatures}] x [{InFeatures}, {OutFeatures}] of {Element}";
    }

    private sealed record Plan(nint Weight, nint Input, nint Output, MatmulAlgorithm Algorithm);
}
