using System.Numerics;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>residual += delta; normed = residual / rms(residual) * weight.</summary>
internal sealed unsafe class AddRmsNormOperation(WorkerPool pool) : RowOperation(pool)
{
    private Tensor _residual;
    private Tensor _delta;
    private Tensor _normed;
    private float* _weight;
    private float _epsilon;

    /// <summary>Runs the norm.</summary>
    public void Run(Tensor residual, Tensor delta, Tensor weight, float epsilon, Tensor normed)
    {
        _residual = residual;
        _delta = delta;
        _weight = (float*)weight.Address;
        _epsilon = epsilon;
        _normed = normed;
        RunRows(residual.Rows, residual.Columns);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        int columns = _residual.Columns;
        nint offset = (nint)row * columns;
        float* residual = (float*)_residual.Address + offset;
        if (!_delta.IsNone)
            VectorMath.Add(residual, (float*)_delta.Address + offset, columns);
        Normalize(residual, _weight, _epsilon, (float*)_normed.Address + offset, columns);
    }

    /// <summary>output = x / rms(x) * weight; may be done in place.</summary>
    public static void Normalize(float* x, float* weight, float epsilon, float* output, int count)
    {
        float factor = 1 / MathF.Sqrt(SumOfSquares(x, count) / count + epsilon);
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            (Vector.Load(x + i) * Vector.Create(factor) * Vector.Load(weight + i)).Store(output + i);
        for (; i < count; i++)
            output[i] = x[i] * factor * weight[i];
    }

    private static float SumOfSquares(float* x, int count)
    {
        Vector<float> sums = default;
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> v = Vector.Load(x + i);
            sums = Vector.FusedMultiplyAdd(v, v, sums);
        }

        float sum = Vector.Sum(sums);
        for (; i < count; i++)
            sum += x[i] * x[i];
        return sum;
    }
}
