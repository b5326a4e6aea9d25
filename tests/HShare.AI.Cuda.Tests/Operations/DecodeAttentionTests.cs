using HShare.AI.Cuda.Driver;
using HShare.AI.Cuda.Operations;
using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using CpuBackend = HShare.AI.Engine.Compute.Cpu.CpuBackend;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>Attention of single rows on the GPU equals the CPU's, over the same cache, to the rounding of 16-bit elements.</summary>
public sealed class DecodeAttentionTests
{
    // Tokens of sequences: one, and one more or less than a tile of 16, a cache block, a block's share of a context.
    private static readonly int[] Borders = [1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 129];

    [Theory]
    [InlineData(4, 4, 128)]
    [InlineData(8, 2, 64)]
    [InlineData(8, 1, 16)]
    [InlineData(16, 1, 80)]
    [InlineData(3, 1, 48)]
    public void All_tokens_of_ragged_sequences_are_one_softmax(int heads, int kvHeads, int headDim) =>
        AssertSame(new DecodeScene(new AttentionShape(heads, kvHeads, headDim, 0), 300, 1, 77, 160), DType.Float16);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Contexts_at_all_borders_equal_the_cpu_however_they_are_split(int slots) =>
        AssertSame(new DecodeScene(new AttentionShape(4, 2, 64, 0), Borders) { BlockSize = 32 }, DType.Float16, slots);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(8, 0)]
    [InlineData(8, 4900)]
    public void Many_splits_of_a_long_context_are_joined(int heads, int listTokens) => AssertSame(
        new DecodeScene(new AttentionShape(heads, 1, 16, 0), 5000, 700) { ListTokens = listTokens, HasMass = true },
        DType.Float16,
        slots: 1000);

    [Fact]
    public void More_sequences_than_a_warp_has_lanes_are_planned_together()
    {
        int[] contexts = [.. Enumerable.Range(0, 45).Select(i => 1 + i * 37 % 90)];
        AssertSame(new DecodeScene(new AttentionShape(1, 1, 16, 0), contexts) { Sequences = new SequenceRange(2, 41) }, DType.Float16, 50);
    }

    [Fact]
    public void Heads_of_bfloat16_equal_the_cpu() =>
        AssertSame(new DecodeScene(new AttentionShape(8, 2, 64, 0), 300, 33), DType.BFloat16);

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(50)]
    [InlineData(129)]
    public void A_sliding_window_hides_what_lies_before_it(int window) =>
        AssertSame(new DecodeScene(new AttentionShape(4, 2, 64, window), 300, 1, 50, 51) { HasMass = true }, DType.Float16, slots: 9);

    [Theory]
    [InlineData(4, 4, 128, 100)]
    [InlineData(8, 2, 64, 256)]
    [InlineData(16, 1, 16, 1500)]
    public void Sinks_chosen_tokens_and_window_are_one_softmax(int heads, int kvHeads, int headDim, int listTokens)
    {
        DecodeScene scene = new(new AttentionShape(heads, kvHeads, headDim, 0), 300, 6, 77, 160) { ListTokens = listTokens };
        AssertSame(scene, DType.Float16, slots: 30);
    }

    [Theory]
    [InlineData(10, 5)]
    [InlineData(100, 5)]
    [InlineData(299, 5)]
    [InlineData(299, 0)]
    public void A_sliding_window_hides_sinks_and_chosen_tokens(int window, int sinks)
    {
        DecodeScene scene = new(new AttentionShape(4, 2, 64, window), 300, 301, 40) { ListTokens = 150, Sinks = sinks, HasMass = true };
        AssertSame(scene, DType.Float16);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200)]
    public void Only_the_sequences_asked_for_are_attended(int listTokens)
    {
        DecodeScene scene = new(new AttentionShape(4, 2, 64, 0), 40, 300, 33, 90)
        {
            Sequences = new SequenceRange(1, 2),
            ListTokens = listTokens,
            HasMass = true,
        };
        AssertSame(scene, DType.Float16);
    }

    [Theory]
    [InlineData(8, 2, 64, 0)]
    [InlineData(16, 1, 16, 0)]
    [InlineData(4, 4, 16, 150)]
    public void Attention_that_tokens_get_is_added_up(int heads, int kvHeads, int headDim, int listTokens)
    {
        DecodeScene scene = new(new AttentionShape(heads, kvHeads, headDim, 0), 300, 17, 6) { ListTokens = listTokens, HasMass = true };
        AssertSame(scene, DType.Float16, slots: 25);
    }

    [Theory]
    [InlineData(HeadSharing.ShareKeys, 0, 4)]
    [InlineData(HeadSharing.ShareScores, 0, 4)]
    [InlineData(HeadSharing.ShareKeys, 100, 4)]
    [InlineData(HeadSharing.ShareScores, 100, 4)]
    [InlineData(HeadSharing.ShareScores, 0, 32)]
    public void Followers_take_distant_keys_or_scores_from_their_leaders(HeadSharing sharing, int listTokens, int heads)
    {
        // Head 0: layer 1 follows; head 1: layer 1 leads layer 2. So the places of their keys are not their numbers.
        SharingPlan plan = SharingPlan.Independent(3, 2) with
        {
            Rules =
            [
                new(HeadSharing.Retrieve, 0, 0), new(HeadSharing.Retrieve, 0, 1),
                new(sharing, 0, 0), new(HeadSharing.Retrieve, 1, 1),
                new(HeadSharing.Retrieve, 2, 0), new(sharing, 1, 1),
            ],
        };
        DecodeScene scene = new(new AttentionShape(heads, 2, heads == 4 ? 64 : 16, 0), 300, 6, 75, 76, 160)
        {
            Sharing = new KeySharing(plan, Sinks: 7, Recent: 69),
            ListTokens = listTokens,
            HasMass = true,
            LosesKeys = sharing == HeadSharing.ShareScores,
        };
        AssertSame(scene, DType.Float16, slots: 20);
    }

    [Theory]
    [InlineData(64, 0)]
    [InlineData(16, 0)]
    [InlineData(128, 100)]
    public void A_cache_of_8_bit_elements_equals_one_of_16_bits_that_holds_the_same(int headDim, int listTokens)
    {
        DecodeScene scene = new(new AttentionShape(4, 2, headDim, 0), 300, 6, 77)
        {
            IsCoarse = true,
            ListTokens = listTokens,
            HasMass = true,
        };
        AssertSame(scene, DType.Float16, cacheType: DType.Float8);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(150)]
    public void A_recorded_step_reads_what_the_tensors_hold_when_it_is_replayed(int listTokens)
    {
        DecodeScene first = new(new AttentionShape(4, 2, 64, 0), 400, 40, 6) { ListTokens = listTokens, HasMass = true };
        DecodeScene second = first with { Contexts = [31, 222, 399], Seed = 2 };
        using CudaBackend gpu = Gpu.Backend(DType.Float16);
        using CpuBackend cpu = new(2);
        DecodeAttentionOperation operation = new(gpu.Runtime) { Slots = 20 };
        DecodeStage stage = new(gpu, first, DType.Float16), onCpu = new(cpu, first, DType.Float16);
        void Attend() => stage.Attend((qkv, cache, selected, attended) =>
            operation.Run(qkv, stage.Step, first.Sequences, first.Shape, cache, selected, stage.Mass, attended));

        stage.Fill(first);
        Attend();
        using CudaGraph graph = gpu.Runtime.Capture(Attend);
        foreach (DecodeScene scene in new[] { second, first })
        {
            stage.Fill(scene);
            graph.Launch();
            onCpu.Fill(scene);
            AttendOnCpu(cpu, onCpu, scene);
            AssertSame(scene, onCpu, onCpu.Read(), stage.Read(), DType.Float16);
        }
    }

    private static void AssertSame(DecodeScene scene, DType element, int? slots = null, DType? cacheType = null)
    {
        using CudaBackend gpu = Gpu.Backend(element);
        using CpuBackend cpu = new(2);
        DecodeAttentionOperation operation = new(gpu.Runtime) { Slots = slots };
        DecodeStage stage = new(gpu, scene, cacheType ?? element), onCpu = new(cpu, scene, element);
        stage.Fill(scene);
        stage.Attend((qkv, cache, selected, attended) =>
            operation.Run(qkv, stage.Step, scene.Sequences, scene.Shape, cache, selected, stage.Mass, attended));
        onCpu.Fill(scene);
        AttendOnCpu(cpu, onCpu, scene);
        AssertSame(scene, onCpu, onCpu.Read(), stage.Read(), element);
    }

    private static void AttendOnCpu(CpuBackend cpu, DecodeStage stage, DecodeScene scene) =>
        stage.Attend((qkv, cache, selected, attended) =>
        {
            if (selected is null)
                cpu.AttendDecode(qkv, stage.Step, scene.Sequences, scene.Shape, cache, attended, stage.Mass);
            else
                cpu.AttendSelected(qkv, stage.Step, scene.Sequences, scene.Shape, cache, selected, attended, stage.Mass);
        });

    private static void AssertSame(DecodeScene scene, DecodeStage stage, DecodeResult expected, DecodeResult actual, DType element)
    {
        double largest = element == DType.BFloat16 ? 1.5e-2 : 2e-3;
        int headDim = scene.Shape.HeadDim, width = scene.Shape.Heads * headDim;
        for (int layer = 0; layer < expected.Attended.Count; layer++)
        {
            for (int at = 0; at < expected.Attended[layer].Length; at += headDim)
            {
                Span<float> left = expected.Attended[layer].AsSpan(at, headDim), found = actual.Attended[layer].AsSpan(at, headDim);
                bool isAttended = at / width >= scene.Sequences.First && at / width < scene.Sequences.End;
                string place = $"layer {layer}, sequence {at / width}, head {at % width / headDim}";
                if (!isAttended)
                    Assert.True(found.IndexOfAnyExcept(float.NaN) < 0, $"{place} was written to");
                else
                    Assert.True(Error(left, found) <= largest, $"{place}: relative error {Error(left, found):g3}");
            }
        }

        for (int sequence = 0; sequence < scene.Contexts.Length && actual.Mass.Length > 0; sequence++)
        {
            double error = Error(expected.Mass[stage.MassOf(sequence)], actual.Mass[stage.MassOf(sequence)]);
            bool isAttended = sequence >= scene.Sequences.First && sequence < scene.Sequences.End;
            Assert.True(error <= (isAttended ? 2 * largest : 0), $"mass of sequence {sequence}: relative error {error:g3}");
        }
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
