using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Engine.Tests.Compute;

/// <summary>The choice of critical tokens by each retriever, against a plain statement in double precision.</summary>
public sealed class RetrievalTests : IDisposable
{
    private const int Critical = 97, Labels = 5;

    private static readonly int[] Contexts = [150, 333, 1205];
    private static readonly int[] Slots = [6, 0, 3];
    private static readonly int[] Windows = [21, 64, 1];

    private readonly CpuBackend _backend = new(2);

    // Heads, KV heads, head_dim, sliding window, sinks.
    public static TheoryData<int, int, int, int, int> Cases => new()
    {
        { 4, 4, 16, 0, 3 }, { 6, 2, 64, 0, 16 }, { 8, 1, 80, 0, 0 }, { 2, 2, 128, 0, 17 }, { 6, 2, 64, 300, 5 }, { 3, 1, 16, 20, 9 },
    };

    public void Dispose() => _backend.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Exact_retrieval_takes_the_highest_softmax_pooled_over_the_group(
        int heads, int kvHeads, int headDim, int slidingWindow, int sinks)
    {
        AttentionShape shape = new(heads, kvHeads, headDim, slidingWindow);
        Check(shape, sinks, Retriever.Exact, dilation: 2, (sequence, row, head) =>
            ByToken(sequence.Only.Visible(row), sequence.Only.PooledWeights(row, head, sequence.Only.Visible(row))));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Labels_take_the_highest_product_over_their_channels(int heads, int kvHeads, int headDim, int slidingWindow, int sinks)
    {
        AttentionShape shape = new(heads, kvHeads, headDim, slidingWindow);
        int[][] channels = Channels(shape);
        Check(shape, sinks, Retriever.LabelChannels, dilation: 0, (sequence, row, head) =>
        {
            int[] tokens = [.. sequence.Only.Visible(row)];
            return ByToken(tokens, sequence.Only.PooledWeights(row, head, tokens, (query, token) =>
                channels[head].Sum(c => sequence.Only.Query(row, query, c) * sequence.Only.Key(token, head, c)) / Math.Sqrt(Labels)));
        });
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Pages_are_taken_by_the_most_that_a_key_within_their_bounds_could_score(
        int heads, int kvHeads, int headDim, int slidingWindow, int sinks)
    {
        AttentionShape shape = new(heads, kvHeads, headDim, slidingWindow);
        Check(shape, sinks, Retriever.PageBounds, dilation: 3, (sequence, row, head) =>
        {
            int[] pages = [.. sequence.Only.Visible(row).Select(token => token / 16).Distinct()];
            return ByToken(pages, sequence.Only.PooledWeights(row, head, pages, (query, page) =>
            {
                IEnumerable<int> tokens = Enumerable.Range(page * 16, Math.Min(16, row + 1 - page * 16));
                return Enumerable.Range(0, headDim).Sum(i => tokens.Max(token =>
                    sequence.Only.Query(row, query, i) * sequence.Only.Key(token, head, i))) / Math.Sqrt(headDim);
            }));
        });
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Accumulated_attention_takes_the_highest_sums_and_drops_the_rest_for_good(
        int heads, int kvHeads, int headDim, int slidingWindow, int sinks)
    {
        AttentionShape shape = new(heads, kvHeads, headDim, slidingWindow);
        SparseRun run = new(_backend, shape, SparseRun.CacheOf(shape));
        SparseRows[] rows = Prepare(run, sinks);
        float[][][] before =
            [.. rows.Select(row => Enumerable.Range(0, kvHeads).Select(head => run.GetMass(row.Sequence.Slot, head)).ToArray())];
        Retrieve(run, rows, new Retrieval(Retriever.Accumulated, Asking(shape), 0, run.OwnLists(0, sinks), run.Scores, run.Mass));

        for (int i = 0; i < rows.Length; i++)
        {
            for (int head = 0; head < kvHeads; head++)
            {
                float[] mass = before[i][head];
                int[] expected = [.. Candidates(shape, sinks, rows[i])
                    .OrderByDescending(token => mass[token]).Take(Critical).Where(token => mass[token] >= 0).Order()];
                Assert.Equal(expected, run.GetList(rows[i].Sequence.Slot, head));
                foreach (int token in Candidates(shape, sinks, rows[i]).Except(expected))
                    mass[token] = -1;
                TensorData.AssertSameBits(mass, run.GetMass(rows[i].Sequence.Slot, head));
            }
        }
    }

    [Theory]
    [InlineData(Retriever.Exact)]
    [InlineData(Retriever.LabelChannels)]
    [InlineData(Retriever.PageBounds)]
    [InlineData(Retriever.Accumulated)]
    public void Choices_do_not_depend_on_threads_or_neighbours(Retriever retriever)
    {
        AttentionShape shape = new(6, 2, 64, 0);
        using CpuBackend single = new(1);
        SparseRun together = new(_backend, shape, CacheOf(shape)), alone = new(single, shape, CacheOf(shape));
        Retrieve(together, Prepare(together, 16), retriever);
        foreach (SparseRows row in Prepare(alone, 16))
            Retrieve(alone, [row], retriever);
        foreach (int slot in Slots)
        {
            for (int head = 0; head < 2; head++)
            {
                Assert.NotEmpty(alone.GetList(slot, head));
                Assert.Equal(alone.GetList(slot, head), together.GetList(slot, head));
            }
        }
    }

    [Fact]
    public void Equal_tokens_are_taken_from_the_front()
    {
        AttentionShape shape = new(6, 2, 16, 0);
        AttentionSequence equal = new(shape, 400, new Random(1));
        for (int token = 1; token < 400; token++) // all keys are that of the first token
            equal.Qkv.AsSpan(6 * 16, 2 * 16).CopyTo(equal.Qkv.AsSpan(token * shape.QkvColumns + 6 * 16));
        foreach (Retriever retriever in new[] { Retriever.Exact, Retriever.LabelChannels, Retriever.PageBounds })
        {
            SparseRun run = new(_backend, shape, CacheOf(shape));
            SparseSequence sequence = new([equal], 1);
            run.Prefill(sequence, 399);
            Retrieve(run, [new SparseRows(sequence, 399, 1) { Window = 350, Critical = 97 }], retriever);
            int taken = retriever == Retriever.PageBounds ? 96 : 97;
            Assert.Equal(Enumerable.Range(16, taken), run.GetList(1, 0));
        }
    }

    [Fact]
    public void Heads_that_borrow_and_sequences_that_reuse_keep_their_lists()
    {
        AttentionShape shape = new(6, 2, 16, 0);
        SparseRun run = new(_backend, shape, CacheOf(shape));
        SparseRows[] rows = Prepare(run, 16);
        foreach (int slot in Slots)
        {
            run.SetList(slot, 0, [20, 21]);
            run.SetList(slot, 1, [30]);
        }

        rows[1] = rows[1] with { Refresh = false };
        Retrieve(run, rows, new Retrieval(Retriever.Exact, [true, false], 0, run.OwnLists(0, 16), run.Scores, Tensor.None));
        Assert.All(Slots, slot => Assert.Equal([30], run.GetList(slot, 1)));
        Assert.Equal([20, 21], run.GetList(Slots[1], 0));
        Assert.Equal(Critical, run.GetList(Slots[0], 0).Length);
    }

    [Fact]
    public void A_prompts_last_row_chooses_too()
    {
        AttentionShape shape = new(6, 2, 16, 0);
        SparseRun chunk = new(_backend, shape, CacheOf(shape)), decode = new(_backend, shape, CacheOf(shape));
        AttentionSequence data = new(shape, 500, new Random(3));
        SparseSequence a = new([data], 2), b = new([data], 2);
        chunk.Prefill(a, 300);
        chunk.Forward([new(a, 300, 200) { Window = 440, Critical = 50 }], 0, (_, qkv, _) => _backend.Retrieve(
            qkv, chunk.Step, new SequenceRange(0, 1), shape, chunk.Cache[0], RetrievalOf(chunk, Retriever.Exact, 0, 16)));
        decode.Prefill(b, 499);
        Retrieve(decode, [new(b, 499, 1) { Window = 440, Critical = 50 }], Retriever.Exact);
        Assert.Equal(decode.GetList(2, 0), chunk.GetList(2, 0));
        Assert.Equal(decode.GetList(2, 1), chunk.GetList(2, 1));
    }

    [Fact]
    public void Half_precision_keys_are_judged_as_they_are_stored()
    {
        AttentionShape shape = new(6, 2, 64, 0);
        foreach (DType type in new[] { DType.Float16, DType.BFloat16 })
        {
            foreach (Retriever retriever in new[] { Retriever.Exact, Retriever.PageBounds })
            {
                SparseRun run = new(_backend, shape, CacheOf(shape, type));
                SparseRows row = Prepare(run, 16)[2];
                Retrieve(run, [row], retriever);
                AttentionSequence sequence = row.Sequence.Only;
                int[] all = [.. Enumerable.Range(0, row.Start + 1)], chosen = run.GetList(row.Sequence.Slot, 0);
                double[] weights = sequence.PooledWeights(row.Start, 0, all);
                double best = Candidates(shape, 16, row).Select(token => weights[token]).OrderDescending().Take(Critical).Sum();
                double mass = chosen.Sum(token => weights[token]);
                Assert.InRange(mass, (retriever == Retriever.Exact ? 0.98 : 0.2) * best, 1.0001 * best);
            }
        }
    }

    [Fact]
    public void A_retriever_whose_data_the_cache_does_not_keep_is_refused()
    {
        AttentionShape shape = new(6, 2, 16, 0);
        SparseRun run = new(_backend, shape, SparseRun.CacheOf(shape));
        SparseRows[] rows = Prepare(run, 16);
        Assert.Contains("page bounds", Assert.Throws<ArgumentException>(() => Retrieve(run, rows, Retriever.PageBounds)).Message);
        Assert.Contains("label channels", Assert.Throws<ArgumentException>(() => Retrieve(run, rows, Retriever.LabelChannels)).Message);
        Assert.Contains("None", Assert.Throws<ArgumentException>(() => Retrieve(run, rows, Retriever.None)).Message);
    }

    /// <summary>Compares the choices with the best of what a plain statement scores, by token or by page.</summary>
    private void Check(
        AttentionShape shape, int sinks, Retriever retriever, int dilation, Func<SparseSequence, int, int, double[]> score)
    {
        SparseRun run = new(_backend, shape, CacheOf(shape));
        SparseRows[] rows = Prepare(run, sinks);
        Retrieve(run, rows, RetrievalOf(run, retriever, dilation, sinks));
        int unit = retriever == Retriever.PageBounds ? KvLayer.PageSize : 1;
        foreach (SparseRows row in rows)
        {
            for (int head = 0; head < shape.KvHeads; head++)
            {
                int[] candidates = [.. Candidates(shape, sinks, row)];
                double[] scores = score(row.Sequence, row.Start, head);
                int[] expected = candidates.Length <= Critical ? candidates : [.. candidates.Select(token => token / unit).Distinct()
                    .OrderByDescending(index => scores[index])
                    .Take(Critical / (unit + dilation))
                    .SelectMany(index => Enumerable.Range(index * unit, unit + dilation))
                    .Distinct().Order().Where(token => token >= candidates[0] && token <= candidates[^1])];
                Assert.Equal(expected, run.GetList(row.Sequence.Slot, head));
            }
        }
    }

    private static SparseRows[] Prepare(SparseRun run, int sinks)
    {
        Random random = new(sinks + run.Shape.HeadDim);
        return [.. Contexts.Select((context, i) =>
        {
            SparseSequence sequence = new([new(run.Shape, context, random, scale: 1)], Slots[i]);
            run.Prefill(sequence, context - 1, chunk: 100);
            return new SparseRows(sequence, context - 1, 1) { Window = context - Windows[i], Critical = Critical };
        })];
    }

    private void Retrieve(SparseRun run, SparseRows[] rows, Retriever retriever) => Retrieve(run, rows, RetrievalOf(run, retriever, 0, 16));

    private void Retrieve(SparseRun run, SparseRows[] rows, Retrieval retrieval) => run.Forward(rows, rows.Length, (_, qkv, _) =>
        _backend.Retrieve(qkv, run.Step, new SequenceRange(0, rows.Length), run.Shape, run.Cache[0], retrieval));

    private static Retrieval RetrievalOf(SparseRun run, Retriever retriever, int dilation, int sinks) =>
        new(retriever, Asking(run.Shape), dilation, run.OwnLists(0, sinks), run.Scores, run.Mass);

    private static bool[] Asking(AttentionShape shape) => [.. Enumerable.Repeat(true, shape.KvHeads)];

    private static KvCacheShape CacheOf(AttentionShape shape, DType type = DType.Float32) =>
        SparseRun.CacheOf(shape, type) with { HasPageBounds = true, LabelChannels = Channels(shape) };

    private static int[][] Channels(AttentionShape shape) =>
        [.. Enumerable.Range(0, shape.KvHeads)
            .Select(head => Enumerable.Range(0, Labels).Select(i => (3 * i + 7 * head + 2) % shape.HeadDim).ToArray())];

    private static IEnumerable<int> Candidates(AttentionShape shape, int sinks, SparseRows row)
    {
        int first = shape.SlidingWindow > 0 ? Math.Max(sinks, row.Start - shape.SlidingWindow + 1) : sinks;
        return Enumerable.Range(first, Math.Max(0, row.Window - first));
    }

    private static double[] ByToken(IReadOnlyList<int> tokens, double[] values)
    {
        double[] scores = new double[tokens[^1] + 1];
        for (int i = 0; i < values.Length; i++)
            scores[tokens[i]] = values[i];
        return scores;
    }
}
