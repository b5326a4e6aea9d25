using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>
/// How a layer's heads share distant tokens (PoD) in prefill, as <c>attend_prefill</c> takes it by value: its fields are those of the
/// kernel's struct <c>Sharing</c>, in the same order.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PrefillSharing
{
    private const int Leads = 1, TakesQueries = 2;

    private LeaderKeys _leaderKeys;
    private PerHead _leaderStrides;
    private PerHead _queryRows;
    private PerHead _roles;
    private nint _proximalKeys;
    private nint _proximalTables;
    private nint _keptQueries;
    private int _proximalStride;
    private int _sinks;
    private int _recent;

    /// <summary>The sharing of one layer.</summary>
    /// <param name="distant">Which heads share, and with whom.</param>
    /// <param name="step">The step; its rows fix where each place among the kept queries begins.</param>
    /// <param name="shape">Heads.</param>
    /// <param name="blockSize">Tokens of a cache block.</param>
    public static PrefillSharing Of(DistantSharing distant, StepTensors step, AttentionShape shape, int blockSize)
    {
        PrefillSharing sharing = new()
        {
            _proximalKeys = distant.ProximalKeys.Address,
            _proximalTables = step.ProximalTables.Address,
            _keptQueries = distant.Queries.Address,
            _proximalStride = distant.ProximalKeys.Columns,
            _sinks = distant.Sinks,
            _recent = distant.Recent,
        };
        for (int head = 0; head < shape.KvHeads; head++)
        {
            sharing._queryRows[head] = distant.ScorePlaces[head] * step.TokenIds.Columns;
            sharing._roles[head] = (distant.Leads[head] ? Leads : 0) | (distant.SharesScores[head] ? TakesQueries : 0);
            if (distant.Leaders[head] is not { } leader)
                continue;

            long place = (long)leader.KeyPlaceOf(head) * blockSize * shape.HeadDim;
            sharing._leaderKeys[head] = leader.Keys.Address + place * leader.Keys.Type.ByteSize();
            sharing._leaderStrides[head] = leader.Keys.Columns;
        }

        return sharing;
    }

    // Addresses of leaders' keys, by KV head.
    [InlineArray(PerHead.Capacity)]
    private struct LeaderKeys
    {
        private long _first;
    }
}
