using System.Runtime.InteropServices;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>A step's tensors as the decode kernels take them: the fields of their struct <c>Step</c>, in the same order.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DecodeStep
{
    private const float Log2E = 1.44269504f;

    private nint _qkv;
    private nint _lengths;
    private nint _tables;
    private nint _proximalTables;
    private nint _slots;
    private nint _windowStarts;
    private int _qkvColumns;
    private int _tableColumns;
    private int _maxSequences;
    private int _first;
    private int _count;
    private int _kvHeads;
    private int _slidingWindow;
    private int _blockShift;
    private float _queryFactor;

    /// <summary>Some decode sequences of a step in one layer.</summary>
    public static DecodeStep Of(Tensor qkv, StepTensors step, SequenceRange sequences, AttentionShape shape, int blockSize) => new()
    {
        _qkv = qkv.Address,
        _lengths = step.ContextLengths.Address,
        _tables = step.BlockTables.Address,
        _proximalTables = step.ProximalTables.Address,
        _slots = step.SequenceSlots.Address,
        _windowStarts = step.WindowStarts.Address,
        _qkvColumns = qkv.Columns,
        _tableColumns = step.BlockTables.Columns,
        _maxSequences = step.BlockTables.Rows,
        _first = sequences.First,
        _count = sequences.Count,
        _kvHeads = shape.KvHeads,
        _slidingWindow = shape.SlidingWindow,
        _blockShift = int.Log2(blockSize),
        _queryFactor = shape.Scale * Log2E,
    };
}

/// <summary>A layer's keys and values: the kernels' struct <c>Cache</c>.</summary>
/// <param name="Keys">Address of the keys of heads that keep all of theirs.</param>
/// <param name="Values">Address of the values.</param>
/// <param name="KeyHeads">How many heads keep all their keys.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct DecodeCache(nint Keys, nint Values, int KeyHeads);

/// <summary>Where attention leaves its results: the kernels' struct <c>Output</c>.</summary>
/// <param name="Attended">Address of the attended rows.</param>
/// <param name="Partials">Address of the outputs of parts of a context.</param>
/// <param name="States">Address of their maxima and sums.</param>
/// <param name="Counters">Address of how many parts of each head are done; zeros between launches.</param>
/// <param name="LogSums">Address of the logarithm of each row's sum, or 0.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct DecodeOutput(nint Attended, nint Partials, nint States, nint Counters, nint LogSums);

/// <summary>Where attention is summed up by token: the kernel's struct <c>Mass</c>.</summary>
/// <param name="Mass">Address of the sums.</param>
/// <param name="LogSums">Address of the logarithm of each row's sum.</param>
/// <param name="Columns">Tokens of a row of sums.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct DecodeMass(nint Mass, nint LogSums, int Columns);

/// <summary>Chosen tokens, and which list each head reads: the kernels' struct <c>Lists</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DecodeLists
{
    private nint _indices;
    private int _columns;
    private int _units;
    private int _sinks;
    private PerHead _sources;

    /// <summary>The lists that a layer reads.</summary>
    public static DecodeLists Of(SelectedTokens selected)
    {
        DecodeLists lists = new()
        {
            _indices = selected.Indices.Address,
            _columns = selected.Indices.Columns,
            _units = selected.Units,
            _sinks = selected.Sinks,
        };
        for (int head = 0; head < selected.Sources.Count; head++)
            lists._sources[head] = selected.Sources[head];
        return lists;
    }
}

/// <summary>How a layer's heads share distant tokens (PoD) in decode: the kernels' struct <c>SharedKeys</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DecodeSharing
{
    private const int Follows = 1, SharesScores = 2, Leads = 4;

    private nint _proximalKeys;
    private nint _logits;
    private int _logitColumns;
    private int _proximalHeads;
    private int _sinks;
    private int _recent;
    private Heads _heads;

    /// <summary>The sharing of one layer.</summary>
    /// <exception cref="NotSupportedException">It takes more places for scores than a kernel can name.</exception>
    public static DecodeSharing Of(DistantSharing distant, AttentionShape shape, int blockSize)
    {
        DecodeSharing sharing = new()
        {
            _proximalKeys = distant.ProximalKeys.Address,
            _logits = distant.Logits.Address,
            _logitColumns = distant.Logits.Columns,
            _proximalHeads = distant.FollowerCount,
            _sinks = distant.Sinks,
            _recent = distant.Recent,
        };
        for (int head = 0; head < shape.KvHeads; head++)
        {
            int flags = (distant.IsFollower(head) ? Follows : 0) | (distant.SharesScores[head] ? SharesScores : 0)
                | (distant.Leads[head] ? Leads : 0);
            if (distant.ScorePlaces[head] > byte.MaxValue)
            {
                throw new NotSupportedException(
                    $"Scores are shared in place {distant.ScorePlaces[head]}; the GPU's kernels take at most {byte.MaxValue}.");
            }

            HeadKeys keys = new()
            {
                Place = (short)distant.KeyPlaces[head],
                Flags = (byte)flags,
                ScorePlace = (byte)distant.ScorePlaces[head],
            };
            if (distant.Leaders[head] is { } leader)
            {
                long place = (long)leader.KeyPlaceOf(head) * blockSize * shape.HeadDim;
                keys.LeaderKeys = leader.Keys.Address + (nint)place * leader.Keys.Type.ByteSize();
                keys.LeaderHeads = leader.Keys.Columns / (blockSize * shape.HeadDim);
            }

            sharing._heads[head] = keys;
        }

        return sharing;
    }

    // One KV head: the kernels' struct HeadKeys.
    [StructLayout(LayoutKind.Sequential)]
    private struct HeadKeys
    {
        public nint LeaderKeys;
        public int LeaderHeads;
        public short Place;
        public byte Flags;
        public byte ScorePlace;
    }

    [System.Runtime.CompilerServices.InlineArray(PerHead.Capacity)]
    private struct Heads
    {
        private HeadKeys _first;
    }
}
