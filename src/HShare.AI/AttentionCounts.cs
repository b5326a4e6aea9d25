using HShare.AI.Engine.Scheduling;
using Microsoft.Extensions.AI;

namespace HShare.AI;

/// <summary>
/// Keys of <see cref="UsageDetails.AdditionalCounts"/> that say what an answer read of the KV cache. An answer of a single token, which its
/// prompt gave, read
/// nothing and has none.
/// </summary>
public static class AttentionCounts
{
    /// <summary>Bytes of keys and values that the decode steps read, selection included.</summary>
    public const string KvBytesRead = "hshare.kv_bytes_read";

    /// <summary>Bytes that full attention would have read.</summary>
    public const string KvBytesFull = "hshare.kv_bytes_full";

    /// <summary>Cached tokens that each head read, summed over the decode steps: the budget used.</summary>
    public const string TokensRead = "hshare.tokens_read";

    /// <summary>Decode steps in which the leaders chose tokens anew.</summary>
    public const string Refreshes = "hshare.refreshes";

    /// <summary>The counts of an answer.</summary>
    internal static AdditionalPropertiesDictionary<long>? Of(KvReads reads) => reads.Steps == 0
        ? null
        : new AdditionalPropertiesDictionary<long>
        {
            [KvBytesRead] = reads.Bytes,
            [KvBytesFull] = reads.FullBytes,
            [TokensRead] = reads.Tokens,
            [Refreshes] = reads.Refreshes,
        };
}
