using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>Queries, and all that a step writes to the cache, equal the CPU's to the rounding of the cache's type.</summary>
public sealed class RotateAndStoreTests : IDisposable
{
    private const int BlockSize = 32, TableColumns = 3, Positions = 90, Channels = 5;
    private const double QueryError = 1e-6;

    private readonly CpuBackend _cpu = new(1);

    public void Dispose() => _cpu.Dispose();

    [Theory]
    [InlineData(4, 2, 64, DType.BFloat16, false)]
    [InlineData(4, 4, 128, DType.BFloat16, true)]
    [InlineData(2, 1, 16, DType.Float16, true)]
    [InlineData(3, 1, 48, DType.Float16, false)]
    [InlineData(4, 2, 64, DType.Float8, true)]
    public void Everything_that_is_written_equals_the_cpu(int heads, int kvHeads, int headDim, DType cacheType, bool withNorms)
    {
        using CudaBackend backend = Gpu.Backend(cacheType == DType.Float16 ? DType.Float16 : DType.BFloat16);
        Scene scene = new(new AttentionShape(heads, kvHeads, headDim, 0), withNorms, Sharing: null);
        AssertSame(scene.Run(_cpu, cacheType == DType.Float8 ? DType.Float32 : cacheType), scene.Run(backend, cacheType), cacheType);
    }

    [Fact]
    public void Heads_that_keep_proximal_keys_only_write_to_their_own_blocks()
    {
        using CudaBackend backend = Gpu.Backend();
        SharingPlan independent = SharingPlan.Independent(2, 2);
        SharingPlan plan = independent with
        {
            Rules = [independent[0, 0], independent[0, 1], new HeadRule(HeadSharing.ShareKeys, 0, 0), independent[1, 1]],
        };
        Scene scene = new(new AttentionShape(4, 2, 64, 0), WithNorms: false, new KeySharing(plan, Sinks: 4, Recent: 8));
        AssertSame(scene.Run(_cpu, DType.BFloat16), scene.Run(backend, DType.BFloat16), DType.BFloat16);
    }

    [Fact]
    public void Rows_without_a_place_are_not_stored_and_lose_their_queries()
    {
        using CudaBackend backend = Gpu.Backend();
        AttentionShape shape = new(2, 1, 64, 0);
        KvLayer cache = new KvCache(backend, new KvCacheShape(1, 1, 64, BlockSize, 2, DType.BFloat16))[0];
        StepTensors step = new(backend, 3, 3, 2) { RowCount = 3, SequenceCount = 3, DecodeCount = 3 };
        backend.Write<int>(step.Positions, [Positions, 3, 4]);
        backend.Write<int>(step.Slots, [0, 2 * BlockSize, -1]);
        Tensor angles = backend.Upload(DType.Float32, Positions, 32, new Random(1).Floats(Positions * 32));
        Tensor qkv = backend.Upload(DType.Float32, 3, shape.QkvColumns, new Random(2).Floats(3 * shape.QkvColumns));
        backend.RotateAndStore(qkv, step, new RotaryTable(angles, angles), null, shape, cache);
        Assert.All(backend.Download(qkv).Chunk(shape.QkvColumns), row => Assert.All(row[..128], value => Assert.True(float.IsNaN(value))));
        Assert.All([.. backend.Download(cache.Keys), .. backend.Download(cache.Values)], value => Assert.Equal(0, value));
    }

    private static void AssertSame(Written expected, Written actual, DType type)
    {
        double error = type switch { DType.BFloat16 => 1e-3, DType.Float16 => 2e-4, _ => 4e-2 };
        TensorBits.AssertClose(expected.Queries, actual.Queries, QueryError);
        TensorBits.AssertClose(expected.Keys, actual.Keys, error);
        TensorBits.AssertClose(expected.Values, actual.Values, error);
        TensorBits.AssertClose(expected.Labels, actual.Labels, error);
        TensorBits.AssertClose(expected.Bounds, actual.Bounds, error);
        TensorBits.AssertClose(expected.ProximalKeys, actual.ProximalKeys, error);
    }

    /// <summary>What a step leaves; NaN where nothing was ever written.</summary>
    private sealed record Written(
        float[] Queries, float[] Keys, float[] Values, float[] Labels, float[] Bounds, float[] ProximalKeys);

    /// <summary>Two sequences that decode, one at the start of a page, and a chunk of a prompt over pages and blocks.</summary>
    private sealed record Scene(AttentionShape Shape, bool WithNorms, KeySharing? Sharing)
    {
        private static readonly (int First, int Count)[] Chunks = [(37, 1), (48, 1), (13, 40)];

        public Written Run(Backend backend, DType cacheType)
        {
            Random random = new(3);
            int rows = Chunks.Sum(chunk => chunk.Count), headDim = Shape.HeadDim, layers = Sharing is null ? 1 : 2;
            int[] blocks = [.. Enumerable.Range(1, Chunks.Length * TableColumns)];
            random.Shuffle(blocks);
            KvCacheShape cacheShape = new(layers, Shape.KvHeads, headDim, BlockSize, blocks.Length + 1, cacheType)
            {
                HasPageBounds = true,
                LabelChannels = [.. Enumerable.Range(0, layers * Shape.KvHeads).Select(
                    _ => (int[])[.. Enumerable.Range(0, Channels).Select(_ => random.Next(headDim))])],
                KeySharing = Sharing,
                ProximalBlockCount = Sharing is null ? 0 : blocks.Length + 1,
            };
            Tensor places = Sharing is null ? Tensor.None : backend.Allocate(DType.Float32, rows, Shape.Heads * headDim);
            KvCache whole = new(backend, cacheShape, places);
            KvLayer cache = whole[layers - 1];
            StepTensors step = Describe(backend, blocks, rows);
            Tensor qkv = backend.Upload(DType.Float32, rows, Shape.QkvColumns, random.Floats(rows * Shape.QkvColumns, 3));
            RotaryTable rotary = new(Angles(backend, random), Angles(backend, random));
            HeadNorms norms = new(Norm(backend, random), Norm(backend, random), 1e-6f);
            Tensor[] written = [cache.Values, cache.Keys, cache.Labels, cache.PageBounds, cache.Distant?.ProximalKeys ?? Tensor.None];
            foreach (Tensor tensor in written.Where(tensor => !tensor.IsNone))
                backend.Poison(tensor);
            FillKeys(backend, cache.Keys, blocks, random);

            backend.RotateAndStore(qkv, step, rotary, WithNorms ? norms : null, Shape, cache);

            float[] queries = [.. backend.Download(qkv).Chunk(Shape.QkvColumns).SelectMany(row => row[..(Shape.Heads * headDim)])];
            float[][] values = [.. written.Select(tensor => tensor.IsNone ? [] : backend.Download(tensor))];
            return new Written(queries, values[1], values[0], values[2], values[3], values[4]);
        }

        private StepTensors Describe(Backend backend, int[] blocks, int rows)
        {
            StepTensors step = new(backend, rows + 2, Chunks.Length + 1, TableColumns, Sharing is not null)
            {
                RowCount = rows,
                SequenceCount = Chunks.Length,
                DecodeCount = 2,
            };
            List<int> positions = [], slots = [], starts = [0];
            for (int i = 0; i < Chunks.Length; i++)
            {
                (int first, int count) = Chunks[i];
                positions.AddRange(Enumerable.Range(first, count));
                slots.AddRange(Enumerable.Range(first, count).Select(position => Slot(blocks, i, position)));
                starts.Add(positions.Count);
                backend.Write<int>(step.BlockTables.Slice(i, 1), blocks.AsSpan(i * TableColumns, TableColumns));
            }

            backend.Write<int>(step.Positions, [.. positions]);
            backend.Write<int>(step.Slots, [.. slots]);
            backend.Write<int>(step.RowStarts, [.. starts]);
            backend.Write<int>(step.ContextLengths, [.. Chunks.Select(chunk => chunk.First + chunk.Count)]);
            if (Sharing is not null)
                backend.Write<int>(step.ProximalSlots, [.. slots.Select(slot => slot ^ 1)]);
            return step;
        }

        // Keys of the tokens before the step.
        private void FillKeys(Backend backend, Tensor keys, int[] blocks, Random random)
        {
            float[] values = backend.Download(keys);
            int headDim = Shape.HeadDim, keeping = keys.Columns / BlockSize / headDim;
            for (int i = 0; i < Chunks.Length; i++)
            {
                for (int token = 0; token < Chunks[i].First; token++)
                {
                    int slot = Slot(blocks, i, token);
                    for (int head = 0; head < keeping; head++)
                    {
                        int at = ((slot / BlockSize * keeping + head) * BlockSize + slot % BlockSize) * headDim;
                        random.Floats(headDim, 2).Rounded(DType.Float8).CopyTo(values, at);
                    }
                }
            }

            backend.Write<byte>(keys, TensorBits.Encode(values, keys.Type));
        }

        private static int Slot(int[] blocks, int sequence, int position) =>
            blocks[sequence * TableColumns + position / BlockSize] * BlockSize + position % BlockSize;

        private Tensor Angles(Backend backend, Random random) =>
            backend.Upload(DType.Float32, Positions, Shape.HeadDim / 2, random.Floats(Positions * Shape.HeadDim / 2));

        private Tensor Norm(Backend backend, Random random) =>
            backend.Upload(DType.Float32, 1, Shape.HeadDim, random.Floats(Shape.HeadDim));
    }
}
