namespace HShare.AI.Engine.Compute;

/// <summary>
/// One step as a backend sees it: a batch of ragged rows, described by device tensors with fixed maxima. The first
/// <see cref="DecodeCount"/> sequences have one row each (decode); behind them lie the prefill chunks of the others.
/// </summary>
/// <remarks>
/// The tensors are allocated once for the largest step and refilled for each, so that a captured decode step stays valid.
/// Only the first <see cref="RowCount"/>, <see cref="SequenceCount"/> and <see cref="LogitCount"/> entries mean anything. They lie behind
/// each other in one piece of memory, with a mirror on the host: change <see cref="HostOf"/>, and <see cref="Send"/> all in one copy.
/// </remarks>
public sealed class StepTensors
{
    private readonly int[] _host;
    private readonly Tensor _all;
    private int _reserved;

    /// <summary>Allocates the tensors of a step.</summary>
    /// <param name="backend">Whose memory they lie in.</param>
    /// <param name="maxRows">Most rows of a step, prefill and decode together.</param>
    /// <param name="maxSequences">Most sequences of a step.</param>
    /// <param name="maxBlocksPerSequence">Most cache blocks of one sequence.</param>
    /// <param name="sharesKeys">Whether some heads keep the keys of proximal tokens only, in blocks of their own (PoD).</param>
    public StepTensors(Backend backend, int maxRows, int maxSequences, int maxBlocksPerSequence, bool sharesKeys = false)
    {
        int rowTensors = sharesKeys ? 5 : 4, tables = sharesKeys ? 2 : 1;
        _host = new int[checked(rowTensors * maxRows + 6 * maxSequences + 1 + tables * maxSequences * maxBlocksPerSequence)];
        _all = backend.Allocate(DType.Int32, 1, _host.Length);
        TokenIds = Reserve(1, maxRows);
        Positions = Reserve(1, maxRows);
        Slots = Reserve(1, maxRows);
        LogitRows = Reserve(1, maxRows);
        ProximalSlots = sharesKeys ? Reserve(1, maxRows) : Tensor.None;
        RowStarts = Reserve(1, maxSequences + 1);
        ContextLengths = Reserve(1, maxSequences);
        SequenceSlots = Reserve(1, maxSequences);
        RefreshMask = Reserve(1, maxSequences);
        WindowStarts = Reserve(1, maxSequences);
        CriticalCounts = Reserve(1, maxSequences);
        ProximalTables = sharesKeys ? Reserve(maxSequences, maxBlocksPerSequence) : Tensor.None;
        BlockTables = Reserve(maxSequences, maxBlocksPerSequence);
    }

    /// <summary>The mirror of one of the tensors below, or of some of its rows.</summary>
    public Span<int> HostOf(Tensor tensor) =>
        _host.AsSpan((int)((tensor.Address - _all.Address) / sizeof(int)), tensor.Rows * tensor.Columns);

    /// <summary>Copies the mirror to the backend, as far as the step's sequences go.</summary>
    public void Send(Backend backend)
    {
        Tensor used = BlockTables.Take(SequenceCount);
        int count = (int)((used.Address - _all.Address) / sizeof(int)) + used.Rows * used.Columns;
        backend.Write<int>(_all, _host.AsSpan(0, count));
    }

    /// <summary>
    /// How the sequences attend: all decode sequences in groups, or none, and then they read everything; and the prefill sequences that
    /// make a first
    /// choice in this step, or whose attention is summed up.
    /// </summary>
    public List<AttentionGroup> Groups { get; } = [];

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

    /// <summary>
    /// Where what is kept for each sequence between steps lies [1, sequences], int32: a number below the most sequences that stays the same
    /// while it
    /// runs, unlike its place in the step.
    /// </summary>
    public Tensor SequenceSlots { get; }

    /// <summary>Whether each sequence's leaders choose anew in this step [1, sequences], int32, 0 or 1.</summary>
    public Tensor RefreshMask { get; }

    /// <summary>
    /// First token of each sequence's window [1, sequences], int32. It stays where the last refresh put it, so that what left the window
    /// since is still read, and nothing is read twice.
    /// </summary>
    public Tensor WindowStarts { get; }

    /// <summary>Most critical tokens that each sequence's leaders may choose [1, sequences], int32.</summary>
    public Tensor CriticalCounts { get; }

    /// <summary>As <see cref="Slots"/>, for the keys of heads that keep proximal tokens only.</summary>
    public Tensor ProximalSlots { get; }

    /// <summary>
    /// As <see cref="BlockTables"/>, for the keys of heads that keep proximal tokens only; 0 for blocks that were given back, which nothing
    /// reads.
    /// </summary>
    public Tensor ProximalTables { get; }

    private Tensor Reserve(int rows, int columns)
    {
        Tensor tensor = new(_all.Address + _reserved * sizeof(int), DType.Int32, rows, columns);
        _reserved += rows * columns;
        return tensor;
    }
}
