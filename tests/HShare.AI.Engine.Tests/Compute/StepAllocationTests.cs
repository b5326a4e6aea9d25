using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Sampling;

namespace HShare.AI.Engine.Tests.Compute;

public sealed class StepAllocationTests : IDisposable
{
    private const int Layers = 2, Hidden = 48, Intermediate = 80, Vocabulary = 100, Blocks = 64, BlockSize = 16, Prompt = 30;

    // One thread, so that the calling thread's allocations are all there are.
    private readonly CpuBackend _backend = new(1);
    private readonly Random _random = new(1);

    public void Dispose() => _backend.Dispose();

    [Theory]
    [InlineData(DType.Float32, WeightFormat.AsStored)]
    [InlineData(DType.BFloat16, WeightFormat.Int8)]
    [InlineData(DType.Float16, WeightFormat.AsStored)]
    public void A_step_allocates_nothing(DType cacheType, WeightFormat format)
    {
        Transformer transformer = CreateTransformer(format);
        var cache = new KvCache(_backend, new KvCacheShape(Layers, 2, 16, BlockSize, Blocks, cacheType));
        var step = new StepTensors(_backend, Prompt + 1, 2, Blocks);
        Tensor logits = _backend.Allocate(DType.Float32, 2, Vocabulary);
        SamplingRow[] rows = [new(SamplingParameters.Greedy, 0, null), new(SamplingParameters.Greedy, 0, null)];
        int[] tokenIds = new int[2];
        int[] positions = [0, .. Enumerable.Range(0, Prompt)];
        int[] slots = [0, .. Enumerable.Range(Blocks / 2 * BlockSize, Prompt)];
        int[] lengths = [1, Prompt];
        _backend.Write<int>(step.RowStarts, [0, 1, Prompt + 1]);
        _backend.Write<int>(step.LogitRows, [0, Prompt]);
        _backend.Write<int>(step.BlockTables, [.. Enumerable.Range(0, Blocks), .. Enumerable.Range(Blocks / 2, Blocks / 2)]);
        (step.RowCount, step.SequenceCount, step.DecodeCount, step.LogitCount) = (Prompt + 1, 2, 1, 2);

        // One sequence decodes, another is prefilled beside it.
        void Step(int position)
        {
            (positions[0], slots[0], lengths[0]) = (position, position, position + 1);
            _backend.Write<int>(step.Positions, positions);
            _backend.Write<int>(step.Slots, slots);
            _backend.Write<int>(step.ContextLengths, lengths);
            transformer.Forward(step, cache, logits);
            _backend.Sample(logits, rows, tokenIds);
        }

        for (int position = 0; position < 50; position++)
            Step(position);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int position = 50; position < 500; position++)
            Step(position);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private Transformer CreateTransformer(WeightFormat format)
    {
        var shape = new AttentionShape(4, 2, 16, 0);
        LayerWeights[] layers = [.. Enumerable.Range(0, Layers).Select(_ => new LayerWeights(
            Vector(Hidden),
            Linear(shape.QkvColumns, Hidden, format),
            new HeadNorms(Vector(16), Vector(16), 1e-5f),
            Linear(Hidden, 64, format),
            Vector(Hidden),
            Linear(2 * Intermediate, Hidden, format),
            Linear(Hidden, Intermediate, format)))];
        Tensor embedding = _backend.UploadRandom(DType.BFloat16, Vocabulary, Hidden, _random);
        var weights = new TransformerWeights(embedding, layers, Vector(Hidden), Linear(Vocabulary, Hidden, format));
        var config = new ModelConfig
        {
            Architecture = "test",
            HiddenSize = Hidden,
            IntermediateSize = Intermediate,
            LayerCount = Layers,
            HeadCount = 4,
            KvHeadCount = 2,
            HeadDim = 16,
            VocabularySize = Vocabulary,
            ContextLength = Blocks * BlockSize,
            NormEpsilon = 1e-5f,
            Rotary = new RotaryConfig(1e4, null),
            SlidingWindows = new int[Layers],
        };
        var rotary = new RotaryTable(
            _backend.UploadRandom(DType.Float32, config.ContextLength, 8, _random),
            _backend.UploadRandom(DType.Float32, config.ContextLength, 8, _random));
        return new Transformer(_backend, config, weights, rotary, Prompt + 1);
    }

    private Tensor Vector(int count) => _backend.UploadRandom(DType.Float32, 1, count, _random);

    private LinearWeight Linear(int outFeatures, int inFeatures, WeightFormat format) =>
        _backend.LoadLinear([_backend.UploadRandom(DType.BFloat16, outFeatures, inFeatures, _random)], [], format);
}
