using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>One token for each row of logits.</summary>
internal sealed unsafe class SampleOperation(WorkerPool pool) : ParallelWork
{
    private SamplingRow[] _rows = [];
    private int[] _tokenIds = [];
    private Tensor _logits;

    /// <summary>Samples all rows.</summary>
    public void Run(Tensor logits, ReadOnlySpan<SamplingRow> rows, Span<int> tokenIds)
    {
        if (_rows.Length < rows.Length)
        {
            _rows = new SamplingRow[rows.Length];
            _tokenIds = new int[rows.Length];
        }

        _logits = logits;
        rows.CopyTo(_rows);
        try
        {
            pool.Run(this, rows.Length);
            _tokenIds.AsSpan(0, rows.Length).CopyTo(tokenIds);
        }
        finally
        {
            Array.Clear(_rows); // keep no request alive
        }
    }

    /// <inheritdoc/>
    public override void Execute(int item, int worker)
    {
        float* row = (float*)_logits.Address + (nint)item * _logits.Columns;
        _tokenIds[item] = Sampler.Sample(new Span<float>(row, _logits.Columns), _rows[item]);
    }
}
