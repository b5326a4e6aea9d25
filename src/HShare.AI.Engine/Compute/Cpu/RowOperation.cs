namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>An operation that treats each row by itself, in items of some rows.</summary>
internal abstract class RowOperation(WorkerPool pool) : ParallelWork
{
    private const int ElementsPerItem = 16384; // some microseconds of work: below that a second thread does not pay

    private int _rows;
    private int _rowsPerItem;

    /// <inheritdoc/>
    public override void Execute(int item, int worker)
    {
        int end = Math.Min((item + 1) * _rowsPerItem, _rows);
        for (int row = item * _rowsPerItem; row < end; row++)
            ExecuteRow(row);
    }

    /// <summary>Runs over all rows.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="columns">Elements that one row touches.</param>
    protected void RunRows(int rows, int columns)
    {
        _rows = rows;
        _rowsPerItem = Math.Max(1, ElementsPerItem / columns);
        pool.Run(this, (rows + _rowsPerItem - 1) / _rowsPerItem);
    }

    /// <summary>Does one row.</summary>
    protected abstract void ExecuteRow(int row);
}
