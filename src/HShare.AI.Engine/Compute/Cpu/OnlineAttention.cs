using System.Numerics;

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

    private readonly int[] _firsts = new int[MaxRows]; // place of the first key that each row sees, ascending
    private readonly int[] _ends = new int[MaxRows];   // place behind its last one, ascending
    private AttentionShape _shape;
    private KeyValueSource _source;
    private ScoreExchange _scoreExchange;
    private TileParts _parts;
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

    /// <summary>Begins a new set of rows over some tokens of a sequence.</summary>
    /// <param name="shape">Heads.</param>
    /// <param name="source">The tokens.</param>
    /// <param name="exchange">Where scores are left for others, or taken from.</param>
    /// <param name="parts">Keys alone: only maxima, sums and scores are computed.</param>
    public void Begin(AttentionShape shape, in KeyValueSource source, ScoreExchange exchange = default, TileParts parts = TileParts.Both)
    {
        _shape = shape;
        _source = source;
        _scoreExchange = exchange;
        _parts = exchange.From is null ? parts : TileParts.Values;
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

    /// <summary>Adds one query head that sees the keys at some places. First and end ascend from row to row.</summary>
    public void AddRow(float* query, int first, int end)
    {
        VectorMath.Scale(query, _shape.Scale * Log2E, _queries + RowCount * _shape.HeadDim, _shape.HeadDim);
        _firsts[RowCount] = first;
        _ends[RowCount++] = end;
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

        int first = Math.Max(partition * PartitionTokens, _firsts[0]);
        int end = Math.Min((partition + 1) * PartitionTokens, _ends[RowCount - 1]);
        for (int start = first & -KeyValueTile.Tokens; start < end; start += KeyValueTile.Tokens)
        {
            _tile.Load(_source, start, Math.Min(KeyValueTile.Tokens, _source.Count - start), end, _parts);
            for (int row = 0; row < RowCount; row += MatrixKernel.MaxRows)
                AttendTile(row, Math.Min(MatrixKernel.MaxRows, RowCount - row), start);
        }
    }

    /// <summary>
    /// Adds the attention that all rows pay to each key of one partition: 2^(score - maximum) / sum, summed over the rows in their order.
    /// </summary>
    /// <param name="partition">The partition.</param>
    /// <param name="maxima">Maximum of each row over all it sees.</param>
    /// <param name="factors">What each row's weights are multiplied with: one over its sum, and over the rows of a group for a
    /// mean.</param>
    /// <param name="mass">Attention of each key.</param>
    public void AddMass(int partition, float* maxima, float* factors, float* mass)
    {
        int first = Math.Max(partition * PartitionTokens, _firsts[0]);
        int end = Math.Min((partition + 1) * PartitionTokens, _ends[RowCount - 1]);
        for (int start = first & -KeyValueTile.Tokens; start < end; start += KeyValueTile.Tokens)
        {
            _tile.Load(_source, start, Math.Min(KeyValueTile.Tokens, _source.Count - start), end, TileParts.Keys);
            for (int row = 0; row < RowCount; row += MatrixKernel.MaxRows)
            {
                int rows = Math.Min(MatrixKernel.MaxRows, RowCount - row);
                int count = Score(row, rows, start);
                for (int i = row; i < row + rows && count > 0; i++)
                {
                    float* scores = _scores + (i - row) * KeyValueTile.Tokens;
                    Mask(scores, count, _firsts[i] - start, _ends[i] - start);
                    VectorMath.AddWeights(scores, maxima[i], factors[i], mass + start, Math.Min(count, _ends[i] - start));
                }
            }
        }
    }

    private void AttendTile(int firstRow, int rows, int start)
    {
        int visible = Math.Min(KeyValueTile.Tokens, _ends[firstRow + rows - 1] - start);
        int count = Score(firstRow, rows, start);
        if (count == 0)
            return;

        for (int row = 0; row < rows; row++)
            WeighScores(firstRow + row, _scores + row * KeyValueTile.Tokens, count, start);
        if (_parts == TileParts.Keys)
            return;

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

    // Scores of some rows on a tile, in whole panels: computed, or taken from where a leader left them. Returns how many columns hold any.
    private int Score(int firstRow, int rows, int start)
    {
        int visible = Math.Min(KeyValueTile.Tokens, _ends[firstRow + rows - 1] - start);
        if (visible <= 0)
            return 0;

        int panels = (visible + MatrixKernel.PanelWidth - 1) / MatrixKernel.PanelWidth;
        for (int panel = 0; panel < panels && _scoreExchange.From is null; panel++)
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

        for (int row = 0; row < rows && !_scoreExchange.IsNone; row++)
            _scoreExchange.Exchange(
                firstRow + row, start, Math.Max(0, _firsts[firstRow + row] - start), visible, _scores + row * KeyValueTile.Tokens);
        return panels * MatrixKernel.PanelWidth;
    }

    // Turns a row's scores into weights and carries its maximum, sum and output over to the new maximum.
    private void WeighScores(int row, float* scores, int count, int start)
    {
        Mask(scores, count, _firsts[row] - start, _ends[row] - start);

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
