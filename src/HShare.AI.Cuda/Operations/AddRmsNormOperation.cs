using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>residual += delta; normed = residual / rms(residual) * weight.</summary>
internal sealed class AddRmsNormOperation(CudaRuntime cuda)
{
    private const int ElementsPerThread = 8, Warp = 32, MostThreads = 1024;

    private readonly Dictionary<int, CudaFunction> _functions = [];

    /// <summary>Runs the norm.</summary>
    /// <exception cref="ArgumentException">The columns are not a multiple of 8.</exception>
    /// <inheritdoc cref="Backend.AddRmsNorm"/>
    public void Run(Tensor residual, Tensor delta, Tensor weight, float epsilon, Tensor normed)
    {
        int columns = residual.Columns;
        int threads = Math.Clamp((columns / ElementsPerThread + Warp - 1) / Warp * Warp, Warp, MostThreads);
        if (!_functions.TryGetValue(columns, out CudaFunction? function))
        {
            RowLaunch.RequireVectors("AddRmsNorm", "residual", columns);
            _functions[columns] = function = cuda.Kernels.Get(
                "add_rms_norm.cu",
                "add_rms_norm",
                ("ELEMENT", cuda.ElementName), ("HIDDEN", $"{columns}"), ("THREADS", $"{threads}"));
        }

        cuda.Launch.Start(function)
            .Add(residual.Address).Add(delta.Address).Add(weight.Address).Add(epsilon).Add(normed.Address)
            .Run(new Grid(residual.Rows), threads);
    }
}
