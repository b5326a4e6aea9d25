namespace HShare.AI.Engine.Compute;

/// <summary>
/// One step as a backend sees it: a batch of ragged rows, described by device tensors with fixed maxima. The first
/// <see cref="DecodeCount"/> sequences have one row each (decode); behind them lie the prefill chunks of the others.
/// </summary>
/// <remarks>
/// The tensors are allocated once for the largest step and refilled for each, so that a captured decode step stays valid.
/// Only the first <see cref="RowCount"/>, <see cref="SequenceCount"/> and <see cref="LogitCount"/> entries mean anything.
/// </remarks>
public sealed class StepTensors
{
    /// <summary>Allocates the tensors of a step.</summary>
    /// <param name="backend">Whose memory they lie in.</param>
    /// <param name="maxRows">Most rows of a step, prefill and decode together.</param>
    /// <param name="maxSequences">Most sequences of a step.</param>
    /// <param name="maxBlocksPerSequence">Most cache blocks of one sequence.</param>
    public StepTensors(Backend backend, int maxRows, int maxSequences, int maxBlocksPerSequence)
    {
        TokenIds = backend.Allocate(DType.Int32, 1, maxRows);
        Positions = backend.Allocate(DType.Int32, 1, maxRows);
        Slots = backend.Allocate(DType.Int32, 1, maxRows);
        RowStarts = backend.Allocate(DType.Int32, 1, maxSequences + 1);
        ContextLengths = backend.Allocate(DType.Int32, 1, maxSequences);
        BlockTables = backend.Allocate(DType.Int32, maxSequences, maxBlocksPerSequence);
        LogitRows = backend.Allocate(DType.Int32, 1, maxRows);
    }

    /// <summary>Rows in this step.</summary>
    public int RowCount { get; set; }

    /// <summary>Sequences in this step.</summary>
    public int SequenceCount { get; set; }

    /// <summary>How many of the sequences, from the first on, decode (one row each).</summary>
    public int DecodeCount { get; set; }

    /// <summary>Rows whose logits are wanted.</summary>
    public int LogitCount { get; set; }

    /// <summary>Token of each row [1, rows], int32.</summary>
    public Tensor TokenIds { get; }

    /// <summary>Position of each row in its sequence [1, rows], int32.</summary>
    public Tensor Positions { get; }

    /// <summary>Where each row's key and value go [1, rows], int32: block number times block size plus offset in the block.</summary>
    public Tensor Slots { get; }

    /// <summary>First row of each sequence [1, sequences + 1], int32; the last entry is the row count.</summary>
    public Tensor RowStarts { get; }

    /// <summary>Tokens of each sequence in the cache once this step's rows are stored [1, sequences], int32.</summary>
    public Tensor ContextLengths { get; }

    /// <summary>Cache blocks of each sequence in order [sequences, max blocks], int32.</summary>
    public Tensor BlockTables { get; }

    /// <summary>The rows whose logits are wanted [1, logits], int32, ascending.</summary>
    public Tensor LogitRows { get; }
}
