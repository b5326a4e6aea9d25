using System.Numerics;
using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Per-head norms, rotary embedding in the half-split layout (element i turns with element i + d/2), and the write to the cache.
/// </summary>
internal sealed unsafe class RotateAndStoreOperation(WorkerPool pool) : RowOperation(pool)
{
    private Tensor _qkv;
    private int* _positions;
    private int* _slots;
    private Tensor _cosines;
    private Tensor _sines;
    private HeadNorms? _norms;
    private AttentionShape _shape;
    private KvLayer? _cache;
    private int* _proximalSlots;

    /// <summary>Runs over the rows of a step.</summary>
    public void Run(Tensor qkv, StepTensors step, RotaryTable rotary, HeadNorms? norms, AttentionShape shape, KvLayer cache)
    {
        _qkv = qkv;
        _positions = (int*)step.Positions.Address;
        _slots = (int*)step.Slots.Address;
        _cosines = rotary.Cosines;
        _sines = rotary.Sines;
        _norms = norms;
        _shape = shape;
        _cache = cache;
        _proximalSlots = (int*)step.ProximalSlots.Address;
        RunRows(step.RowCount, qkv.Columns);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        int position = _positions[row], headDim = _shape.HeadDim;
        if ((uint)position >= (uint)_cosines.Rows)
            throw new ArgumentException($"RotateAndStore: position {position} of row {row} is beyond the rotary table of {_cosines.Rows}.");
        CheckSlot(_slots[row], row, _cache!.Values);

        float* cosines = (float*)_cosines.Address + (nint)position * _cosines.Columns;
        float* sines = (float*)_sines.Address + (nint)position * _sines.Columns;
        float* q = (float*)_qkv.Address + (nint)row * _qkv.Columns;
        float* k = q + _shape.Heads * headDim;
        float* v = k + _shape.KvHeads * headDim;
        for (int head = 0; head < _shape.Heads; head++)
            NormalizeAndRotate(q + head * headDim, _norms?.Query ?? Tensor.None, cosines, sines);
        for (int head = 0; head < _shape.KvHeads; head++)
        {
            NormalizeAndRotate(k + head * headDim, _norms?.Key ?? Tensor.None, cosines, sines);
            Store(v + head * headDim, _cache.Values, head, _slots[row]);
            StoreKey(k + head * headDim, head, row);
        }
    }

    private void StoreKey(float* key, int head, int row)
    {
        int place = _cache!.KeyPlaceOf(head);
        if (_cache.Distant is { } distant && distant.IsFollower(head))
        {
            CheckSlot(_proximalSlots[row], row, distant.ProximalKeys);
            Store(key, distant.ProximalKeys, place, _proximalSlots[row]);
            return;
        }

        Store(key, _cache.Keys, place, _slots[row]);
        if (!_cache.Labels.IsNone)
            StoreLabels(key, head, place, _slots[row]);
    }

    private void StoreLabels(float* key, int head, int place, int slot)
    {
        int channels = _cache!.LabelChannels.Columns;
        int* chosen = (int*)_cache.LabelChannels.Slice(head, 1).Address;
        float* labels = stackalloc float[channels];
        for (int i = 0; i < channels; i++)
            labels[i] = key[chosen[i]];
        (int block, int offset) = Math.DivRem(slot, _cache.BlockSize);
        nint at = (
            nint)(block * _cache.Labels.RowBytes) + (nint)(place * _cache.BlockSize + offset) * channels * _cache.Labels.Type.ByteSize();
        ElementConversion.Narrow(labels, (byte*)_cache.Labels.Address + at, _cache.Labels.Type, channels);
    }

    private void Store(float* row, Tensor blocks, int place, int slot)
    {
        int headDim = _shape.HeadDim;
        (int block, int offset) = Math.DivRem(slot, _cache!.BlockSize);
        nint at = (nint)(block * blocks.RowBytes) + (nint)(place * _cache.BlockSize + offset) * headDim * blocks.Type.ByteSize();
        ElementConversion.Narrow(row, (byte*)blocks.Address + at, blocks.Type, headDim);
    }

    private void CheckSlot(int slot, int row, Tensor blocks)
    {
        if ((uint)slot >= (ulong)blocks.Rows * (ulong)_cache!.BlockSize)
            throw new ArgumentException($"RotateAndStore: slot {slot} of row {row} is not in {blocks.Rows} blocks of {_cache.BlockSize}.");
    }

    private void NormalizeAndRotate(float* head, Tensor norm, float* cosines, float* sines)
    {
        if (!norm.IsNone)
            AddRmsNormOperation.Normalize(head, (float*)norm.Address, _norms!.Epsilon, head, _shape.HeadDim);

        int half = _shape.HeadDim / 2;
        int i = 0;
        for (; i <= half - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> x = Vector.Load(head + i), y = Vector.Load(head + half + i);
            Vector<float> cosine = Vector.Load(cosines + i), sine = Vector.Load(sines + i);
            (x * cosine - y * sine).Store(head + i);
            (y * cosine + x * sine).Store(head + half + i);
        }

        for (; i < half; i++)
        {
            float x = head[i], y = head[half + i];
            head[i] = x * cosines[i] - y * sines[i];
            head[half + i] = y * cosines[i] + x * sines[i];
        }
    }
}
