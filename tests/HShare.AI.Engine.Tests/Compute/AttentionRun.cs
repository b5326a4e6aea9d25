using HShare.AI.Engine.Cache;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Tests.Compute;

/// <summary>Steps of some sequences over one paged cache layer, blocks handed out in random order; the rotation is the identity.</summary>
internal sealed class AttentionRun
{
    private const int MaxRows = 4096, MaxSequences = 8, BlockCount = 600;

    private readonly Backend _backend;
    private readonly AttentionShape _shape;
    private readonly KvLayer _cache;
    private readonly StepTensors _step;
    private readonly RotaryTable _rotary;
    private readonly Tensor _qkv;
    private readonly Tensor _attended;
    private readonly Queue<int> _freeBlocks;
    private readonly Dictionary<AttentionSequence, List<int>> _blocks = [];

    public AttentionRun(Backend backend, AttentionShape shape, DType cacheType, int blockSize)
    {
        _backend = backend;
        _shape = shape;
        _cache = new KvCache(backend, new KvCacheShape(1, shape.KvHeads, shape.HeadDim, blockSize, BlockCount, cacheType))[0];
        _step = new StepTensors(backend, MaxRows, MaxSequences, BlockCount);
        float[] ones = new float[MaxRows * shape.HeadDim / 2];
        Array.Fill(ones, 1);
        _rotary = new RotaryTable(
            backend.Upload(DType.Float32, MaxRows, shape.HeadDim / 2, ones), backend.Allocate(DType.Float32, MaxRows, shape.HeadDim / 2));
        _qkv = backend.Allocate(DType.Float32, MaxRows, shape.QkvColumns);
        _attended = backend.Allocate(DType.Float32, MaxRows, shape.Heads * shape.HeadDim);
        int[] blocks = [.. Enumerable.Range(0, BlockCount)];
        new Random(3).Shuffle(blocks);
        _freeBlocks = new Queue<int>(blocks);
    }

    /// <summary>Fills the cache with NaN, as if other sequences had left it there.</summary>
    public void PoisonCache()
    {
        foreach (Tensor tensor in new[] { _cache.Keys, _cache.Values })
        {
            float[] poison = new float[tensor.Rows * tensor.Columns];
            Array.Fill(poison, float.NaN);
            _backend.Write<float>(tensor, poison);
        }
    }

    /// <summary>Stores and attends rows [start, start + count) of each sequence and returns the attended rows of each.</summary>
    public float[][] Forward((AttentionSequence Sequence, int Start, int Count)[] parts, int decode)
    {
        List<int> positions = [], slots = [], starts = [0];
        for (int i = 0; i < parts.Length; i++)
        {
            (AttentionSequence sequence, int start, int count) = parts[i];
            if (!_blocks.TryGetValue(sequence, out List<int>? blocks))
                _blocks[sequence] = blocks = [];
            while (blocks.Count * _cache.BlockSize < start + count)
                blocks.Add(_freeBlocks.Dequeue());
            _backend.Write<float>(
                _qkv.Slice(starts[^1], count), sequence.Qkv.AsSpan(start * _shape.QkvColumns, count * _shape.QkvColumns));
            positions.AddRange(Enumerable.Range(start, count));
            slots.AddRange(Enumerable.Range(start, count).Select(
                position => blocks[position / _cache.BlockSize] * _cache.BlockSize + position % _cache.BlockSize));
            starts.Add(starts[^1] + count);
            _backend.Write<int>(_step.BlockTables.Slice(i, 1), [.. blocks]);
        }

        _step.RowCount = starts[^1];
        _step.SequenceCount = parts.Length;
        _step.DecodeCount = decode;
        _backend.Write<int>(_step.Positions, [.. positions]);
        _backend.Write<int>(_step.Slots, [.. slots]);
        _backend.Write<int>(_step.RowStarts, [.. starts]);
        _backend.Write<int>(_step.ContextLengths, [.. parts.Select(part => part.Start + part.Count)]);
        Execute();
        return [.. parts.Select((part, i) => _backend.Download(_attended.Slice(starts[i], part.Count)))];
    }

    /// <summary>Runs the last step again after a change.</summary>
    public void ForwardWith(Action<StepTensors> change)
    {
        change(_step);
        Execute();
    }

    private void Execute()
    {
        Tensor qkv = _qkv.Take(_step.RowCount), attended = _attended.Take(_step.RowCount);
        _backend.RotateAndStore(qkv, _step, _rotary, null, _shape, _cache);
        if (_step.DecodeCount > 0)
            _backend.AttendDecode(qkv, _step, new SequenceRange(0, _step.DecodeCount), _shape, _cache, attended);
        if (_step.DecodeCount < _step.SequenceCount)
            _backend.AttendPrefill(qkv, _step, _shape, _cache, attended);
    }
}
