using HShare.AI.Cuda.Driver;
using HShare.AI.Cuda.Operations;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using RetrieveOperation = HShare.AI.Cuda.Operations.RetrieveOperation;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>
/// Scores on the GPU are those of the CPU to the precision of queries in two 16-bit parts, and the choice is the CPU's choice among them.
/// </summary>
public sealed class RetrieveTests
{
    private static readonly RetrieveSequence[] Ragged =
    [
        new(333, 21, 97), new(6, 1, 10), new(150, 64, 40, Refreshes: false), new(705, 1, 160), new(64, 17, 100), new(290, 33, 60, Rows: 5),
    ];

    // Heads, KV heads, head_dim, sliding window, cache type, dilation.
    public static TheoryData<int, int, int, int, DType, int> Shapes => new()
    {
        { 2, 2, 128, 0, DType.BFloat16, 0 },
        { 6, 2, 64, 0, DType.BFloat16, 2 },
        { 1, 1, 80, 300, DType.Float16, 0 },
        { 12, 1, 16, 0, DType.Float16, 1 },
        { 4, 2, 48, 100, DType.Float8, 3 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Exact_retrieval_is_that_of_the_cpu(int heads, int kvHeads, int headDim, int window, DType type, int dilation) =>
        Check(Retriever.Exact, new AttentionShape(heads, kvHeads, headDim, window), type, channels: 4, dilation);

    [Theory]
    [InlineData(2, 2, 64, 0, DType.BFloat16, 16)]
    [InlineData(6, 2, 64, 0, DType.BFloat16, 8)]
    [InlineData(2, 1, 64, 90, DType.Float16, 5)]
    [InlineData(1, 1, 64, 70, DType.Float8, 40)]
    [InlineData(4, 4, 64, 0, DType.BFloat16, 36)]
    public void Label_channels_are_judged_as_on_the_cpu(int heads, int kvHeads, int headDim, int window, DType type, int channels) =>
        Check(Retriever.LabelChannels, new AttentionShape(heads, kvHeads, headDim, window), type, channels, dilation: 1);

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Page_bounds_are_judged_as_on_the_cpu(int heads, int kvHeads, int headDim, int window, DType type, int dilation) =>
        Check(Retriever.PageBounds, new AttentionShape(heads, kvHeads, headDim, window), type, channels: 4, dilation);

    [Theory]
    [InlineData(Retriever.Exact)]
    [InlineData(Retriever.LabelChannels)]
    [InlineData(Retriever.PageBounds)]
    public void Scores_of_long_contexts_are_pooled_apart(Retriever retriever) =>
        Check(retriever, new AttentionShape(6, 2, 64, 400), DType.BFloat16, channels: 8, dilation: 1, kept: 10);

    [Theory]
    [InlineData(Retriever.Exact)]
    [InlineData(Retriever.LabelChannels)]
    [InlineData(Retriever.PageBounds)]
    public void Heads_that_keep_their_keys_beside_a_follower_find_them(Retriever retriever)
    {
        AttentionShape shape = new(6, 2, 64, 0);
        using RetrieveScene scene = new(shape, DType.BFloat16, channels: 8, (RetrieveSequence[])Ragged.Clone(), follows: true);
        Compare(scene, retriever, dilation: 0, sinks: 4, asks: [false, true], new RetrieveOperation(scene.Gpu.Runtime));
    }

    [Fact]
    public void Only_the_sequences_of_the_range_choose()
    {
        AttentionShape shape = new(2, 2, 64, 0);
        using RetrieveScene scene = new(shape, DType.BFloat16, channels: 16, (RetrieveSequence[])Ragged.Clone());
        RetrieveOperation operation = new(scene.Gpu.Runtime);
        int[][] expected = scene.ChooseOnCpu(Retriever.LabelChannels, 0, 5, [true, true]).Lists;
        int[][] lists = scene.ChooseOnGpu(side => operation.Run(
            side.Qkv, side.Step, new SequenceRange(3, 2), shape, side.Cache[1],
            side.RetrievalOf(Retriever.LabelChannels, 0, 5, [true, true]))).Lists;
        for (int row = 0; row < lists.Length; row++)
        {
            if (row / 2 is 3 or 4)
                Assert.Equal(expected[row], lists[row]);
            else
                Assert.All(lists[row], token => Assert.Equal(RetrieveScene.Poison, token));
        }
    }

    [Fact]
    public void A_recorded_choice_serves_other_lengths()
    {
        AttentionShape shape = new(6, 2, 64, 0);
        using RetrieveScene scene = new(shape, DType.BFloat16, channels: 8, [new(700, 20, 50), new(40, 10, 7)]);
        RetrieveOperation operation = new(scene.Gpu.Runtime);
        void Run(RetrieveScene.Side side) => operation.Run(
            side.Qkv, side.Step, new SequenceRange(0, 2), shape, side.Cache[1],
            side.RetrievalOf(Retriever.LabelChannels, 1, 5, [true, true]));
        scene.ChooseOnGpu(Run);
        using CudaGraph graph = scene.Gpu.Runtime.Capture(() => Run(scene.OnGpu));
        foreach (RetrieveSequence[] sequences in (RetrieveSequence[][])[
            [new(33, 3, 9), new(600, 1, 80)], [new(350, 33, 150), new(360, 33, 40, Refreshes: false)]])
        {
            scene.Describe(sequences);
            AssertSame(
                scene, Retriever.LabelChannels, 1, 5, [true, true], scene.ChooseOnCpu(Retriever.LabelChannels, 1, 5, [true, true]),
                scene.ChooseOnGpu(_ => graph.Launch()));
        }
    }

    private static void Check(
        Retriever retriever, AttentionShape shape, DType type, int channels, int dilation, int kept = TopSelection.MostKept)
    {
        using RetrieveScene scene = new(shape, type, channels, (RetrieveSequence[])Ragged.Clone());
        bool[] asks = [.. Enumerable.Range(0, shape.KvHeads).Select(head => head != 2)];
        Compare(scene, retriever, dilation, sinks: 5, asks, new RetrieveOperation(scene.Gpu.Runtime, kept));
    }

    private static void Compare(
        RetrieveScene scene, Retriever retriever, int dilation, int sinks, bool[] asks, RetrieveOperation operation) => AssertSame(
            scene,
            retriever,
            dilation,
            sinks,
            asks,
            scene.ChooseOnCpu(retriever, dilation, sinks, asks),
            scene.ChooseOnGpu(side => operation.Run(
                side.Qkv, side.Step, new SequenceRange(0, scene.Sequences.Count), scene.Shape, side.Cache[1],
                side.RetrievalOf(retriever, dilation, sinks, asks))));

    private static void AssertSame(
        RetrieveScene scene,
        Retriever retriever,
        int dilation,
        int sinks,
        bool[] asks,
        (float[][] Scores, int[][] Lists) cpu,
        (float[][] Scores, int[][] Lists) gpu)
    {
        for (int row = 0; row < cpu.Lists.Length; row++)
        {
            (int index, int head) = Math.DivRem(row, scene.Shape.KvHeads);
            RetrieveSequence sequence = scene.Sequences[index];
            if (!sequence.Refreshes || !asks[head])
            {
                Assert.Equal(cpu.Lists[row], gpu.Lists[row]);
                continue;
            }

            int unit = retriever == Retriever.PageBounds ? KvLayer.PageSize : 1, visible = OnlineAttention.FirstVisible(
                scene.Shape, sequence.Context - 1);
            int units = (sequence.Context - 1) / unit + 1;
            AssertClose(cpu.Scores[row].AsSpan(0, units), gpu.Scores[row].AsSpan(0, units));
            int[] expected = [.. Enumerable.Repeat(RetrieveScene.Poison, gpu.Lists[row].Length)];
            TokenSelection selection = new(
                Math.Max(sinks, visible), sequence.Context - sequence.Window, Math.Min(sequence.Critical, expected.Length));
            int count = retriever == Retriever.PageBounds
                ? selection.ChoosePages(gpu.Scores[row], dilation, expected)
                : selection.ChooseTokens(gpu.Scores[row], dilation, expected);
            if (count < expected.Length)
                expected[count] = -1;
            Assert.Equal(expected, gpu.Lists[row]);
        }
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        double difference = 0, size = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow(expected[i] - (double)actual[i], 2);
            size += Math.Pow(expected[i], 2);
        }

        Assert.True(difference <= size * 1e-8, $"{Math.Sqrt(difference / size):0.0e+0} apart"); // of 1e-4
    }
}
