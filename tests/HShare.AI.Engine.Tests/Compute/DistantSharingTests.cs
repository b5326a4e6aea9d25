using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Engine.Tests.Compute;

/// <summary>Proximal over distant: one softmax over a follower's own proximal scores and its leader's distant ones.</summary>
public sealed class DistantSharingTests : IDisposable
{
    private const int Layers = 4, Sinks = 5, Recent = 70;

    private static readonly AttentionShape Shape = new(6, 2, 16, 0);

    private readonly CpuBackend _backend = new(2);

    public static TheoryData<HeadSharing> Sharings => [HeadSharing.ShareScores, HeadSharing.ShareKeys];

    public void Dispose() => _backend.Dispose();

    [Theory]
    [MemberData(nameof(Sharings))]
    public void Proximal_and_distant_parts_are_one_softmax(HeadSharing sharing)
    {
        SparseRun run = NewRun(sharing);
        SparseSequence sequence = NewSequence(1400);
        float[][][] prompt = run.Forward([new SparseRows(sequence, 0, 1399)], 0);
        float[][][] last = run.Forward([new SparseRows(sequence, 1399, 1)], 1);
        int width = Shape.Heads * Shape.HeadDim;
        for (int layer = 0; layer < Layers; layer++)
        {
            foreach (int row in new[] { 0, 3, 4, 5, 6, 15, 69, 70, 74, 75, 76, 77, 300, 1023, 1024, 1100, 1398 })
                TensorData.AssertClose(Reference(sequence, sharing, layer, row), prompt[layer][0].AsSpan(row * width, width), 1e-5);
            TensorData.AssertClose(Reference(sequence, sharing, layer, 1399), last[layer][0], 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Sharings))]
    public void Chunks_and_decode_steps_equal_the_whole_bit_for_bit(HeadSharing sharing)
    {
        SparseSequence sequence = NewSequence(1300);
        float[][][] whole = NewRun(sharing).Forward([new SparseRows(sequence, 0, 1300)], 0);
        SparseRun run = NewRun(sharing);
        sequence = new SparseSequence(sequence.Layers, Slot: 1);
        Random random = new(4);
        int width = Shape.Heads * Shape.HeadDim;
        for (int start = 0, count; start < 1300; start += count)
        {
            bool decodes = random.Next(3) == 0;
            count = decodes ? 1 : Math.Min(1300 - start, 1 + random.Next(150));
            float[][][] part = run.Forward([new SparseRows(sequence, start, count)], decodes ? 1 : 0);
            for (int layer = 0; layer < Layers; layer++)
                TensorData.AssertSameBits(whole[layer][0].AsSpan(start * width, count * width), part[layer][0]);
        }

        Assert.InRange(sequence.Proximal!.HeldCount, 1, run.Cache.Shape.KeySharing!.BlocksPerSequence(16));
    }

    [Theory]
    [MemberData(nameof(Sharings))]
    public void Layers_that_are_alike_lose_nothing(HeadSharing sharing)
    {
        AttentionSequence layer = new(Shape, 1200, new Random(2));
        SparseSequence sequence = new([.. Enumerable.Repeat(layer, Layers)], 0);
        SparseRun full = new(_backend, Shape, SparseRun.CacheOf(Shape, layers: Layers));
        float[][][] expected = full.Forward([new SparseRows(sequence, 0, 1200)], 0);
        sequence = new SparseSequence(sequence.Layers, 0);
        SparseRun run = NewRun(sharing);
        float[][][] prompt = run.Forward([new SparseRows(sequence, 0, 1199)], 0);
        float[][][] last = run.Forward([new SparseRows(sequence, 1199, 1)], 1);
        for (int i = 0; i < Layers; i++)
        {
            TensorData.AssertClose(Doubles(expected[i][0]), [.. prompt[i][0], .. last[i][0]], 2e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Sharings))]
    public void Followers_read_their_leaders_chosen_tokens_with_its_scores_or_keys(HeadSharing sharing)
    {
        const int ListSinks = 9;
        SparseRun run = NewRun(sharing);
        SparseSequence[] sequences = [NewSequence(1301, slot: 6), NewSequence(160, slot: 2), NewSequence(900, slot: 0)];
        Random random = new(6);
        SparseRows[] rows = [.. sequences.Select(sequence =>
        {
            int context = sequence.Layers[0].Length;
            run.Prefill(sequence, context - 1, chunk: 400);
            for (int unit = 0; unit < run.Units; unit++)
            {
                int[] candidates = [.. Enumerable.Range(ListSinks, context - 33 - ListSinks)];
                random.Shuffle(candidates);
                run.SetList(sequence.Slot, unit, [.. candidates.Take(101).Order()]);
            }

            return new SparseRows(sequence, context - 1, 1) { Window = context - 33 };
        })];

        SharingPlan plan = run.Cache.Shape.KeySharing!.Plan;
        int Source(int layer, int head) => plan[layer, head].Layer * 2 + plan[layer, head].Head;
        SelectedTokens ListsOf(int layer) => new(run.Lists, run.Units, [Source(layer, 0), Source(layer, 1)], ListSinks);
        float[][][] attended = run.Forward(rows, 3, (layer, qkv, to) => _backend.AttendSelected(
            qkv, run.Step, new SequenceRange(0, 3), Shape, run.Cache[layer], ListsOf(layer), to));
        for (int i = 0; i < rows.Length; i++)
        {
            for (int layer = 0; layer < Layers; layer++)
            {
                SparseRows row = rows[i];
                double[] expected = Reference(row.Sequence, sharing, layer, row.Start, head =>
                [
                    .. Enumerable.Range(0, ListSinks),
                    .. run.GetList(row.Sequence.Slot, Source(layer, head)),
                    .. Enumerable.Range(row.Window, row.Start + 1 - row.Window),
                ]);
                TensorData.AssertClose(expected, attended[layer][i], 1e-5);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sharings))]
    public void Attention_of_all_parts_is_summed_up(HeadSharing sharing)
    {
        SparseRun run = NewRun(sharing);
        SparseSequence sequence = NewSequence(1100, slot: 3);
        run.Prefill(sequence, 1099);
        _backend.Write<float>(run.Mass, new float[run.Mass.Rows * run.Mass.Columns]);
        run.Forward([new SparseRows(sequence, 1099, 1)], 1, (layer, qkv, to) =>
            _backend.AttendDecode(qkv, run.Step, new SequenceRange(0, 1), Shape, run.Cache[layer], to, run.Mass));
        int[] tokens = [.. Enumerable.Range(0, 1100)];
        for (int head = 0; head < 2; head++)
        {
            double[] expected = new double[1100];
            for (int layer = 0; layer < Layers; layer++)
            {
                double[] weights = sequence.Layers[layer].PooledWeights(1099, head, tokens, ScoreOf(sequence, sharing, layer, 1099));
                for (int token = 0; token < 1100; token++)
                    expected[token] += weights[token];
            }

            TensorData.AssertClose(expected, run.GetMass(3, head).AsSpan(0, 1100), 1e-5);
        }
    }

    // Head 0: layers 1 and 2 follow layer 0, layer 3 leads. Head 1: layer 1 leads layer 3 while layer 0 still leads layer 2; its heads lie
    // in other places than their numbers.
    private static SharingPlan Plan(HeadSharing sharing) => SharingPlan.Independent(Layers, 2) with
    {
        Rules =
        [
            new(HeadSharing.Retrieve, 0, 0), new(HeadSharing.Retrieve, 0, 1),
            new(sharing, 0, 0), new(HeadSharing.Retrieve, 1, 1),
            new(sharing, 0, 0), new(sharing, 0, 1),
            new(HeadSharing.Retrieve, 3, 0), new(sharing, 1, 1),
        ],
    };

    private SparseRun NewRun(HeadSharing sharing)
    {
        SharingPlan plan = Plan(sharing);
        plan.Validate();
        KvCacheShape shape = SparseRun.CacheOf(Shape, layers: Layers) with { KeySharing = new KeySharing(plan, Sinks, Recent) };
        SparseRun run = new(_backend, Shape, shape, tokens: 1408);
        for (int layer = 0; layer < Layers; layer++) // a block that was given back must not be looked at
        {
            if (run.Cache[layer].Distant!.ProximalKeys is { IsNone: false } keys)
                _backend.Write<float>(keys, [.. Enumerable.Repeat(float.NaN, keys.Rows * keys.Columns)]);
        }

        return run;
    }

    private static SparseSequence NewSequence(int length, int slot = 0) =>
        new([.. Enumerable.Range(0, Layers).Select(layer => new AttentionSequence(Shape, length, new Random(length + layer)))], slot);

    private static double[] Reference(
        SparseSequence sequence, HeadSharing sharing, int layer, int row, Func<int, IReadOnlyList<int>>? tokensOf = null) =>
        sequence.Layers[layer].Reference(
            row, tokensOf ?? (_ => sequence.Layers[layer].Visible(row)), ScoreOf(sequence, sharing, layer, row));

    private static Func<int, int, double> ScoreOf(SparseSequence sequence, HeadSharing sharing, int layer, int row) => (head, token) =>
    {
        AttentionSequence own = sequence.Layers[layer], leader = sequence.Layers[Plan(sharing)[layer, head / Shape.GroupSize].Layer];
        if (token < Sinks || token > row - Recent)
            return own.Score(row, head, token);
        return sharing == HeadSharing.ShareScores ? leader.Score(row, head, token) : own.Score(row, head, token, leader);
    };

    private static double[] Doubles(float[] values) => [.. values.Select(value => (double)value)];
}
