using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Engine.Tests.Compute;

public sealed class AttentionTests : IDisposable
{
    private readonly CpuBackend _backend = new(2);

    public void Dispose() => _backend.Dispose();

    // Context lengths around the block of 16, the tile of 64 and the partition of 512; groups 1 to 8; windows in, over and at borders.
    public static TheoryData<int, int, int, int, int> Cases => new()
    {
        { 4, 4, 16, 0, 1 }, { 4, 2, 16, 0, 15 }, { 6, 2, 64, 0, 17 }, { 8, 1, 32, 0, 63 }, { 7, 1, 20, 0, 64 }, { 4, 4, 8, 0, 65 },
        { 6, 2, 64, 0, 200 }, { 5, 1, 128, 0, 129 }, { 2, 1, 80, 0, 511 }, { 4, 1, 32, 0, 512 }, { 3, 3, 48, 0, 1025 },
        { 4, 2, 16, 32, 300 }, { 2, 1, 32, 1, 70 }, { 2, 2, 24, 64, 1100 }, { 6, 1, 16, 1000, 2100 }, { 4, 2, 18, 5, 90 },
    };

    // The first and the last rows, and those before and at the borders of tiles and partitions.
    private static IEnumerable<int> RowsToCheck(int length) =>
        new[] { 0, 1, 2, 15, 16, 31, 63, 64, 100, 127, 128, 511, 512, 1023, 1024, 1100, 2048, length - 2, length - 1 }
            .Where(row => row >= 0 && row < length).Distinct();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Prefill_and_decode_equal_double_precision(int heads, int kvHeads, int headDim, int window, int length)
    {
        var shape = new AttentionShape(heads, kvHeads, headDim, window);
        var sequence = new AttentionSequence(shape, length, new Random(length + heads));
        int width = heads * headDim;
        foreach ((DType type, double tolerance) in new[] { (DType.Float32, 3e-6), (DType.Float16, 2e-3), (DType.BFloat16, 1.6e-2) })
        {
            var run = new AttentionRun(_backend, shape, type, blockSize: 16);
            float[] whole = run.Forward([(sequence, 0, length)], decode: 0)[0];
            foreach (int row in RowsToCheck(length))
                TensorData.AssertClose(sequence.Reference(row), whole.AsSpan(row * width, width), tolerance);
            float[] last = run.Forward([(sequence, length - 1, 1)], decode: 1)[0];
            TensorData.AssertClose(sequence.Reference(length - 1), last, tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Chunks_and_decode_steps_equal_the_whole_bit_for_bit(int heads, int kvHeads, int headDim, int window, int length)
    {
        var shape = new AttentionShape(heads, kvHeads, headDim, window);
        var random = new Random(length);
        var sequence = new AttentionSequence(shape, length, random);
        float[] whole = new AttentionRun(_backend, shape, DType.Float32, 16).Forward([(sequence, 0, length)], decode: 0)[0];

        int width = heads * headDim;
        var run = new AttentionRun(_backend, shape, DType.Float32, blockSize: 10);
        for (int start = 0; start < length;)
        {
            bool decode = random.Next(3) == 0;
            int count = decode ? 1 : Math.Min(length - start, 1 + random.Next(150));
            float[] part = run.Forward([(sequence, start, count)], decode ? 1 : 0)[0];
            TensorData.AssertSameBits(whole.AsSpan(start * width, count * width), part);
            start += count;
        }
    }

    [Fact]
    public void Sequences_of_a_ragged_batch_do_not_touch_each_other()
    {
        var shape = new AttentionShape(6, 2, 64, 0);
        AttentionSequence[] sequences =
            [.. new[] { 1, 40, 1500, 3, 130, 64, 77 }.Select(length => new AttentionSequence(shape, length, new Random(length)))];
        var run = new AttentionRun(_backend, shape, DType.Float32, 16);

        // The first three have all but their last token behind them; the others come in one chunk each.
        run.Forward([.. sequences[1..3].Select(s => (s, 0, s.Length - 1))], decode: 0);
        float[][] batch = run.Forward(
            [.. sequences.Select((s, i) => i < 3 ? (s, s.Length - 1, 1) : (s, 0, s.Length))], decode: 3);

        for (int i = 0; i < sequences.Length; i++)
        {
            var alone = new AttentionRun(_backend, shape, DType.Float32, 16);
            float[] whole = alone.Forward([(sequences[i], 0, sequences[i].Length)], decode: 0)[0];
            TensorData.AssertSameBits(whole.AsSpan(^batch[i].Length..), batch[i]);
        }
    }

    [Fact]
    public void Results_do_not_depend_on_the_number_of_threads()
    {
        var shape = new AttentionShape(4, 2, 32, 0);
        float[][] results = [.. new[] { 1, 2, 3 }.Select(threads =>
        {
            using var backend = new CpuBackend(threads);
            var sequence = new AttentionSequence(shape, 2500, new Random(5));
            var run = new AttentionRun(backend, shape, DType.Float32, 16);
            float[] prefill = run.Forward([(sequence, 0, 2499)], decode: 0)[0];
            return (float[])[.. prefill, .. run.Forward([(sequence, 2499, 1)], decode: 1)[0]];
        })];
        TensorData.AssertSameBits(results[0], results[1]);
        TensorData.AssertSameBits(results[0], results[2]);
    }

    [Fact]
    public void Large_scores_do_not_overflow()
    {
        var shape = new AttentionShape(2, 1, 16, 0);
        var sequence = new AttentionSequence(shape, 100, new Random(1), scale: 60);
        float[] whole = new AttentionRun(_backend, shape, DType.Float32, 16).Forward([(sequence, 0, 100)], decode: 0)[0];
        for (int row = 0; row < 100; row += 9)
            TensorData.AssertClose(sequence.Reference(row), whole.AsSpan(row * 32, 32), 2e-3);
    }

    [Fact]
    public void Stale_memory_behind_the_context_is_not_read()
    {
        var shape = new AttentionShape(2, 1, 16, 0);
        var sequence = new AttentionSequence(shape, 37, new Random(1));
        var run = new AttentionRun(_backend, shape, DType.Float32, 16);
        float[] clean = run.Forward([(sequence, 0, 37)], decode: 0)[0];
        run.PoisonCache();
        TensorData.AssertSameBits(clean, run.Forward([(sequence, 0, 37)], decode: 0)[0]);
    }

    [Fact]
    public void A_step_that_lies_outside_the_cache_is_refused()
    {
        var shape = new AttentionShape(2, 1, 16, 0);
        var sequence = new AttentionSequence(shape, 20, new Random(1));
        var run = new AttentionRun(_backend, shape, DType.Float32, 16);
        run.Forward([(sequence, 0, 20)], decode: 0);
        Assert.Throws<ArgumentException>(() => run.ForwardWith(step => _backend.Write<int>(step.Slots, [1 << 20])));
        Assert.Throws<ArgumentException>(() => run.ForwardWith(step => _backend.Write<int>(step.BlockTables, [1 << 20])));
        Assert.Throws<ArgumentException>(() => run.ForwardWith(step => _backend.Write<int>(step.ContextLengths, [1 << 20])));
        Assert.Throws<ArgumentException>(() => run.ForwardWith(step => _backend.Write<int>(step.Positions, [1 << 20])));
        Assert.Throws<ArgumentException>(() => run.ForwardWith(step => step.RowCount--));
    }
}
