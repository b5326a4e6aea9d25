using HShare.AI.Cuda.Operations;
using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using CpuBackend = HShare.AI.Engine.Compute.Cpu.CpuBackend;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>Attention of prompts on the GPU equals the CPU's, over the same cache, to the rounding of 16-bit elements.</summary>
public sealed class PrefillAttentionTests
{
    [Theory]
    [InlineData(4, 4, 16, 64)]
    [InlineData(4, 2, 64, 64)]
    [InlineData(8, 1, 16, 128)]
    [InlineData(4, 1, 128, 128)]
    [InlineData(3, 1, 48, 64)]
    public void A_whole_prompt_and_the_middle_of_one_equal_the_cpu(int heads, int kvHeads, int headDim, int tile)
    {
        AttentionShape shape = new(heads, kvHeads, headDim, 0);
        AssertSame(new PrefillScene(shape, new PrefillPart(0, 83), new PrefillPart(70, 33)), tile);
    }

    [Fact]
    public void Half_precision_is_eight_times_as_precise()
    {
        AttentionShape shape = new(4, 2, 64, 0);
        AssertSame(new PrefillScene(shape, new PrefillPart(0, 83), new PrefillPart(70, 33)), 64, DType.Float16);
    }

    [Fact]
    public void Ragged_chunks_leave_decode_rows_alone()
    {
        PrefillPart[] parts = [new(20, 1), new(0, 1), new(0, 1), new(64, 7), new(31, 33)];
        AssertSame(new PrefillScene(new AttentionShape(4, 2, 64, 0), parts) { DecodeCount = 2 }, 64);
    }

    [Theory]
    [InlineData(0, 64)]
    [InlineData(15, 2)]
    [InlineData(63, 1)]
    [InlineData(64, 65)]
    [InlineData(112, 16)]
    public void Chunks_that_end_at_the_borders_of_blocks_and_tiles_equal_the_cpu(int context, int rows) =>
        AssertSame(new PrefillScene(new AttentionShape(4, 2, 64, 0), new PrefillPart(context, rows)), 64);

    [Theory]
    [InlineData(10)]
    [InlineData(24)]
    [InlineData(128)]
    public void Blocks_of_any_size_are_found(int blockSize) =>
        AssertSame(new PrefillScene(new AttentionShape(4, 2, 64, 0), new PrefillPart(29, 50)) { BlockSize = blockSize }, 64);

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(64)]
    [InlineData(100)]
    public void A_sliding_window_hides_what_lies_before_it(int window) =>
        AssertSame(new PrefillScene(new AttentionShape(4, 2, 64, window), new PrefillPart(150, 70), new PrefillPart(0, 40)), 64);

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    public void Rows_are_the_same_bit_for_bit_however_a_prompt_is_cut(int window)
    {
        using CudaBackend gpu = Gpu.Backend();
        PrefillAttentionOperation operation = new(gpu.Runtime) { QueryTile = 64 };
        PrefillScene scene = new(new AttentionShape(4, 2, 64, window), new PrefillPart(0, 83)) { CacheType = gpu.ActivationType };
        ushort[] whole = new ushort[83 * 4 * 64], cut = new ushort[whole.Length];
        scene.Run(gpu, (qkv, step, cache, attended, mass) =>
        {
            operation.Run(qkv, step, scene.Shape, cache, default, mass, attended);
            gpu.Read<ushort>(attended, whole);

            // The same rows as three chunks; the cache holds all of them already.
            int[] table = new int[step.BlockTables.Columns];
            gpu.Read<int>(step.BlockTables, table);
            gpu.Write<int>(step.BlockTables, [.. table, .. table, .. table]);
            gpu.Write<int>(step.RowStarts, [0, 30, 31, 83]);
            gpu.Write<int>(step.ContextLengths, [30, 31, 83]);
            step.SequenceCount = 3;
            gpu.Write<ushort>(attended, new ushort[whole.Length]);
            operation.Run(qkv, step, scene.Shape, cache, default, mass, attended);
            gpu.Read<ushort>(attended, cut);
        });
        Assert.Equal(whole, cut);
    }

    [Theory]
    [InlineData(HeadSharing.ShareKeys, 64)]
    [InlineData(HeadSharing.ShareScores, 64)]
    [InlineData(HeadSharing.ShareScores, 128)]
    public void Followers_take_distant_keys_or_scores_from_their_leaders(HeadSharing sharing, int tile)
    {
        SharingPlan plan = SharingPlan.Independent(2, 2) with
        {
            Rules = [new(HeadSharing.Retrieve, 0, 0), new(HeadSharing.Retrieve, 0, 1), new(HeadSharing.Retrieve, 1, 0), new(sharing, 0, 1)],
        };
        PrefillPart[] parts = [new(0, 1), new(0, 130), new(140, 40), new(3, 4)];
        PrefillScene scene = new(new AttentionShape(4, 2, 64, 0), parts)
        {
            DecodeCount = 1,
            Sharing = new KeySharing(plan, Sinks: 5, Recent: 70),
        };
        AssertSame(scene, tile);
    }

    [Theory]
    [InlineData(4, 2, 64, 0)]
    [InlineData(3, 1, 16, 0)]
    [InlineData(4, 2, 64, 50)]
    public void Attention_mass_is_added_up_by_token(int heads, int kvHeads, int headDim, int window)
    {
        PrefillPart[] parts = [new(0, 1), new(0, 90), new(140, 37), new(20, 1)];
        AttentionShape shape = new(heads, kvHeads, headDim, window);
        AssertSame(new PrefillScene(shape, parts) { DecodeCount = 1, Mass = new SequenceRange(2, 2) }, 64);
    }

    [Fact]
    public void A_cache_of_8_bit_elements_equals_one_of_16_bits_that_holds_the_same()
    {
        PrefillScene scene = new(new AttentionShape(4, 2, 64, 0), new PrefillPart(0, 83), new PrefillPart(70, 33))
        {
            CacheType = DType.Float8,
            IsCoarse = true,
            Mass = new SequenceRange(0, 2),
        };
        AssertSame(scene, 64);
    }

    // Queries and weights are rounded to 8 bits in bfloat16, to 11 in float16.
    private static double LargestError(DType element) => element == DType.BFloat16 ? 1e-2 : 1.5e-3;

    private static void AssertSame(PrefillScene scene, int queryTile, DType element = DType.BFloat16)
    {
        using CudaBackend gpu = Gpu.Backend(element);
        using CpuBackend cpu = new(2);
        if (scene.CacheType != DType.Float8)
            scene = scene with { CacheType = element };
        PrefillAttentionOperation operation = new(gpu.Runtime) { QueryTile = queryTile };
        PrefillResult actual = scene.Run(gpu, (qkv, step, cache, attended, mass) =>
            operation.Run(qkv, step, scene.Shape, cache, scene.Mass, mass, attended));
        PrefillScene onCpu = scene with { CacheType = element };
        PrefillResult expected = onCpu.Run(cpu, (qkv, step, cache, attended, mass) =>
            cpu.AttendPrefill(qkv, step, scene.Shape, cache, attended, scene.Mass, mass));

        for (int layer = 0; layer < expected.Attended.Count; layer++)
            AssertRows(scene, expected.Attended[layer], actual.Attended[layer], LargestError(element));
        Assert.Equal(expected.Queries, actual.Queries);
        for (int sequence = 0; sequence < scene.Parts.Length && actual.Mass.Length > 0; sequence++)
        {
            float[] sums = expected.Mass[scene.MassOf(sequence)], found = actual.Mass[scene.MassOf(sequence)];
            bool isSummed = sequence >= scene.Mass.First && sequence < scene.Mass.End;
            Assert.InRange(Error(sums, found), 0, isSummed ? LargestError(element) / 2 : 0);
        }
    }

    [Fact]
    public void A_gpu_with_little_shared_memory_takes_the_smaller_tile()
    {
        const int OfAda = 99 << 10; // and of most of Ampere: what a block may have
        Assert.True(PrefillAttentionOperation.SharedBytes(128, 128, DType.BFloat16) > OfAda);
        Assert.True(PrefillAttentionOperation.SharedBytes(64, 128, DType.BFloat16) <= OfAda);
        Assert.True(PrefillAttentionOperation.SharedBytes(128, 128, DType.Float8) <= OfAda);
    }

    // Each head of each prefill row by itself; rows of decode sequences must be what they were.
    private static void AssertRows(PrefillScene scene, float[] expected, float[] actual, double largest)
    {
        int headDim = scene.Shape.HeadDim, decodeElements = scene.DecodeCount * scene.Shape.Heads * headDim;
        Assert.All(actual[..decodeElements], value => Assert.True(float.IsNaN(value)));
        for (int at = decodeElements; at < expected.Length; at += headDim)
        {
            double error = Error(expected.AsSpan(at, headDim), actual.AsSpan(at, headDim));
            int row = at / headDim / scene.Shape.Heads, head = at / headDim % scene.Shape.Heads;
            Assert.True(error <= 2 * largest, $"row {row}, head {head}: relative error {error:g3}");
        }

        Assert.InRange(Error(expected.AsSpan(decodeElements), actual.AsSpan(decodeElements)), 0, largest);
    }

    private static double Error(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow((double)actual[i] - expected[i], 2);
            norm += Math.Pow(expected[i], 2);
        }

        return Math.Sqrt(difference / norm);
    }
}
