using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>Attention of prefill chunks: <c>attend_prefill</c>, and <c>prefill_mass</c> where it is summed up.</summary>
internal sealed class PrefillAttentionOperation(CudaRuntime cuda)
{
    private const int Threads = 128, KeyTile = 64, MassTokens = 128;
    private const float Log2E = 1.44269504f;

    private readonly Dictionary<Specialisation, CudaFunction> _attend = [];
    private readonly Dictionary<Specialisation, CudaFunction> _mass = [];
    private readonly DeviceScratch _sums = cuda.NewScratch();

    /// <summary>(row, head) pairs of a block's tile, instead of what suits the GPU: 64 or 128. For tests.</summary>
    internal int? QueryTile { get; set; }

    /// <summary>Runs over the step's prefill sequences.</summary>
    /// <remarks>
    /// A head that keeps proximal keys only (PoD) has no mass: nobody chooses by it, and its part of the tensor is left alone.
    /// </remarks>
    /// <inheritdoc cref="Backend.AttendPrefill"/>
    public void Run(
        Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache, SequenceRange massSequences, Tensor mass, Tensor attended)
    {
        int sequences = step.SequenceCount - step.DecodeCount;
        if (sequences == 0)
            return;

        bool sumsUp = !mass.IsNone && massSequences.Count > 0;
        nint sums = sumsUp ? _sums.Reserve((long)step.TokenIds.Columns * shape.Heads * sizeof(float)) : 0;
        Attend(qkv, step, shape, cache, attended, sums);
        if (sumsUp)
            AddMass(qkv, step, shape, cache, massSequences, mass, sums);
    }

    private void Attend(Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache, Tensor attended, nint sums)
    {
        int queryTile = QueryTile ?? ChooseTile(step, shape, cache.Values.Type);
        Specialisation kind = new(shape.HeadDim, shape.GroupSize, cache.BlockSize, cache.Values.Type, queryTile, cache.Distant is not null);
        if (!_attend.TryGetValue(kind, out CudaFunction? function))
            _attend[kind] = function = Compile("attend_prefill", kind);

        KernelLaunch launch = cuda.Launch.Start(function)
            .Add(qkv.Address).Add(qkv.Columns)
            .Add(step.RowStarts.Address).Add(step.Positions.Address).Add(step.ContextLengths.Address)
            .Add(step.BlockTables.Address).Add(step.BlockTables.Columns).Add(step.DecodeCount).Add(step.SequenceCount)
            .Add(cache.Keys.Address).Add(cache.Keys.Columns).Add(cache.Values.Address).Add(cache.Values.Columns)
            .Add(KeyPlaces(cache, shape, keepersOnly: false))
            .Add(shape.SlidingWindow).Add(shape.Scale * Log2E).Add(attended.Address).Add(sums);
        if (cache.Distant is { } distant)
            launch.Add(PrefillSharing.Of(distant, step, shape, cache.BlockSize));
        launch.Run(
            new Grid(shape.KvHeads, MostTiles(step, shape, queryTile)), Threads, SharedBytes(queryTile, shape.HeadDim, cache.Values.Type));
    }

    private void AddMass(
        Tensor qkv, StepTensors step, AttentionShape shape, KvLayer cache, SequenceRange sequences, Tensor mass, nint sums)
    {
        Specialisation kind = new(shape.HeadDim, shape.GroupSize, cache.BlockSize, cache.Values.Type, QueryTile: 0, Distant: false);
        if (!_mass.TryGetValue(kind, out CudaFunction? function))
            _mass[kind] = function = Compile("prefill_mass", kind);

        cuda.Launch.Start(function)
            .Add(qkv.Address).Add(qkv.Columns)
            .Add(step.RowStarts.Address).Add(step.Positions.Address).Add(step.ContextLengths.Address)
            .Add(step.BlockTables.Address).Add(step.BlockTables.Columns).Add(step.SequenceSlots.Address).Add(sequences.First)
            .Add(cache.Keys.Address).Add(cache.Keys.Columns).Add(KeyPlaces(cache, shape, keepersOnly: true))
            .Add(shape.SlidingWindow).Add(shape.Scale * Log2E).Add(sums).Add(mass.Address).Add(mass.Columns)
            .Run(
                new Grid((mass.Columns + MassTokens - 1) / MassTokens, shape.KvHeads, sequences.Count),
                Threads,
                SharedBytes(KeyTile, 1, MassTokens, kind.HeadDim, kind.CacheType));
    }

    // Tiles of 128 pairs read keys and values half as often, but a short prompt has too few of them for all of the GPU's multiprocessors,
    // and not every GPU has the shared memory for them.
    private int ChooseTile(StepTensors step, AttentionShape shape, DType cacheType) =>
        SharedBytes(128, shape.HeadDim, cacheType) <= cuda.Properties.SharedBytesPerBlock
        && MostTiles(step, shape, 128) * shape.KvHeads >= 2 * cuda.Properties.MultiprocessorCount ? 128 : 64;

    /// <summary>Shared memory of a block of <c>attend_prefill</c>, in bytes.</summary>
    /// <param name="queryTile">Its (row, head) pairs.</param>
    /// <param name="headDim">Elements of a head.</param>
    /// <param name="cacheType">Type of keys and values.</param>
    internal static int SharedBytes(int queryTile, int headDim, DType cacheType) =>
        SharedBytes(queryTile, 2, 2 * KeyTile, headDim, cacheType);

    // Most tiles that the chunks can fall into, however the rows are spread over the sequences: that is known on the GPU only.
    private static int MostTiles(StepTensors step, AttentionShape shape, int queryTile) =>
        (step.RowCount - step.DecodeCount) * shape.GroupSize / queryTile + step.SequenceCount - step.DecodeCount;

    // Queries and so many stages of keys (and values), padded; with a cache of 8-bit elements one stage, and beside it what was copied.
    private static int SharedBytes(int queryRows, int stages, int rowsPerStage, int headDim, DType cacheType)
    {
        bool converts = cacheType == DType.Float8;
        int rows = queryRows + (converts ? 1 : stages) * rowsPerStage;
        return rows * (headDim + 8) * 2 + (converts ? rowsPerStage * headDim : 0);
    }

    private static PerHead KeyPlaces(KvLayer cache, AttentionShape shape, bool keepersOnly)
    {
        PerHead places = default;
        for (int head = 0; head < shape.KvHeads; head++)
            places[head] = keepersOnly && cache.Distant is { } distant && distant.IsFollower(head) ? -1 : cache.KeyPlaceOf(head);
        return places;
    }

    private CudaFunction Compile(string kernel, Specialisation kind)
    {
        List<(string Name, string Value)> macros =
        [
            ("ELEMENT", cuda.ElementName), ("CACHE", kind.CacheType == DType.Float8 ? "e4m3" : cuda.ElementName),
            ("HEAD_DIM", $"{kind.HeadDim}"), ("GROUP", $"{kind.Group}"), ("BLOCK_SIZE", $"{kind.BlockSize}"),
        ];
        if (kind.QueryTile > 0)
            macros.AddRange([("QUERY_TILE", $"{kind.QueryTile}"), ("DISTANT", kind.Distant ? "1" : "0")]);
        return cuda.Kernels.Get($"{kernel}.cu", kernel, [.. macros]).WithAllShared();
    }

    // What a kernel is compiled for.
    private readonly record struct Specialisation(
        int HeadDim, int Group, int BlockSize, DType CacheType, int QueryTile, bool Distant);
}
