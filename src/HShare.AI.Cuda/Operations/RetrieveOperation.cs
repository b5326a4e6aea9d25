using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>
/// Choice of the critical tokens: <c>score_exact</c>, <c>score_labels</c> or <c>score_pages</c> judge the tokens of each head that asks,
/// <c>select_top</c> takes the best.
/// </summary>
/// <param name="cuda">The GPU.</param>
/// <param name="kept">See <see cref="TopSelection"/>.</param>
internal sealed class RetrieveOperation(CudaRuntime cuda, int kept = TopSelection.MostKept)
{
    private const int ScoreThreads = 128, ScoreWarps = ScoreThreads / 32; // of a block

    // What a warp has under way at once: 32 words of each lane, in tiles of 8 rows, 8 of them at most.
    private const int WarpBytes = 4096, RowsOfTile = 8, MostRowsOfWarp = 8 * RowsOfTile;
    private const float Log2E = 1.44269504f;

    private readonly Dictionary<ScorerKind, CudaFunction> _scorers = [];
    private readonly DeviceScratch _products = cuda.NewScratch();
    private readonly DeviceScratch _parts = cuda.NewScratch();
    private readonly TopSelection _selection = new(cuda, kept);

    /// <summary>Runs over some sequences of the step.</summary>
    /// <inheritdoc cref="Backend.Retrieve"/>
    public void Run(Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, KvLayer cache, Retrieval retrieval)
    {
        AskingHeads asking = AskingHeads.Of(shape, cache, retrieval);
        if (asking.Count == 0 || sequences.Count == 0)
            return;
        int tokens = step.BlockTables.Columns * cache.BlockSize;
        if (retrieval.Retriever == Retriever.Accumulated)
        {
            _selection.Run(step, sequences, shape, retrieval, asking, tokens, default);
            return;
        }

        int units = retrieval.Retriever == Retriever.PageBounds ? tokens / KvLayer.PageSize : tokens;
        HeadProducts products = Score(qkv, step, sequences, shape, cache, retrieval, asking, units);
        _selection.Run(step, sequences, shape, retrieval, asking, units, products);
    }

    private HeadProducts Score(
        Tensor qkv,
        StepTensors step,
        SequenceRange sequences,
        AttentionShape shape,
        KvLayer cache,
        Retrieval retrieval,
        in AskingHeads asking,
        int units)
    {
        Retriever retriever = retrieval.Retriever;
        bool pools = retriever == Retriever.Exact || shape.GroupSize > 1;
        int channels = retriever == Retriever.LabelChannels ? cache.LabelChannels.Columns : 0;
        Tensor rows = retriever switch
        {
            Retriever.PageBounds => cache.PageBounds,
            Retriever.LabelChannels => cache.Labels,
            _ => cache.Keys,
        };

        int width = retriever switch
        {
            Retriever.PageBounds => 2 * shape.HeadDim,
            Retriever.LabelChannels => channels,
            _ => shape.HeadDim,
        };
        int parts = PartsOf(units, sequences.Count * asking.Count, width * (rows.Type == DType.Float8 ? 1 : 2));
        int stride = pools ? (units + 7) & -8 : retrieval.Scores.Columns;
        HeadProducts products = default;
        if (pools)
        {
            // For the most sequences at once: what it grew out of is not given back.
            long lists = (long)step.BlockTables.Rows * shape.Heads;
            products = new HeadProducts(
                _products.Reserve(lists * stride * sizeof(float)),
                stride,
                _parts.Reserve((long)sequences.Count * asking.Count * shape.GroupSize * parts * 2 * sizeof(float)),
                parts,
                shape.GroupSize);
        }

        float scale = Log2E * (channels > 0 ? 1 / MathF.Sqrt(channels) : shape.Scale);
        cuda.Launch.Start(Scorer(new ScorerKind(retriever, shape.HeadDim, shape.GroupSize, cache.BlockSize, channels, rows.Type)))
            .Add(qkv.Address).Add(qkv.Columns).Add(rows.Address).Add((long)rows.Columns).Add(cache.LabelChannels.Address).Add(channels)
            .Add(step.BlockTables.Address).Add(step.BlockTables.Columns).Add(step.RowStarts.Address).Add(step.Positions.Address)
            .Add(step.RefreshMask.Address).Add(in asking.Heads).Add(in asking.Places).Add(sequences.First)
            .Add(shape.KvHeads).Add(shape.SlidingWindow).Add(scale).Add(pools ? products.Address : retrieval.Scores.Address).Add(stride)
            .Add(products.Parts)
            .Run(new Grid(parts, asking.Count, sequences.Count), ScoreThreads);
        return products;
    }

    // Into how many parts a context is cut: as many as fill the multiprocessors once, so that none waits for blocks of a second wave, and
    // each with the same number of turns, in which a block's warps take as many rows as they can have under way.
    private int PartsOf(int units, int lists, int rowBytes)
    {
        int rowsOfWarp = Math.Clamp(WarpBytes / rowBytes / RowsOfTile * RowsOfTile, RowsOfTile, MostRowsOfWarp);
        int resident = rowsOfWarp == MostRowsOfWarp ? 8 : 4; // blocks of a multiprocessor; wide rows take many registers
        int turns = Math.Max(1, (units + ScoreWarps * rowsOfWarp - 1) / (ScoreWarps * rowsOfWarp));
        int most = Math.Max(1, cuda.Properties.MultiprocessorCount * resident / lists);
        int turnsOfPart = (turns + most - 1) / most;
        return (turns + turnsOfPart - 1) / turnsOfPart;
    }

    private CudaFunction Scorer(ScorerKind kind)
    {
        if (_scorers.TryGetValue(kind, out CudaFunction? function))
            return function;

        List<(string Name, string Value)> macros =
        [
            ("ELEMENT", cuda.ElementName), ("CACHE", kind.CacheType == DType.Float8 ? "e4m3" : cuda.ElementName),
            ("HEAD_DIM", $"{kind.HeadDim}"), ("GROUP", $"{kind.Group}"), ("BLOCK_SIZE", $"{kind.BlockSize}"),
        ];
        if (kind.Channels > 0)
            macros.Add(("CHANNELS", $"{kind.Channels}"));
        string name = kind.Retriever switch
        {
            Retriever.PageBounds => "score_pages",
            Retriever.LabelChannels => "score_labels",
            _ => "score_exact",
        };
        return _scorers[kind] = cuda.Kernels.Get($"{name}.cu", name, [.. macros]);
    }

    // What a scorer is compiled for.
    private readonly record struct ScorerKind(Retriever Retriever, int HeadDim, int Group, int BlockSize, int Channels, DType CacheType);
}
