using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Tests.Compute;

namespace HShare.AI.Engine.Tests.Attention;

/// <summary>The traps of sparse attention that its operations could fall into, each with a test of its own.</summary>
public sealed class TrapTests : IDisposable
{
    private static readonly AttentionShape Shape = new(6, 2, 16, 0);

    private readonly CpuBackend _backend = new(2);

    public void Dispose() => _backend.Dispose();

    [Theory]
    [InlineData(Retriever.Exact)]
    [InlineData(Retriever.LabelChannels)]
    [InlineData(Retriever.PageBounds)]
    public void Trap01_scores_labels_and_bounds_are_of_rotated_keys(Retriever retriever)
    {
        RotaryConfig rotary = new(10000, null);
        AttentionSequence plain = new(Shape, 400, new Random(1), scale: 1.5f), rotated = new(Shape, 400, new Random(1), scale: 1.5f);
        for (int position = 0; position < 400; position++)
        {
            for (int head = 0; head < 8; head++) // query heads, then key heads
                Rotate(rotated.Qkv.AsSpan(position * Shape.QkvColumns + head * 16, 16), position);
        }

        int[] chosen = Choose(retriever, plain, 400, rotary);
        Assert.Equal(Choose(retriever, rotated, 400, rotary: null), chosen);
        Assert.NotEqual(Choose(retriever, plain, 400, rotary: null), chosen);
    }

    [Fact]
    public void Trap02_a_group_reads_one_set_and_each_KV_head_its_own()
    {
        // Query head h of each group looks for the key element h, which only one token of a KV head has.
        AttentionSequence sequence = Blank(300);
        for (int head = 0; head < 6; head++)
        {
            Query(sequence, 299, head, element: head % 3, 60);
            Key(sequence, 40 + 10 * head, head / 3, element: head % 3, 1);
        }

        SparseRun run = Retrieve(Retriever.Exact, sequence, 300, critical: 3);
        Assert.Equal([40, 50, 60], run.GetList(0, 0));
        Assert.Equal([70, 80, 90], run.GetList(0, 1));
        Assert.Equal(SparseRun.MaxSequences * 2, run.Lists.Rows); // as many sets as KV heads
    }

    [Theory]
    [InlineData(Retriever.Exact)]
    [InlineData(Retriever.LabelChannels)]
    public void Trap03_scores_are_pooled_behind_the_softmax(Retriever retriever)
    {
        // One head likes a hundred tokens very well, the other a single one well: of all attention, that one gets most.
        AttentionSequence sequence = Blank(300);
        Query(sequence, 299, head: 0, element: 0, 1);
        Query(sequence, 299, head: 1, element: 1, 1);
        for (int token = 100; token < 200; token++)
            Key(sequence, token, 0, element: 0, 40);
        Key(sequence, 60, 0, element: 1, 20);
        Assert.Equal([60], Retrieve(retriever, sequence, 300, critical: 1).GetList(0, 0));
    }

    [Fact]
    public void Trap04_the_current_token_is_always_read()
    {
        AttentionSequence sequence = new(Shape, 300, new Random(2));
        SparseRun run = Retrieve(Retriever.Exact, sequence, 300, critical: 20, window: 1, attend: true);
        for (int head = 0; head < 2; head++)
        {
            Assert.DoesNotContain(299, run.GetList(0, head));
            Assert.True(run.GetMass(0, head)[299] > 0);
        }
    }

    [Fact]
    public void Trap05_tokens_since_the_choice_are_read_by_the_steps_that_reuse_it()
    {
        AttentionPreset preset = AttentionPreset.Parse("hshare:1-1-1/8,retriever=exact,budget=60,sinks=4,window=8");
        SelectionClock clock = new(new AttentionPolicy(preset, SharingPlan.Independent(1, 2) with { Interval = 8 }));
        SparseRun run = NewRun();
        SparseSequence sequence = new([new(Shape, 330, new Random(3))], 0);
        run.Prefill(sequence, 300);
        int chosenAt = 0;
        for (int context = 301; context <= 330; context++)
        {
            AttentionStep plan = clock.Decode(context);
            chosenAt = plan.Refreshes ? context : chosenAt;
            ClearMass(run);
            Step(run, sequence, plan, Retriever.Exact);
            float[] mass = run.GetMass(0, 1);
            int[] read = [.. Enumerable.Range(0, context).Where(token => mass[token] > 0)];
            Assert.Equal([0, 1, 2, 3, .. run.GetList(0, 1), .. Enumerable.Range(chosenAt - 8, context - chosenAt + 8)], read);
        }
    }

    [Theory]
    [InlineData("quest:budget=112,sinks=16,window=64")]
    [InlineData("quest:budget=90,sinks=5,window=7")]
    [InlineData("hshare:1-1-1/5,retriever=exact,budget=100,sinks=9,window=21")]
    [InlineData("h2o:budget=64")]
    public void Trap06_and_14_sets_are_disjoint_and_the_budget_is_the_total(string text)
    {
        AttentionPreset preset = AttentionPreset.Parse(text);
        SharingPlan plan = SharingPlan.Independent(1, 2) with { Interval = preset.Ratios.Interval, Dilation = preset.Ratios.Interval - 1 };
        AttentionPolicy policy = new(preset, plan);
        SelectionClock clock = new(policy);
        SparseRun run = NewRun();
        SparseSequence sequence = new([new(Shape, 260, new Random(4))], 0);
        for (int context = 1; context <= 260; context++)
        {
            AttentionStep step = clock.Decode(context);
            Step(run, sequence, step, preset.Retriever, plan.Dilation);
            if (!step.Reads)
                continue;

            int[] chosen = run.GetList(0, 0);
            Assert.Equal(chosen.Distinct().Order(), chosen);
            Assert.All(chosen, token => Assert.InRange(token, step.Sinks, step.WindowStart - 1));
            int read = step.Sinks + chosen.Length + context - step.WindowStart;
            Assert.InRange(
                read, preset.Budget!.Value.Sinks + preset.Budget.Value.Window + 1, preset.Budget.Value.Total + plan.Interval - 1);
        }
    }

    [Fact]
    public void Trap07_short_contexts_are_read_whole_and_padding_is_no_token()
    {
        AttentionPreset preset = AttentionPreset.Parse("quest:budget=112,sinks=16,window=64");
        SelectionClock clock = new(new AttentionPolicy(preset, SharingPlan.Independent(1, 2)));
        Assert.All(Enumerable.Range(1, 112), context => Assert.False(clock.Decode(context).Reads));

        SparseRun run = NewRun();
        SparseSequence sequence = new([new(Shape, 100, new Random(5))], 0);
        run.Prefill(sequence, 99);
        Step(run, sequence, new AttentionStep(100, true, true, 90, Critical: 200, Sinks: 16), Retriever.Exact); // more than there are
        Assert.Equal(Enumerable.Range(16, 74), run.GetList(0, 0));

        run.SetList(0, 0, [20, -1, 21, 22, 0]); // what an older choice left behind the padding
        ClearMass(run);
        Step(run, sequence, new AttentionStep(100, true, false, 90, 200, 16), Retriever.Exact);
        float[] mass = run.GetMass(0, 0);
        Assert.Equal(
            [.. Enumerable.Range(0, 16), 20, .. Enumerable.Range(90, 10)], Enumerable.Range(0, 100).Where(token => mass[token] > 0));
    }

    [Fact]
    public void Trap09_sinks_and_windows_are_those_of_each_sequence()
    {
        SparseRun run = NewRun();
        SparseSequence[] sequences =
            [.. new[] { 90, 411, 160 }.Select((length, i) => new SparseSequence([new(Shape, length, new Random(i))], 5 - i))];
        foreach (SparseSequence sequence in sequences)
            run.Prefill(sequence, sequence.Only.Length - 1);
        SparseRows[] rows = [.. sequences.Select((sequence, i) => new SparseRows(sequence, sequence.Only.Length - 1, 1)
        {
            Window = sequence.Only.Length - 10 - i, Critical = 20 + i,
        })];
        SequenceRange all = new(0, 3);
        float[][] attended = run.Forward(rows, 3, (_, qkv, to) =>
        {
            _backend.Retrieve(qkv, run.Step, all, Shape, run.Cache[0], RetrievalOf(run, Retriever.Exact, 0, sinks: 4));
            _backend.AttendSelected(qkv, run.Step, all, Shape, run.Cache[0], run.OwnLists(0, 4), to);
        })[0];
        for (int i = 0; i < 3; i++)
        {
            int context = sequences[i].Only.Length;
            double[] expected = sequences[i].Only.Reference(context - 1, head =>
                [0, 1, 2, 3, .. run.GetList(5 - i, head), .. Enumerable.Range(context - 10 - i, 10 + i)]);
            Assert.Equal(20 + i, run.GetList(5 - i, 0).Length);
            TensorData.AssertClose(expected, attended[i], 3e-6);
        }
    }

    [Fact]
    public void Trap10_sets_ascend_and_ties_go_to_the_earlier_token()
    {
        AttentionSequence sequence = Blank(300); // every token is as good as any other
        int[] chosen = Retrieve(Retriever.Exact, sequence, 300, critical: 50).GetList(0, 0);
        Assert.Equal(Enumerable.Range(4, 50), chosen);
        Key(sequence, 200, 0, 0, 1);
        Query(sequence, 299, 0, 0, 5);
        Assert.Equal([.. Enumerable.Range(4, 49), 200], Retrieve(Retriever.Exact, sequence, 300, critical: 50).GetList(0, 0));
    }

    [Theory]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    public void Trap15_the_softmax_is_float32_over_partitions_whatever_the_keys_are(DType type)
    {
        // Keys and values that 16 bits hold exactly; what is left is the arithmetic, over more than one partition of selected tokens.
        AttentionSequence sequence = new(Shape, 1900, new Random(6));
        for (int i = 0; i < sequence.Qkv.Length; i++)
            sequence.Qkv[i] = MathF.Round(sequence.Qkv[i] * 16) / 8;
        SparseRun run = new(_backend, Shape, SparseRun.CacheOf(Shape, type), listTokens: 1400);
        SparseSequence rows = new([sequence], 2);
        run.Prefill(rows, 1899);
        int[] chosen = [.. Enumerable.Range(10, 1800).Where(token => token % 4 != 1).Take(1400)];
        run.SetList(2, 0, chosen);
        run.SetList(2, 1, chosen);
        float[] attended = run.Forward([new SparseRows(rows, 1899, 1) { Window = 1880 }], 1, (_, qkv, to) => _backend.AttendSelected(
            qkv, run.Step, new SequenceRange(0, 1), Shape, run.Cache[0], run.OwnLists(0, 4), to))[0][0];
        double[] expected = sequence.Reference(1899, _ => [0, 1, 2, 3, .. chosen, .. Enumerable.Range(1880, 20)]);
        TensorData.AssertClose(expected, attended, 5e-6);
    }

    private SparseRun NewRun(RotaryConfig? rotary = null)
    {
        SparseRun run = new(
            _backend,
            Shape,
            SparseRun.CacheOf(Shape) with { HasPageBounds = true, LabelChannels = [[0, 9, 1, 2], [0, 3, 1, 2]] },
            tokens: 512,
            rotary: rotary);
        ClearMass(run);
        return run;
    }

    private void ClearMass(SparseRun run) => _backend.Write<float>(run.Mass, new float[run.Mass.Rows * run.Mass.Columns]);

    private int[] Choose(Retriever retriever, AttentionSequence sequence, int context, RotaryConfig? rotary) =>
        Retrieve(retriever, sequence, context, critical: 64, rotary: rotary).GetList(0, 0);

    /// <summary>Reads a sequence and lets its last row choose, and attend if wanted.</summary>
    private SparseRun Retrieve(
        Retriever retriever,
        AttentionSequence data,
        int context,
        int critical,
        int window = 10,
        bool attend = false,
        RotaryConfig? rotary = null)
    {
        SparseRun run = NewRun(rotary);
        SparseSequence sequence = new([data], 0);
        run.Prefill(sequence, context - 1);
        Step(run, sequence, new AttentionStep(context, attend, true, context - window, critical, 4), retriever);
        return run;
    }

    /// <summary>One decode step as a plan wants it.</summary>
    private void Step(SparseRun run, SparseSequence sequence, AttentionStep plan, Retriever retriever, int dilation = 0)
    {
        SparseRows row =
            new(sequence, plan.Context - 1, 1) { Window = plan.WindowStart, Critical = plan.Critical, Refresh = plan.Refreshes };
        SequenceRange only = new(0, 1);
        run.Forward([row], 1, (_, qkv, to) =>
        {
            if (plan.Refreshes)
                _backend.Retrieve(qkv, run.Step, only, Shape, run.Cache[0], RetrievalOf(run, retriever, dilation, plan.Sinks));
            if (plan.Reads)
                _backend.AttendSelected(qkv, run.Step, only, Shape, run.Cache[0], run.OwnLists(0, plan.Sinks), to, run.Mass);
            else
                _backend.AttendDecode(qkv, run.Step, only, Shape, run.Cache[0], to, run.Mass);
        });
    }

    private static Retrieval RetrievalOf(SparseRun run, Retriever retriever, int dilation, int sinks) =>
        new(retriever, [true, true], dilation, run.OwnLists(0, sinks), run.Scores, run.Mass);

    private static AttentionSequence Blank(int length)
    {
        AttentionSequence sequence = new(Shape, length, new Random(1));
        sequence.Qkv.AsSpan().Clear();
        return sequence;
    }

    private static void Query(AttentionSequence sequence, int row, int head, int element, float value) =>
        sequence.Qkv[row * Shape.QkvColumns + head * Shape.HeadDim + element] = value;

    private static void Key(AttentionSequence sequence, int row, int kvHead, int element, float value) =>
        sequence.Qkv[row * Shape.QkvColumns + (Shape.Heads + kvHead) * Shape.HeadDim + element] = value;

    private static void Rotate(Span<float> head, int position)
    {
        int half = head.Length / 2;
        for (int i = 0; i < half; i++)
        {
            double angle = position * Math.Pow(10000, -2.0 * i / head.Length), x = head[i], y = head[half + i];
            head[i] = (float)(x * Math.Cos(angle) - y * Math.Sin(angle));
            head[half + i] = (float)(y * Math.Cos(angle) + x * Math.Sin(angle));
        }
    }
}
