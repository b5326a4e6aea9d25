using HShare.AI.Engine.Attention;

namespace HShare.Cli.Tests.Drawing;

/// <summary>Sharing plans to draw.</summary>
internal static class Plans
{
    /// <summary>Every kind of rule on four layers of two heads, the first layer dense.</summary>
    public static SharingPlan Small { get; } = new()
    {
        Layers = 4,
        KvHeads = 2,
        Interval = 2,
        Dilation = 1,
        DenseLayers = 1,
        Rules =
        [
            new(HeadSharing.Retrieve, 0, 0), new(HeadSharing.Retrieve, 0, 1),
            new(HeadSharing.Retrieve, 1, 0), new(HeadSharing.ShareIndices, 1, 0),
            new(HeadSharing.ShareKeys, 1, 0), new(HeadSharing.Retrieve, 2, 1),
            new(HeadSharing.ShareIndices, 1, 0), new(HeadSharing.ShareScores, 2, 1),
        ],
    };

    /// <summary>Layers that follow the first of every so many, heads that follow the first of every so many.</summary>
    public static SharingPlan Blocks(int layers, int heads, int layerBlock, int headBlock) => new()
    {
        Layers = layers,
        KvHeads = heads,
        Rules =
        [
            .. Enumerable.Range(0, layers * heads).Select(unit =>
            {
                int layer = unit / heads, head = unit % heads;
                int leaderLayer = layer / layerBlock * layerBlock, leaderHead = head / headBlock * headBlock;
                bool leads = (layer, head) == (leaderLayer, leaderHead);
                return new HeadRule(leads ? HeadSharing.Retrieve : HeadSharing.ShareIndices, leaderLayer, leaderHead);
            }),
        ],
    };
}
