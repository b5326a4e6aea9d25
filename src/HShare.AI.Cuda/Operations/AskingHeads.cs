using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Operations;

/// <summary>The KV heads of a layer that choose tokens for themselves, as the kernels take them.</summary>
internal readonly struct AskingHeads
{
    /// <summary>How many there are.</summary>
    public int Count { get; private init; }

    /// <summary>Which they are.</summary>
    public readonly PerHead Heads;

    /// <summary>Where each one's keys lie in a block.</summary>
    public readonly PerHead Places;

    /// <summary>Which of a slot's lists each one writes.</summary>
    public readonly PerHead Lists;

    private AskingHeads(AttentionShape shape, KvLayer cache, Retrieval retrieval)
    {
        int count = 0;
        for (int head = 0; head < shape.KvHeads; head++)
        {
            if (!retrieval.Asks[head])
                continue;

            Heads[count] = head;
            Places[count] = cache.KeyPlaceOf(head);
            Lists[count++] = retrieval.Destination.Sources[head];
        }

        Count = count;
    }

    /// <summary>Those of one layer.</summary>
    public static AskingHeads Of(AttentionShape shape, KvLayer cache, Retrieval retrieval) => new(shape, cache, retrieval);
}
