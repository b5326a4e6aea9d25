using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Engine.Tests.Compute;

/// <summary>The attention that tokens get, summed over prompt and decode rows (H2O).</summary>
public sealed class AttentionMassTests : IDisposable
{
    private readonly CpuBackend _backend = new(2);

    public static TheoryData<int, int, int, int> Cases => new() { { 4, 4, 16, 0 }, { 6, 2, 64, 0 }, { 8, 1, 80, 0 }, { 6, 2, 16, 50 } };

    public void Dispose() => _backend.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_row_of_prompt_and_answer_adds_its_softmax(int heads, int kvHeads, int headDim, int slidingWindow)
    {
        AttentionShape shape = new(heads, kvHeads, headDim, slidingWindow);
        SparseSequence sequence = new([new(shape, 150, new Random(1))], 2);
        float[][] mass = Accumulate(_backend, sequence, shape, prompt: 140, chunk: 150);
        for (int head = 0; head < kvHeads; head++)
        {
            double[] expected = new double[sequence.Only.Length];
            for (int row = 0; row < expected.Length; row++)
            {
                IReadOnlyList<int> tokens = sequence.Only.Visible(row);
                double[] weights = sequence.Only.PooledWeights(row, head, tokens);
                for (int place = 0; place < tokens.Count; place++)
                    expected[tokens[place]] += weights[place];
            }

            TensorData.AssertClose(expected, mass[head].AsSpan(0, 150), 1e-5);
            Assert.Equal(150, mass[head].Take(150).Sum(), 1e-3);
            Assert.All(mass[head].Skip(150), rest => Assert.Equal(0, rest));
        }
    }

    [Theory]
    [InlineData(1200, 3)]
    [InlineData(1200, 50)]
    [InlineData(1200, 512)]
    [InlineData(0, 0)]
    public void Sums_are_the_same_bit_for_bit_however_the_prompt_is_cut(int prompt, int chunk)
    {
        AttentionShape shape = new(6, 2, 16, 0);
        SparseSequence sequence = new([new(shape, 1250, new Random(1))], 2);
        float[][] whole = Accumulate(_backend, sequence, shape, 1250, 1250);
        float[][] cut = Accumulate(_backend, sequence, shape, prompt, chunk);
        for (int head = 0; head < 2; head++)
            TensorData.AssertSameBits(whole[head], cut[head]);
    }

    [Fact]
    public void Sums_do_not_depend_on_neighbours_or_threads()
    {
        AttentionShape shape = new(6, 2, 64, 0);
        SparseSequence[] sequences =
            [.. Enumerable.Range(0, 3).Select(i => new SparseSequence([new(shape, 70 + 90 * i, new Random(i))], 3 * i % 7))];
        using CpuBackend single = new(1);
        SparseRun run = new(_backend, shape, SparseRun.CacheOf(shape));
        SparseRows[] rows = [.. sequences.Select(sequence => new SparseRows(sequence, 0, sequence.Only.Length))];
        run.Forward(rows, 0, (_, qkv, to) => _backend.AttendPrefill(
            qkv, run.Step, shape, run.Cache[0], to, new SequenceRange(1, 2), run.Mass));

        float[] untouched = run.GetMass(sequences[0].Slot, 0);
        Assert.True(untouched.Max() > 50, "A sequence whose attention nobody sums up has been written to.");
        foreach (SparseSequence sequence in sequences[1..])
        {
            SparseSequence alone = sequence with { Slot = 1 };
            float[][] expected = Accumulate(single, alone, shape, alone.Only.Length, 1000);
            for (int head = 0; head < 2; head++)
                TensorData.AssertSameBits(expected[head], run.GetMass(sequence.Slot, head));
        }
    }

    // Reads a sequence in chunks up to the prompt's end and row by row behind it, and returns its masses [kv_heads].
    private static float[][] Accumulate(CpuBackend backend, SparseSequence sequence, AttentionShape shape, int prompt, int chunk)
    {
        sequence = new SparseSequence(sequence.Layers, sequence.Slot); // with blocks of its own
        SparseRun run = new(backend, shape, SparseRun.CacheOf(shape));
        prompt = Math.Max(prompt, 1); // the first row is always read as a prompt
        for (int start = 0, count; start < sequence.Only.Length; start += count)
        {
            bool decodes = start >= prompt;
            count = decodes ? 1 : Math.Min(Math.Max(chunk, 1), prompt - start);
            run.Forward([new(sequence, start, count)], decodes ? 1 : 0, (_, qkv, to) =>
            {
                SequenceRange all = new(0, 1);
                if (decodes)
                    backend.AttendDecode(qkv, run.Step, all, shape, run.Cache[0], to, run.Mass);
                else
                    backend.AttendPrefill(qkv, run.Step, shape, run.Cache[0], to, all, run.Mass);
            });
        }

        return [.. Enumerable.Range(0, shape.KvHeads).Select(head => run.GetMass(sequence.Slot, head))];
    }
}
