using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>hidden[r] = embedding[tokenIds[r]]. A token that is not in the vocabulary becomes a row of NaN.</summary>
internal sealed class EmbedOperation(CudaRuntime cuda)
{
    private readonly Dictionary<DType, CudaFunction> _functions = [];

    /// <summary>Runs the lookup.</summary>
    /// <exception cref="ArgumentException">The columns are not a multiple of 8.</exception>
    /// <inheritdoc cref="Backend.Embed"/>
    public void Run(Tensor tokenIds, Tensor embedding, Tensor hidden)
    {
        RowLaunch.RequireVectors("Embed", "hidden", hidden.Columns);
        if (!_functions.TryGetValue(embedding.Type, out CudaFunction? function))
        {
            string table = embedding.Type switch { DType.Float32 => "float", DType.Float16 => "f16", _ => "bf16" };
            _functions[embedding.Type] = function = cuda.Kernels.Get("embed.cu", "embed", ("TABLE", table));
        }

        int pieces = hidden.Columns / RowLaunch.VectorElements;
        cuda.Launch.Start(function)
            .Add(tokenIds.Address).Add(embedding.Address).Add(hidden.Address).Add(embedding.Rows).Add(hidden.Columns)
            .Run(new Grid(hidden.Rows, RowLaunch.BlocksOfRow(pieces)), RowLaunch.Threads(pieces));
    }
}
