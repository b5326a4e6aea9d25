using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>logits[i] = hidden[LogitRows[i]] · Wᵀ.</summary>
internal sealed class LogitsOperation(CudaRuntime cuda, LinearOperation linear)
{
    private const int PieceBytes = 16;

    private readonly DeviceScratch _gathered = cuda.NewScratch();
    private CudaFunction? _function;

    /// <summary>Runs the output projection over the rows whose logits are wanted.</summary>
    /// <inheritdoc cref="Backend.Logits"/>
    public void Run(Tensor hidden, StepTensors step, LinearWeight head, Tensor logits)
    {
        if (step.LogitCount == 0)
            return;
        if (step.LogitCount == step.RowCount && hidden.Rows == step.RowCount)
        {
            linear.Run(hidden, head, logits); // all rows: they ascend
            return;
        }

        _function ??= cuda.Kernels.Get("gather_rows.cu", "gather_rows");
        nint address = _gathered.Reserve(step.LogitRows.Columns * hidden.RowBytes); // for the largest step
        var gathered = new Tensor(address, hidden.Type, step.LogitCount, hidden.Columns);
        int pieces = (int)(hidden.RowBytes / PieceBytes);
        cuda.Launch.Start(_function)
            .Add(hidden.Address).Add(step.LogitRows.Address).Add(address).Add(hidden.Rows).Add(pieces)
            .Run(new Grid(step.LogitCount, RowLaunch.BlocksOfRow(pieces)), RowLaunch.Threads(pieces));
        linear.Run(gathered, head, logits);
    }
}
