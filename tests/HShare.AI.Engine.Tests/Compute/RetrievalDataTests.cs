using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Engine.Tests.Compute;

/// <summary>What the cache keeps beside the keys for retrievers: bounds of pages, and label channels.</summary>
public sealed class RetrievalDataTests : IDisposable
{
    private const int BlockSize = 32, Labels = 3;

    private static readonly AttentionShape Shape = new(6, 2, 20, 0);
    private static readonly int[][] Channels = [[19, 0, 7], [4, 5, 18]];

    private readonly CpuBackend _backend = new(2);

    public static TheoryData<DType> Types => [DType.Float32, DType.Float16, DType.BFloat16];

    public void Dispose() => _backend.Dispose();

    [Theory]
    [MemberData(nameof(Types))]
    public void Page_bounds_are_the_least_and_largest_elements_of_the_stored_keys(DType type)
    {
        SparseRun run = AppendRaggedly(type, out SparseSequence[] sequences);
        float[] bounds = _backend.Download(run.Cache[0].PageBounds);
        foreach (SparseSequence sequence in sequences)
        {
            foreach ((int head, int page) in HeadsAndUnits(sequence, KvLayer.PageSize))
            {
                int start = page * KvLayer.PageSize, end = Math.Min(start + KvLayer.PageSize, sequence.Only.Length);
                float[][] keys = [.. Enumerable.Range(start, end - start).Select(token => StoredKey(run, sequence, token, head))];
                int place = head * (BlockSize / KvLayer.PageSize) + page % (BlockSize / KvLayer.PageSize);
                int at = sequence.Blocks[start / BlockSize] * run.Cache[0].PageBounds.Columns + place * 2 * Shape.HeadDim;
                for (int i = 0; i < Shape.HeadDim; i++)
                {
                    Assert.Equal(keys.Max(key => key[i]), bounds[at + i]);
                    Assert.Equal(keys.Min(key => key[i]), bounds[at + Shape.HeadDim + i]);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void No_key_of_a_page_scores_more_than_its_bound(DType type)
    {
        SparseRun run = AppendRaggedly(type, out SparseSequence[] sequences);
        float[] bounds = _backend.Download(run.Cache[0].PageBounds);
        Random random = new(4);
        foreach (SparseSequence sequence in sequences)
        {
            foreach ((int head, int page) in HeadsAndUnits(sequence, KvLayer.PageSize))
            {
                float[] query = random.RandomFloats(Shape.HeadDim);
                int start = page * KvLayer.PageSize;
                int place = head * (BlockSize / KvLayer.PageSize) + page % (BlockSize / KvLayer.PageSize);
                int at = sequence.Blocks[start / BlockSize] * run.Cache[0].PageBounds.Columns + place * 2 * Shape.HeadDim;
                double bound = Enumerable.Range(0, Shape.HeadDim)
                    .Sum(i => Math.Max((double)query[i] * bounds[at + i], (double)query[i] * bounds[at + Shape.HeadDim + i]));
                for (int token = start; token < Math.Min(start + KvLayer.PageSize, sequence.Only.Length); token++)
                {
                    float[] key = StoredKey(run, sequence, token, head);
                    Assert.True(bound >= Enumerable.Range(0, Shape.HeadDim).Sum(i => (double)query[i] * key[i]));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Labels_are_channels_of_the_stored_keys(DType type)
    {
        SparseRun run = AppendRaggedly(type, out SparseSequence[] sequences);
        float[] labels = _backend.Download(run.Cache[0].Labels);
        foreach (SparseSequence sequence in sequences)
        {
            foreach ((int head, int token) in HeadsAndUnits(sequence, 1))
            {
                float[] key = StoredKey(run, sequence, token, head);
                int at = sequence.Blocks[token / BlockSize] * run.Cache[0].Labels.Columns + (head * BlockSize + token % BlockSize) * Labels;
                Assert.Equal(Channels[head].Select(channel => key[channel]), labels.AsSpan(at, Labels).ToArray());
            }
        }
    }

    [Fact]
    public void Followers_keep_neither()
    {
        SharingPlan plan = SharingPlan.Independent(2, 2) with
        {
            Rules =
            [
                new(HeadSharing.Retrieve, 0, 0), new(HeadSharing.Retrieve, 0, 1),
                new(HeadSharing.ShareKeys, 0, 0), new(HeadSharing.Retrieve, 1, 1),
            ],
        };
        KvCacheShape shape = SparseRun.CacheOf(Shape, layers: 2, blockSize: BlockSize) with
        {
            KeySharing = new KeySharing(plan, 4, 40),
            HasPageBounds = true,
            LabelChannels = [.. Channels, .. Channels],
        };
        SparseRun run = new(_backend, Shape, shape, tokens: 256);
        int headColumns = BlockSize / KvLayer.PageSize * 2 * Shape.HeadDim;
        Assert.Equal([2, 1], Enumerable.Range(0, 2).Select(layer => run.Cache[layer].PageBounds.Columns / headColumns));
        SparseSequence sequence = new([new(Shape, 150, new Random(1)), new(Shape, 150, new Random(2))], 0);
        run.Prefill(sequence, 150, chunk: 37);

        float[] bounds = _backend.Download(run.Cache[1].PageBounds), labels = _backend.Download(run.Cache[1].Labels);
        for (int token = 0; token < 150; token++)
        {
            int row = sequence.Blocks[token / BlockSize];
            int at = row * run.Cache[1].Labels.Columns + token % BlockSize * Labels;
            Assert.Equal(
                Channels[1].Select(channel => (float)sequence.Layers[1].Key(token, 1, channel)), labels.AsSpan(at, Labels).ToArray());
            at = row * run.Cache[1].PageBounds.Columns + token % BlockSize / KvLayer.PageSize * 2 * Shape.HeadDim;
            Assert.InRange((float)sequence.Layers[1].Key(token, 1, 6), bounds[at + Shape.HeadDim + 6], bounds[at + 6]);
        }
    }

    // Two sequences grow side by side by chunks and single tokens, so that pages are begun, continued and filled.
    private SparseRun AppendRaggedly(DType type, out SparseSequence[] sequences)
    {
        SparseRun run = new(
            _backend,
            Shape,
            SparseRun.CacheOf(Shape, type, blockSize: BlockSize) with { HasPageBounds = true, LabelChannels = Channels },
            tokens: 512);
        Random random = new(5);
        sequences = [new([new(Shape, 301, random)], 0), new([new(Shape, 222, random)], 1)];
        int[] stored = [0, 0];
        while (stored[0] < 301 || stored[1] < 222)
        {
            List<SparseRows> rows = [];
            for (int i = 0; i < 2; i++)
            {
                int count = Math.Min(sequences[i].Only.Length - stored[i], random.Next(2) == 0 ? 1 : random.Next(1, 40));
                if (count > 0)
                    rows.Add(new SparseRows(sequences[i], stored[i], count));
                stored[i] += count;
            }

            run.Forward([.. rows], 0);
        }

        return run;
    }

    private float[] StoredKey(SparseRun run, SparseSequence sequence, int token, int head)
    {
        float[] block = _backend.Download(run.Cache[0].Keys.Slice(sequence.Blocks[token / BlockSize], 1));
        return block[((head * BlockSize + token % BlockSize) * Shape.HeadDim)..][..Shape.HeadDim];
    }

    private static IEnumerable<(int Head, int Index)> HeadsAndUnits(SparseSequence sequence, int size) =>
        from head in Enumerable.Range(0, Shape.KvHeads)
        from index in Enumerable.Range(0, (sequence.Only.Length + size - 1) / size)
        select (head, index);
}
