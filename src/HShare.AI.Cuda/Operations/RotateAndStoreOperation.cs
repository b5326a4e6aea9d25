using System.Runtime.InteropServices;
using HShare.AI.Cuda.Driver;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>
/// Per-head norms and rotary embedding, the write to the cache (keys, values, labels, proximal keys), and the bounds of the pages that were
/// written to.
/// </summary>
/// <remarks>
/// A row whose position is beyond the rotary table, or whose slot is not in the cache, gets queries of NaN and is not stored: the device
/// alone knows, and the sampler reports it.
/// <para>
/// In a step of decode rows only, a page's bounds follow its newest key in the same kernel: they are those of the tokens that the page had
/// before, and of this one. So a sequence's tokens must come one after the other, as they do; one that goes back to within a page needs a
/// step that is not decode, which looks at the page's keys again.
/// </para>
/// </remarks>
internal sealed class RotateAndStoreOperation(CudaRuntime cuda)
{
    private const int Warps = 4; // of a block, each with one head of one row

    private readonly Dictionary<(DType Cache, int HeadDim), (CudaFunction Rotate, CudaFunction Bounds)> _functions = [];

    /// <summary>Runs over the rows of a step.</summary>
    /// <inheritdoc cref="Backend.RotateAndStore"/>
    public void Run(Tensor qkv, StepTensors step, RotaryTable rotary, HeadNorms? norms, AttentionShape shape, KvLayer cache)
    {
        (CudaFunction rotate, CudaFunction bounds) = Functions(cache.Values.Type, shape.HeadDim);
        bool bounded = !cache.PageBounds.IsNone, onTheWay = bounded && step.DecodeCount == step.RowCount;
        if (bounded && cache.BlockSize % KvLayer.PageSize != 0)
        {
            throw new ArgumentException(
                $"RotateAndStore: blocks of {cache.BlockSize} tokens are not divided by pages of {KvLayer.PageSize}.");
        }

        int following = cache.Distant?.FollowerCount ?? 0, keeping = shape.KvHeads - following;
        cuda.Launch.Start(rotate)
            .Add(qkv.Address).Add(step.Positions.Address).Add(step.Slots.Address).Add(step.ProximalSlots.Address)
            .Add(rotary.Cosines.Address).Add(rotary.Sines.Address)
            .Add(new NormArguments(norms?.Query.Address ?? 0, norms?.Key.Address ?? 0, norms?.Epsilon ?? 0))
            .Add(Describe(cache, keeping, following, onTheWay ? cache.PageBounds.Address : 0))
            .Add(shape.Heads).Add(shape.KvHeads).Add(rotary.Cosines.Rows).Add(Places(cache, shape))
            .Run(new Grid(step.RowCount, Blocks(shape.Heads + 2 * shape.KvHeads)), Warps * 32);
        if (!bounded || onTheWay || keeping == 0)
            return;
        cuda.Launch.Start(bounds)
            .Add(step.Slots.Address).Add(cache.Keys.Address).Add(cache.PageBounds.Address)
            .Add(step.RowCount).Add(keeping).Add(cache.BlockSize).Add(cache.Keys.Rows)
            .Run(new Grid(step.RowCount, Blocks(keeping)), Warps * 32);
    }

    private (CudaFunction Rotate, CudaFunction Bounds) Functions(DType type, int headDim)
    {
        if (_functions.TryGetValue((type, headDim), out (CudaFunction, CudaFunction) functions))
            return functions;
        ReadOnlySpan<(string, string)> macros =
            [("CACHE", type == DType.Float8 ? "e4m3" : cuda.ElementName), ("HEAD_DIM", $"{headDim}")];
        return _functions[(type, headDim)] = (
            cuda.Kernels.Get("rotate_and_store.cu", "rotate_and_store", macros),
            cuda.Kernels.Get("page_bounds.cu", "page_bounds", macros));
    }

    private static int Blocks(int heads) => (heads + Warps - 1) / Warps;

    private static CacheArguments Describe(KvLayer cache, int keeping, int following, nint bounds) => new()
    {
        Keys = cache.Keys.Address,
        Values = cache.Values.Address,
        ProximalKeys = cache.Distant?.ProximalKeys.Address ?? 0,
        Labels = cache.Labels.Address,
        Bounds = bounds,
        LabelChannels = cache.LabelChannels.Address,
        Channels = cache.LabelChannels.Columns,
        BlockSize = cache.BlockSize,
        Blocks = cache.Values.Rows,
        ProximalBlocks = cache.Distant?.ProximalKeys.Rows ?? 0,
        Keeping = keeping,
        Following = following,
    };

    // p for a head that keeps its keys in place p, -1 - p for one that keeps proximal keys in place p.
    private static PerHead Places(KvLayer cache, AttentionShape shape)
    {
        PerHead places = default;
        for (int head = 0; head < shape.KvHeads; head++)
        {
            int place = cache.KeyPlaceOf(head);
            places[head] = cache.Distant is { } distant && distant.IsFollower(head) ? -1 - place : place;
        }

        return places;
    }

    /// <summary><c>Norms</c> of rotate_and_store.cu.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct NormArguments(nint Query, nint Key, float Epsilon);

    /// <summary><c>Cache</c> of rotate_and_store.cu.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct CacheArguments
    {
        public nint Keys, Values, ProximalKeys, Labels, Bounds, LabelChannels;
        public int Channels, BlockSize, Blocks, ProximalBlocks, Keeping, Following;
    }
}
