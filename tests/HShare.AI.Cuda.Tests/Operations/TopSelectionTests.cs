using HShare.AI.Cuda.Operations;
using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>The choice among given scores on the GPU is that of the CPU, entry by entry.</summary>
public sealed class TopSelectionTests : IDisposable
{
    private const int KvHeads = 2, Poison = -7;

    private static readonly AttentionShape Shape = new(KvHeads, KvHeads, 16, 0);
    private static readonly KvLayer NoCache = new(Tensor.None, Tensor.None, 16);
    private static readonly float[] Odd =
        [0f, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, -float.Epsilon, 1e-38f];

    private readonly CudaBackend _backend = Gpu.Backend();

    public static TheoryData<string> Kinds => ["random", "negative", "equal", "few values", "zeros of both signs", "odd", "neighbours"];

    public void Dispose() => _backend.Dispose();

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Tokens_are_chosen_as_on_the_cpu(string kind)
    {
        Random random = new(21);
        Check(Retriever.Exact, kind, dilation: 0, Ragged(random, sinks: 5), sinks: 5, random);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(45)]
    public void What_follows_a_chosen_token_is_taken_with_it(int dilation)
    {
        Random random = new(22);
        Check(Retriever.LabelChannels, "few values", dilation, Ragged(random, sinks: 0), sinks: 0, random);
    }

    [Theory]
    [InlineData("random", 0)]
    [InlineData("few values", 5)]
    [InlineData("equal", 70)]
    public void Pages_are_chosen_as_on_the_cpu(string kind, int dilation)
    {
        Random random = new(23);
        Check(Retriever.PageBounds, kind, dilation, Ragged(random, sinks: 19), sinks: 19, random);
    }

    [Theory]
    [InlineData("random")]
    [InlineData("few values")]
    [InlineData("zeros of both signs")]
    public void What_is_not_chosen_for_good_is_marked(string kind)
    {
        Random random = new(24);
        Check(Retriever.Accumulated, kind, dilation: 3, Ragged(random, sinks: 3), sinks: 3, random); // which takes none with it
    }

    [Theory]
    [InlineData(Retriever.Exact, "random", 0)]
    [InlineData(Retriever.Exact, "few values", 3)]
    [InlineData(Retriever.Exact, "neighbours", 0)]
    [InlineData(Retriever.PageBounds, "few values", 1)]
    [InlineData(Retriever.Accumulated, "few values", 0)]
    public void Scores_that_do_not_fit_in_shared_memory_are_read_again(Retriever retriever, string kind, int dilation)
    {
        Random random = new(25);
        Check(retriever, kind, dilation, Ragged(random, sinks: 4), sinks: 4, random, kept: 50);
    }

    [Theory]
    [InlineData(Retriever.Exact, "random", 0)]
    [InlineData(Retriever.Exact, "few values", 2)]
    [InlineData(Retriever.PageBounds, "few values", 0)]
    public void Long_contexts_are_chosen_from_in_several_turns(Retriever retriever, string kind, int dilation)
    {
        Random random = new(26);
        Case[] cases = [new(40_000, 39_900, 3000), new(16_500, 16_400, 16_390), new(33_000, 32_777, 1)];
        Check(retriever, kind, dilation, cases, sinks: 16, random);
    }

    [Fact]
    public void Only_what_the_sliding_window_shows_is_chosen()
    {
        Random random = new(27);
        Check(Retriever.Exact, "random", 2, Ragged(random, sinks: 6), sinks: 6, random, slidingWindow: 100);
        Check(Retriever.PageBounds, "random", 2, Ragged(random, sinks: 6), sinks: 6, random, slidingWindow: 100);
    }

    [Fact]
    public void Sequences_that_keep_their_choice_and_heads_that_do_not_ask_are_left_alone()
    {
        Random random = new(28);
        Case[] cases = [new(200, 180, 30), new(300, 280, 30) { Refreshes = false }, new(100, 90, 10)];
        Check(Retriever.Exact, "random", 0, cases, sinks: 4, random, asks: [false, true]);
    }

    // Contexts, windows and limits of all kinds: none chosen, one, some, all but one, all, more than there are; no candidate at all.
    private static Case[] Ragged(Random random, int sinks)
    {
        List<Case> cases = [new(1, 1, 10), new(sinks + 1, sinks + 1, 1), new(60, sinks, 20)];
        foreach (int context in (int[])[17, 64, 333, 1205])
        {
            int end = Math.Max(sinks, context - random.Next(40)), candidates = end - sinks;
            cases.AddRange(
                ((int[])[0, 1, candidates / 3, candidates - 1, candidates, 2000]).Where(limit => limit >= 0)
                .Select(limit => new Case(context, end, limit)));
        }

        return [.. cases];
    }

    private void Check(
        Retriever retriever,
        string kind,
        int dilation,
        Case[] cases,
        int sinks,
        Random random,
        int slidingWindow = 0,
        bool[]? asks = null,
        int kept = TopSelection.MostKept)
    {
        asks ??= [true, true];
        int tokens = (cases.Max(one => one.Context) + 15) / 16 * 16, columns = Math.Min(tokens, 4096);
        bool byPage = retriever == Retriever.PageBounds, forGood = retriever == Retriever.Accumulated;
        float[][] scores = [.. Enumerable.Range(0, cases.Length * KvHeads).Select(_ => Scores(kind, tokens, random))];
        int[] slots = [.. Enumerable.Range(0, cases.Length).Reverse()];
        StepTensors step = Describe(cases, slots, tokens);
        Tensor device = _backend.Allocate(DType.Float32, scores.Length, tokens);
        _backend.Write<float>(device, [.. scores.SelectMany(row => row)]);
        Tensor lists = _backend.Allocate(DType.Int32, cases.Length * (KvHeads + 1), columns);
        _backend.Write<int>(lists, [.. Enumerable.Repeat(Poison, lists.Rows * columns)]);

        // Head h writes list 2 - h of its slot.
        Retrieval retrieval = new(retriever, asks, dilation, new SelectedTokens(lists, KvHeads + 1, [2, 1], sinks), device, device);
        AttentionShape shape = Shape with { SlidingWindow = slidingWindow };
        new TopSelection(_backend.Runtime, kept).Run(
            step,
            new SequenceRange(0, cases.Length),
            shape,
            retrieval,
            AskingHeads.Of(shape, NoCache, retrieval),
            byPage ? tokens / KvLayer.PageSize : tokens,
            default);

        int[] actual = new int[lists.Rows * columns];
        _backend.Read<int>(lists, actual);
        float[] left = new float[scores.Length * tokens];
        _backend.Read<float>(device, left);
        for (int i = 0; i < cases.Length; i++)
        {
            for (int head = 0; head < KvHeads; head++)
            {
                int[] expected = [.. Enumerable.Repeat(Poison, columns)];
                int row = (forGood ? slots[i] : i) * KvHeads + head;
                if (asks[head] && cases[i].Refreshes)
                    Choose(retriever, cases[i], scores[row], dilation, sinks, shape, expected);
                int list = slots[i] * (KvHeads + 1) + 2 - head;
                Assert.Equal(expected, actual.AsSpan(list * columns, columns).ToArray());
                if (forGood)
                    Assert.Equal(scores[row], left.AsSpan(row * tokens, tokens).ToArray());
            }
        }
    }

    // As RetrieveOperation of the CPU does.
    private static void Choose(
        Retriever retriever, Case one, float[] scores, int dilation, int sinks, AttentionShape shape, int[] chosen)
    {
        int first = Math.Max(sinks, OnlineAttention.FirstVisible(shape, one.Context - 1));
        TokenSelection selection = new(first, one.End, Math.Min(one.Limit, chosen.Length));
        int count = retriever switch
        {
            Retriever.Accumulated => selection.ChooseForGood(scores, chosen),
            Retriever.PageBounds => selection.ChoosePages(scores, dilation, chosen),
            _ => selection.ChooseTokens(scores, dilation, chosen),
        };
        if (count < chosen.Length)
            chosen[count] = -1;
    }

    private StepTensors Describe(Case[] cases, int[] slots, int tokens)
    {
        StepTensors step = new(_backend, cases.Length, cases.Length, tokens / 16);
        _backend.Write<int>(step.RowStarts, [.. Enumerable.Range(0, cases.Length + 1)]);
        _backend.Write<int>(step.Positions, [.. cases.Select(one => one.Context - 1)]);
        _backend.Write<int>(step.SequenceSlots, slots);
        _backend.Write<int>(step.RefreshMask, [.. cases.Select(one => one.Refreshes ? 1 : 0)]);
        _backend.Write<int>(step.WindowStarts, [.. cases.Select(one => one.End)]);
        _backend.Write<int>(step.CriticalCounts, [.. cases.Select(one => one.Limit)]);
        return step;
    }

    private static float[] Scores(string kind, int count, Random random) =>
        [.. Enumerable.Range(0, count).Select(_ => kind switch
        {
            "random" => (float)Math.Exp(random.NextDouble() * 60 - 50),
            "negative" => -(float)Math.Exp(random.NextDouble() * 60 - 50),
            "equal" => 0.25f,
            "few values" => random.Next(4) - 1f,
            "zeros of both signs" => random.Next(2) == 0 ? 0f : -0f,
            "odd" => Odd[random.Next(Odd.Length)],
            _ => BitConverter.UInt32BitsToSingle(0x3F800000u + (uint)random.Next(3000)), // differ in the last digits only
        })];

    // A sequence: its tokens, where its window starts, and how many it may choose.
    private sealed record Case(int Context, int End, int Limit)
    {
        public bool Refreshes { get; init; } = true;
    }
}
