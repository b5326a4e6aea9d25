using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Engine.Tests.Compute;

/// <summary>Attention over sinks, chosen tokens and window, against a gather and one softmax in double precision.</summary>
public sealed class SelectedAttentionTests : IDisposable
{
    private static readonly int[] Contexts = [38, 131, 700, 1501];
    private static readonly int[] Slots = [5, 0, 3, 6];
    private static readonly int[] Windows = [7, 1, 65, 33];

    private readonly CpuBackend _backend = new(2);

    // Heads, KV heads, head_dim, sliding window, sinks: groups of 1, 3 and 8; windows that hide sinks and chosen tokens.
    public static TheoryData<int, int, int, int, int> Cases => new()
    {
        { 4, 4, 16, 0, 3 }, { 6, 2, 64, 0, 16 }, { 8, 1, 80, 0, 0 }, { 2, 2, 128, 0, 17 }, { 6, 2, 64, 200, 5 }, { 3, 1, 16, 20, 9 },
    };

    public void Dispose() => _backend.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Selected_tokens_are_gathered_into_one_softmax(int heads, int kvHeads, int headDim, int slidingWindow, int sinks)
    {
        AttentionShape shape = new(heads, kvHeads, headDim, slidingWindow);
        foreach ((DType type, double tolerance) in new[] { (DType.Float32, 3e-6), (DType.Float16, 2e-3), (DType.BFloat16, 2e-2) })
        {
            SparseRun run = new(_backend, shape, SparseRun.CacheOf(shape, type));
            (SparseRows[] rows, Dictionary<(int, int), int[]> lists) = Prepare(run, sinks);
            float[][] before = [.. rows.Select(row => run.GetMass(row.Sequence.Slot, 0))];
            float[][] attended = run.Forward(rows, rows.Length, (_, qkv, to) => _backend.AttendSelected(
                qkv, run.Step, new SequenceRange(0, rows.Length), shape, run.Cache[0], run.OwnLists(0, sinks), to, run.Mass))[0];

            for (int i = 0; i < rows.Length; i++)
            {
                AttentionSequence sequence = rows[i].Sequence.Only;
                IReadOnlyList<int> Tokens(int kvHead) => Read(shape, sinks, lists[(i, kvHead)], rows[i]);
                TensorData.AssertClose(sequence.Reference(rows[i].Start, Tokens), attended[i], tolerance);

                double[] expected = [.. before[i].Select(mass => (double)mass)];
                IReadOnlyList<int> tokens = Tokens(0);
                double[] weights = sequence.PooledWeights(rows[i].Start, 0, tokens);
                for (int place = 0; place < tokens.Count; place++)
                    expected[tokens[place]] += weights[place];
                TensorData.AssertClose(expected, run.GetMass(rows[i].Sequence.Slot, 0), 5 * tolerance);
            }
        }
    }

    [Fact]
    public void A_list_that_holds_everything_is_full_attention()
    {
        AttentionShape shape = new(6, 2, 64, 0);
        SparseRun run = new(_backend, shape, SparseRun.CacheOf(shape), listTokens: 2048);
        SparseSequence sequence = new([new(shape, 1500, new Random(1))], 4);
        run.Prefill(sequence, 1499);
        for (int head = 0; head < 2; head++)
            run.SetList(4, head, [.. Enumerable.Range(16, 1500 - 16 - 64)]);

        SparseRows row = new(sequence, 1499, 1) { Window = 1500 - 64 };
        float[] selected = run.Forward([row], 1, (_, qkv, to) => _backend.AttendSelected(
            qkv, run.Step, new SequenceRange(0, 1), shape, run.Cache[0], run.OwnLists(0, 16), to))[0][0];
        TensorData.AssertSameBits(run.Forward([row], 1)[0][0], selected);
    }

    [Fact]
    public void Only_the_sequences_asked_for_are_attended_and_neighbours_change_nothing()
    {
        AttentionShape shape = new(6, 2, 64, 0);
        SparseRun run = new(_backend, shape, SparseRun.CacheOf(shape));
        (SparseRows[] rows, _) = Prepare(run, sinks: 16);
        float[][] Attend(params SparseRows[] parts) => run.Forward(parts, parts.Length, (_, qkv, to) =>
        {
            _backend.Write<float>(to, new float[to.Rows * to.Columns]);
            SequenceRange second = new(parts.Length / 2, parts.Length - parts.Length / 2);
            _backend.AttendSelected(qkv, run.Step, second, shape, run.Cache[0], run.OwnLists(0, 16), to);
        })[0];

        float[][] batch = Attend(rows);
        Assert.All(batch[..2], attended => Assert.All(attended, value => Assert.Equal(0, value)));
        TensorData.AssertSameBits(Attend(rows[2])[0], batch[2]);
        TensorData.AssertSameBits(Attend(rows[3])[0], batch[3]);
    }

    [Fact]
    public void A_slot_or_a_window_outside_the_sequence_is_refused()
    {
        AttentionShape shape = new(2, 1, 16, 0);
        SparseRun run = new(_backend, shape, SparseRun.CacheOf(shape));
        SparseSequence sequence = new([new(shape, 60, new Random(1))], 0);
        void Attend(SparseRows row) => run.Forward([row], 1, (_, qkv, to) => _backend.AttendSelected(
            qkv, run.Step, new SequenceRange(0, 1), shape, run.Cache[0], run.OwnLists(0, 16), to));

        SparseRows good = new(sequence, 59, 1) { Window = 40 };
        run.Prefill(sequence, 59);
        run.SetList(0, 0, []);
        Attend(good);
        Assert.Contains("starts at 60", Assert.Throws<ArgumentException>(() => Attend(good with { Window = 60 })).Message);
        Assert.Contains("starts at 15", Assert.Throws<ArgumentException>(() => Attend(good with { Window = 15 })).Message);
        SparseRows elsewhere = good with { Sequence = new SparseSequence(sequence.Layers, SparseRun.MaxSequences) };
        run.Prefill(elsewhere.Sequence, 59);
        Assert.Contains("slot 8", Assert.Throws<ArgumentException>(() => Attend(elsewhere)).Message);
    }

    // Sequences that are about to decode their last row, with lists of all kinds of lengths: none, odd, all that there is room for.
    private static (SparseRows[] Rows, Dictionary<(int Sequence, int KvHead), int[]> Lists) Prepare(SparseRun run, int sinks)
    {
        Random random = new(7);
        SparseRows[] rows = new SparseRows[Contexts.Length];
        Dictionary<(int, int), int[]> lists = [];
        for (int i = 0; i < rows.Length; i++)
        {
            SparseSequence sequence = new([new(run.Shape, Contexts[i], random)], Slots[i]);
            run.Prefill(sequence, Contexts[i] - 1);
            rows[i] = new SparseRows(sequence, Contexts[i] - 1, 1) { Window = Contexts[i] - Windows[i] };
            int[] candidates = [.. Enumerable.Range(sinks, Contexts[i] - Windows[i] - sinks)];
            for (int head = 0; head < run.Shape.KvHeads; head++)
            {
                random.Shuffle(candidates);
                int count = Math.Min((i + head) % 3 * 97, Math.Min(candidates.Length, run.Lists.Columns));
                lists[(i, head)] = [.. candidates.Take(count).Order()];
                run.SetList(Slots[i], head, lists[(i, head)]);
            }
        }

        return (rows, lists);
    }

    private static List<int> Read(AttentionShape shape, int sinks, int[] chosen, SparseRows row)
    {
        int first = shape.SlidingWindow > 0 ? Math.Max(0, row.Start - shape.SlidingWindow + 1) : 0;
        IEnumerable<int> tokens = [.. Enumerable.Range(0, sinks), .. chosen, .. Enumerable.Range(row.Window, row.Start + 1 - row.Window)];
        return [.. tokens.Where(token => token >= first)];
    }
}
