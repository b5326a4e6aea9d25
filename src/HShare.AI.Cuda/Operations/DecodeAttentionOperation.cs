using System.Numerics;
using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>
/// Attention of single rows over all tokens (<c>attend_decode</c>) or over selected ones (<c>attend_selected</c>), of layers that share the
/// keys or scores of distant tokens (<c>attend_shared</c>), and the sum of what tokens get (<c>attention_mass</c>).
/// </summary>
internal sealed class DecodeAttentionOperation(CudaRuntime cuda)
{
    private const int Warps = 4, Threads = 32 * Warps, Tile = 16;
    private const int MostBlocks = 4; // of a multiprocessor at once
    private const int MostWaves = 4;  // blocks that there may be for each that runs at once

    private readonly Dictionary<Specialisation, CudaFunction> _attend = [];
    private readonly Dictionary<Specialisation, CudaFunction> _mass = [];
    private readonly DeviceScratch _partials = cuda.NewScratch();
    private readonly DeviceScratch _counters = cuda.NewScratch();
    private readonly DeviceScratch _logSums = cuda.NewScratch();

    /// <summary>Blocks that the GPU is taken to run at once, instead of what fits. For tests.</summary>
    internal int? Slots { get; set; }

    /// <summary>Runs over some of the step's decode sequences.</summary>
    /// <param name="qkv">As left by rotation.</param>
    /// <param name="step">Lengths, block tables, windows and slots.</param>
    /// <param name="sequences">Which decode sequences.</param>
    /// <param name="shape">Heads and window.</param>
    /// <param name="cache">The layer's keys and values.</param>
    /// <param name="selected">Which tokens are read, or null for all.</param>
    /// <param name="mass">Where the attention that tokens get is added, or <see cref="Tensor.None"/>.</param>
    /// <param name="attended">Receives the rows of these sequences.</param>
    /// <exception cref="NotSupportedException">The cache is of a kind that the kernels cannot address.</exception>
    public void Run(
        Tensor qkv,
        StepTensors step,
        SequenceRange sequences,
        AttentionShape shape,
        KvLayer cache,
        SelectedTokens? selected,
        Tensor mass,
        Tensor attended)
    {
        if (sequences.Count == 0)
            return;
        CheckAddressable(cache, shape);
        bool shares = cache.Distant is { } sharing && (sharing.FollowerCount > 0 || sharing.Leads.Contains(true));
        DistantSharing? distant = shares ? cache.Distant : null;
        Specialisation kind = new(shape.HeadDim, shape.GroupSize, cache.Values.Type, selected is not null, distant is not null);
        DecodeStep arguments = DecodeStep.Of(qkv, step, sequences, shape, cache.BlockSize);
        DecodeCache keys = new(
            cache.Keys.Address, cache.Values.Address, cache.Keys.IsNone ? 0 : cache.Keys.Columns / (cache.BlockSize * shape.HeadDim));
        nint logSums = mass.IsNone ? 0 : _logSums.Reserve((long)step.BlockTables.Rows * shape.Heads * sizeof(float));

        KernelLaunch launch = cuda.Launch.Start(AttendKernel(kind)).Add(arguments).Add(keys).Add(Output(step, shape, attended, logSums));
        if (distant is not null)
            launch.Add(DecodeSharing.Of(distant, shape, cache.BlockSize));
        if (selected is not null)
            RunSelected(launch, sequences, shape, selected, SlotsOf(kind));
        else
            RunWhole(launch, sequences, shape, TokenCapacity(step, cache), SlotsOf(kind));
        if (!mass.IsNone)
            AddMass(kind, arguments, keys, step, sequences, shape, cache, distant, selected, mass, logSums);
    }

    private static int TokenCapacity(StepTensors step, KvLayer cache) => step.BlockTables.Columns * cache.BlockSize;

    private static int Ceiling(int value, int divisor) => (value + divisor - 1) / divisor;

    private static void RunSelected(
        KernelLaunch launch, SequenceRange sequences, AttentionShape shape, SelectedTokens selected, int slots)
    {
        // The window's size is known on the GPU only; it is some tens of tokens.
        int pairs = sequences.Count * shape.KvHeads, most = Ceiling(selected.Sinks + selected.Indices.Columns + 64, Warps * Tile);
        launch.Add(DecodeLists.Of(selected)).Run(new Grid(shape.KvHeads, sequences.Count, ChooseSplits(pairs, most, slots)), Threads);
    }

    // The fewest splits of each list with which the last blocks find most of the GPU busy still.
    private static int ChooseSplits(int pairs, int most, int slots)
    {
        int best = 1;
        double bestShare = 0;
        for (int splits = 1; splits <= most && (splits == 1 || pairs * splits <= slots * MostWaves) && bestShare < 0.85; splits++)
        {
            double share = (double)pairs * splits / (Ceiling(pairs * splits, slots) * slots);
            if (share > bestShare)
                (best, bestShare) = (splits, share);
        }

        return best;
    }

    // At most so many blocks as the kernel's plan can come to: an even share for each, and one more for each head.
    private static void RunWhole(KernelLaunch launch, SequenceRange sequences, AttentionShape shape, int tokens, int slots)
    {
        int pairs = sequences.Count * shape.KvHeads;
        long mostSplits = Ceiling(Ceiling(tokens, Tile), 2 * Warps);
        long blocks = Math.Min((long)slots * MostWaves + pairs, pairs * mostSplits);
        launch.Add(slots).Add(MostWaves).Run(new Grid((int)blocks), Threads);
    }

    private static void CheckAddressable(KvLayer cache, AttentionShape shape)
    {
        if (!BitOperations.IsPow2(cache.BlockSize))
            throw new NotSupportedException($"Cache blocks of {cache.BlockSize} tokens; the GPU's decode kernels take powers of two.");
        long rows = (long)cache.Values.Rows * shape.KvHeads * cache.BlockSize;
        if (rows >= int.MaxValue)
        {
            throw new NotSupportedException(
                $"A layer's cache of {cache.Values.Rows} blocks has {rows:N0} rows; the GPU's decode kernels take less than 2^31.");
        }
    }

    // Reserved for the largest step at once, so that graphs that were recorded find their results where they left them.
    private DecodeOutput Output(StepTensors step, AttentionShape shape, Tensor attended, nint logSums)
    {
        long pairs = (long)step.BlockTables.Rows * shape.KvHeads;
        long blocks = MostWaves * (Slots ?? MostBlocks * cuda.Properties.MultiprocessorCount) + pairs;
        long partials = blocks * shape.GroupSize * shape.HeadDim * sizeof(float);
        nint memory = _partials.Reserve(partials + blocks * shape.GroupSize * 2 * sizeof(float));
        return new DecodeOutput(attended.Address, memory, memory + (nint)partials, _counters.Reserve(pairs * sizeof(int)), logSums);
    }

    private int SlotsOf(Specialisation kind) => Slots ?? BlocksPerMultiprocessor(kind) * cuda.Properties.MultiprocessorCount;

    // Blocks that run at once. More keep more bytes in flight, fewer leave each thread more registers: of more than eight heads a group the
    // outputs take twice as many, and shared rows are found in more ways.
    private static int BlocksPerMultiprocessor(Specialisation kind) =>
        kind.Group > 8 ? 2 : kind.Shared ? 3 : MostBlocks;

    private void AddMass(
        Specialisation kind,
        in DecodeStep arguments,
        DecodeCache keys,
        StepTensors step,
        SequenceRange sequences,
        AttentionShape shape,
        KvLayer cache,
        DistantSharing? distant,
        SelectedTokens? selected,
        Tensor mass,
        nint logSums)
    {
        if (!_mass.TryGetValue(kind, out CudaFunction? function))
        {
            _mass[kind] = function = cuda.Kernels.Get(
                "attention_mass.cu", "attention_mass", [.. Macros(kind), Flag("LISTS", kind.Lists), Flag("SHARED", kind.Shared)]);
        }

        KernelLaunch launch = cuda.Launch.Start(function).Add(arguments).Add(keys).Add(new DecodeMass(mass.Address, logSums, mass.Columns));
        if (distant is not null)
            launch.Add(DecodeSharing.Of(distant, shape, cache.BlockSize));
        if (selected is not null)
            launch.Add(DecodeLists.Of(selected));
        int tokens = selected is null ? TokenCapacity(step, cache) : selected.Sinks + selected.Indices.Columns + 64;
        int enough = 8 * cuda.Properties.MultiprocessorCount / (sequences.Count * shape.KvHeads);
        int parts = Math.Clamp(enough, 1, Ceiling(tokens, Tile * Warps));
        launch.Run(new Grid(shape.KvHeads, sequences.Count, parts), Threads);
    }

    private CudaFunction AttendKernel(Specialisation kind)
    {
        if (_attend.TryGetValue(kind, out CudaFunction? function))
            return function;

        string kernel = kind.Shared ? "attend_shared" : kind.Lists ? "attend_selected" : "attend_decode";
        List<(string Name, string Value)> macros = [.. Macros(kind), ("BLOCKS_PER_SM", $"{BlocksPerMultiprocessor(kind)}")];
        if (kind.Shared)
            macros.Add(Flag("LISTS", kind.Lists));
        return _attend[kind] = cuda.Kernels.Get($"{kernel}.cu", kernel, [.. macros]);
    }

    private List<(string Name, string Value)> Macros(Specialisation kind) =>
    [
        ("ELEMENT", cuda.ElementName), ("CACHE", kind.CacheType == DType.Float8 ? "e4m3" : cuda.ElementName),
        ("HEAD_DIM", $"{kind.HeadDim}"), ("GROUP", $"{kind.Group}"),
    ];

    private static (string Name, string Value) Flag(string name, bool value) => (name, value ? "1" : "0");

    // What a kernel is compiled for.
    private readonly record struct Specialisation(int HeadDim, int Group, DType CacheType, bool Lists, bool Shared);
}
