using System.Numerics;
using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Attention of some query rows over one KV head, partition by partition: scores and weighted values as two matrix products per tile
/// of keys, the softmax online between them.
/// </summary>
/// <remarks>
/// Tiles and partitions lie at absolute positions and a masked key adds exactly nothing, so a row's result is the same, bit for bit,
/// whichever rows are computed with it: a prompt in one chunk or in many, or the same row as a decode step.
/// </remarks>
internal sealed unsafe class OnlineAttention(Scratch scratch)
{
    /// <summary>Query rows that are computed together.</summary>
    public const int MaxRows = 32 * MatrixKernel.MaxRows;

    /// <summary>Tokens of a partition of the context: a unit of work in decode.</summary>
    public const int PartitionTokens = 1024;

    /// <summary>Maximum of a row that has seen no key: finite, so that differences of maxima are never NaN.</summary>
    public const float NoScore = -1e30f;

    private const float Log2E = 1.44269504f;

    private readonly int[] _positions = new int[MaxRows];
    private AttentionShape _shape;
    private KvLayer? _cache;
    private int _kvHead;
    private int* _blockTable;
    private int _contextLength;
    private KeyValueTile _tile;
    private float* _queries; // [rows, head_dim], scaled
    private float* _scores;  // [6, tile]: scores, then weights

    /// <summary>Rows added since <see cref="Begin"/>.</summary>
    public int RowCount { get; private set; }

    /// <summary>Elements from one row of <see cref="Outputs"/> to the next: head_dim rounded up to whole panels.</summary>
    public int OutputStride => KeyValueTile.PaddedDim(_shape.HeadDim);

    /// <summary>Largest score of each row in the partition. Scores are times log2 e, so that weights are powers of two.</summary>
    public float* Maxima { get; private set; }

    /// <summary>Sum of 2^(score - maximum) of each row over the partition.</summary>
    public float* Sums { get; private set; }

    /// <summary>Values weighted with 2^(score - maximum) of each row, not yet divided by the sum.</summary>
    public float* Outputs { get; private set; }

    /// <summary>Begins a new set of rows over a sequence's context.</summary>
    public void Begin(KvLayer cache, AttentionShape shape, int kvHead, int* blockTable, int contextLength)
    {
        _cache = cache;
        _shape = shape;
        _kvHead = kvHead;
        _blockTable = blockTable;
        _contextLength = contextLength;
        RowCount = 0;

        int tileSize = KeyValueTile.ScratchSize(shape.HeadDim);
        int scoreSize = MatrixKernel.MaxRows * KeyValueTile.Tokens;
        float* memory = scratch.Reserve(tileSize + scoreSize + MaxRows * (shape.HeadDim + OutputStride + 2));
        _tile = new KeyValueTile(memory, shape.HeadDim);
        _scores = memory + tileSize;
        _queries = _scores + scoreSize;
        Outputs = _queries + MaxRows * shape.HeadDim;
        Maxima = Outputs + MaxRows * OutputStride;
        Sums = Maxima + MaxRows;
    }

    /// <summary>Adds one query head at a position. Positions ascend.</summary>
    public void AddRow(float* query, int position)
    {
        VectorMath.Scale(query, _shape.Scale * Log2E, _queries + RowCount * _shape.HeadDim, _shape.HeadDim);
        _positions[RowCount++] = position;
    }

    /// <summary>First key that a query at a position sees.</summary>
    public static int FirstVisible(AttentionShape shape, int position) =>
        shape.SlidingWindow > 0 ? Math.Max(0, position - shape.SlidingWindow + 1) : 0;

    /// <summary>Computes maxima, sums and outputs of all rows over one partition.</summary>
    public void AttendPartition(int partition)
    {
        new Span<float>(Maxima, RowCount).Fill(NoScore);
        new Span<float>(Sums, RowCount).Clear();
        new Span<float>(Outputs, RowCount * OutputStride).Clear();

        int first = Math.Max(partition * PartitionTokens, FirstVisible(_shape, _positions[0]));
        int end = Math.Min((partition + 1) * PartitionTokens, _positions[RowCount - 1] + 1);
        for (int start = first & -KeyValueTile.Tokens; start < end; start += KeyValueTile.Tokens)
        {
            _tile.Load(_cache!, _kvHead, _blockTable, start, Math.Min(KeyValueTile.Tokens, _contextLength - start), end);
            for (int row = 0; row < RowCount; row += MatrixKernel.MaxRows)
                AttendTile(row, Math.Min(MatrixKernel.MaxRows, RowCount - row), start);
        }
    }

    private void AttendTile(int firstRow, int rows, int start)
    {
        int visible = Math.Min(KeyValueTile.Tokens, _positions[firstRow + rows - 1] + 1 - start);
        if (visible <= 0)
            return;

        int panels = (visible + MatrixKernel.PanelWidth - 1) / MatrixKernel.PanelWidth;
        for (int panel = 0; panel < panels; panel++)
        {
            MatrixKernel.Multiply<Float32Element>(
                rows,
                _queries + firstRow * _shape.HeadDim,
                _shape.HeadDim,
                _tile.KeyPanel(panel),
                _shape.HeadDim,
                _scores + panel * MatrixKernel.PanelWidth,
                KeyValueTile.Tokens,
                accumulate: false);
        }

        for (int row = 0; row < rows; row++)
            WeighScores(firstRow + row, _scores + row * KeyValueTile.Tokens, panels * MatrixKernel.PanelWidth, start);

        for (int panel = 0; panel < OutputStride / MatrixKernel.PanelWidth; panel++)
        {
            MatrixKernel.Multiply<Float32Element>(
                rows,
                _scores,
                KeyValueTile.Tokens,
                _tile.ValuePanel(panel),
                visible,
                Outputs + firstRow * OutputStride + panel * MatrixKernel.PanelWidth,
                OutputStride,
                accumulate: true);
        }
    }

    // Turns a row's scores into weights and carries its maximum, sum and output over to the new maximum.
    private void WeighScores(int row, float* scores, int count, int start)
    {
        Mask(scores, count, FirstVisible(_shape, _positions[row]) - start, _positions[row] + 1 - start);

        Vector<float> maxima = Vector.Load(scores);
        for (int i = Vector<float>.Count; i < count; i += Vector<float>.Count)
            maxima = Vector.MaxNative(maxima, Vector.Load(scores + i));
        float max = MathF.Max(Maxima[row], VectorMath.Max(maxima));

        Vector<float> sums = default;
        for (int i = 0; i < count; i += Vector<float>.Count)
        {
            Vector<float> weights = VectorMath.Exp2OfNegative(Vector.Load(scores + i) - Vector.Create(max));
            weights.Store(scores + i);
            sums += weights;
        }

        if (max != Maxima[row])
            Rescale(row, max);
        Sums[row] += Vector.Sum(sums);
    }

    private static void Mask(float* scores, int count, int first, int end)
    {
        for (int i = 0; i < first && i < count; i++)
            scores[i] = float.NegativeInfinity;
        for (int i = Math.Max(0, end); i < count; i++)
            scores[i] = float.NegativeInfinity;
    }

    private void Rescale(int row, float max)
    {
        float factor = VectorMath.Exp2OfNegative(Vector.Create(Maxima[row] - max))[0];
        Maxima[row] = max;
        Sums[row] *= factor;
        float* output = Outputs + row * OutputStride;
        VectorMath.Scale(output, factor, output, OutputStride);
    }
}
