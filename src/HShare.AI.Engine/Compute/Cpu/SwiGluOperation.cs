using System.Numerics;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>activated = silu(gate) * up, where silu(x) = x / (1 + e^-x).</summary>
internal sealed unsafe class SwiGluOperation(WorkerPool pool) : RowOperation(pool)
{
    private Tensor _gateUp;
    private Tensor _activated;

    /// <summary>Runs the activation.</summary>
    public void Run(Tensor gateUp, Tensor activated)
    {
        _gateUp = gateUp;
        _activated = activated;
        RunRows(activated.Rows, activated.Columns);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        int columns = _activated.Columns;
        float* gate = (float*)_gateUp.Address + (nint)row * 2 * columns;
        float* up = gate + columns;
        float* activated = (float*)_activated.Address + (nint)row * columns;
        int i = 0;
        for (; i <= columns - Vector<float>.Count; i += Vector<float>.Count)
            Activate(Vector.Load(gate + i), Vector.Load(up + i)).Store(activated + i);
        for (; i < columns; i++)
            activated[i] = Activate(Vector.Create(gate[i]), Vector.Create(up[i]))[0];
    }

    private static Vector<float> Activate(Vector<float> gate, Vector<float> up) =>
        gate / (Vector<float>.One + VectorMath.Exp(-gate)) * up;
}
