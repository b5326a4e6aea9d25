using HShare.AI.Cuda.Tests.Testing;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Cuda.Tests.Operations;

/// <summary>
/// Bounds that follow a sequence's newest key, in steps of decode rows only, are bit for bit those of all keys of the page.
/// </summary>
public sealed class PageBoundsTests
{
    private const int BlockSize = 32, BlocksOfSequence = 3, Sequences = 3, Positions = BlockSize * BlocksOfSequence;

    // Where prompts end: nothing before, within a page, at the end of a block.
    private static readonly int[] Prompts = [0, 21, 32];

    [Theory]
    [InlineData(2, 128, DType.BFloat16)]
    [InlineData(1, 48, DType.Float16)]
    [InlineData(2, 64, DType.Float8)]
    public void Pages_are_opened_and_widened_as_if_looked_at_again(int kvHeads, int headDim, DType cacheType)
    {
        Compare(kvHeads, headDim, cacheType, sharing: null, scale: 3);
    }

    [Fact]
    public void Keys_that_are_no_numbers_or_zeros_of_both_signs_bound_as_if_looked_at_again()
    {
        Compare(1, 64, DType.BFloat16, sharing: null, scale: 0);
    }

    [Fact]
    public void Heads_that_keep_proximal_keys_only_have_no_bounds()
    {
        SharingPlan independent = SharingPlan.Independent(2, 2);
        SharingPlan plan = independent with
        {
            Rules = [independent[0, 0], independent[0, 1], new HeadRule(HeadSharing.ShareKeys, 0, 0), independent[1, 1]],
        };
        Compare(2, 64, DType.BFloat16, new KeySharing(plan, Sinks: 4, Recent: 8), scale: 3);
    }

    // The same prompts and 20 steps twice: as decode rows, and as prompts of one token, whose pages are looked at as a whole.
    private static void Compare(int kvHeads, int headDim, DType cacheType, KeySharing? sharing, float scale)
    {
        using CudaBackend backend = Gpu.Backend(cacheType == DType.Float16 ? DType.Float16 : DType.BFloat16);
        Decoder followed = new(backend, kvHeads, headDim, cacheType, sharing, scale);
        Decoder whole = new(backend, kvHeads, headDim, cacheType, sharing, scale);
        followed.Read(Prompts);
        whole.Read(Prompts);
        for (int step = 0; step < 20; step++)
        {
            followed.Decode(asPrompts: false);
            whole.Decode(asPrompts: true);
            Assert.Equal(whole.Bounds(), followed.Bounds());
        }
    }

    private sealed class Decoder
    {
        private readonly CudaBackend _backend;
        private readonly AttentionShape _shape;
        private readonly KvLayer _cache;
        private readonly StepTensors _step;
        private readonly RotaryTable _rotary;
        private readonly Random _random = new(31);
        private readonly int[] _lengths = new int[Sequences];
        private readonly float _scale;

        public Decoder(CudaBackend backend, int kvHeads, int headDim, DType cacheType, KeySharing? sharing, float scale)
        {
            _backend = backend;
            _scale = scale;
            _shape = new AttentionShape(2 * kvHeads, kvHeads, headDim, 0);
            int blocks = Sequences * BlocksOfSequence, layers = sharing is null ? 1 : 2;
            KvCacheShape shape = new(layers, kvHeads, headDim, BlockSize, blocks, cacheType)
            {
                HasPageBounds = true,
                KeySharing = sharing,
                ProximalBlockCount = sharing is null ? 0 : blocks,
            };
            Tensor places = sharing is null ? Tensor.None : backend.Allocate(DType.Float32, Positions, _shape.Heads * headDim);
            _cache = new KvCache(backend, shape, places)[layers - 1];
            _step = new StepTensors(backend, Positions, Sequences, BlocksOfSequence, sharing is not null);
            _rotary = new RotaryTable(Angles(headDim), Angles(headDim));

            // What the blocks' owners before have left there.
            Tensor bounds = _cache.PageBounds;
            backend.Write<byte>(bounds, TensorBits.Encode(_random.Floats(bounds.Rows * bounds.Columns, 100), bounds.Type));
        }

        public void Read(int[] prompts) => Run(prompts, isDecode: false);

        public void Decode(bool asPrompts) => Run([.. Enumerable.Repeat(1, Sequences)], !asPrompts);

        public byte[] Bounds()
        {
            byte[] bytes = new byte[_cache.PageBounds.ByteCount];
            _backend.Read<byte>(_cache.PageBounds, bytes);
            return bytes;
        }

        private void Run(int[] counts, bool isDecode)
        {
            List<int> positions = [], slots = [];
            for (int i = 0; i < Sequences; i++)
            {
                for (int end = _lengths[i] + counts[i]; _lengths[i] < end; _lengths[i]++)
                {
                    positions.Add(_lengths[i]);
                    slots.Add(i * Positions + _lengths[i]);
                }
            }

            int rows = positions.Count;
            _step.RowCount = rows;
            _step.SequenceCount = counts.Count(count => count > 0);
            _step.DecodeCount = isDecode ? rows : 0;
            _backend.Write<int>(_step.Positions, [.. positions]);
            _backend.Write<int>(_step.Slots, [.. slots]);
            if (!_step.ProximalSlots.IsNone)
                _backend.Write<int>(_step.ProximalSlots, [.. slots]);
            float[] values = _random.Floats(rows * _shape.QkvColumns, _scale);
            if (_scale == 0)
                values = [.. values.Select(_ => _random.Next(3) switch { 0 => 0f, 1 => -0f, _ => float.NaN })];
            Tensor qkv = _backend.Upload(DType.Float32, rows, _shape.QkvColumns, values);
            _backend.RotateAndStore(qkv, _step, _rotary, null, _shape, _cache);
        }

        private Tensor Angles(int headDim) =>
            _backend.Upload(DType.Float32, Positions, headDim / 2, _random.Floats(Positions * headDim / 2));
    }
}
