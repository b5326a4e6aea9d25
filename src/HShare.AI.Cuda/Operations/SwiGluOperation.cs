using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>activated = silu(gate) * up, where silu(x) = x / (1 + e^-x).</summary>
internal sealed class SwiGluOperation(CudaRuntime cuda)
{
    private CudaFunction? _function;

    /// <summary>Runs the activation.</summary>
    /// <exception cref="ArgumentException">The columns are not a multiple of 8.</exception>
    /// <inheritdoc cref="Backend.SwiGlu"/>
    public void Run(Tensor gateUp, Tensor activated)
    {
        RowLaunch.RequireVectors("SwiGlu", "activated", activated.Columns);
        _function ??= cuda.Kernels.Get("swiglu.cu", "swiglu", ("ELEMENT", cuda.ElementName));
        int vectors = activated.Columns / RowLaunch.VectorElements, threads = RowLaunch.Threads(vectors);
        cuda.Launch.Start(_function)
            .Add(gateUp.Address).Add(activated.Address).Add(activated.Columns)
            .Run(new Grid(activated.Rows, (vectors + threads - 1) / threads), threads);
    }
}
