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
    private Tensor _keys;
    private Tensor _values;
    private int _blockSize;

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
        _keys = cache.Keys;
        _values = cache.Values;
        _blockSize = cache.BlockSize;
        RunRows(step.RowCount, qkv.Columns);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        int position = _positions[row], slot = _slots[row], headDim = _shape.HeadDim;
        if ((uint)position >= (uint)_cosines.Rows)
            throw new ArgumentException($"RotateAndStore: position {position} of row {row} is beyond the rotary table of {_cosines.Rows}.");
        if ((uint)slot >= (ulong)_keys.Rows * (ulong)_blockSize)
            throw new ArgumentException($"RotateAndStore: slot {slot} of row {row} is not in {_keys.Rows} blocks of {_blockSize}.");

        float* cosines = (float*)_cosines.Address + (nint)position * _cosines.Columns;
        float* sines = (float*)_sines.Address + (nint)position * _sines.Columns;
        float* q = (float*)_qkv.Address + (nint)row * _qkv.Columns;
        float* k = q + _shape.Heads * headDim;
        float* v = k + _shape.KvHeads * headDim;
        for (int head = 0; head < _shape.Heads; head++)
            NormalizeAndRotate(q + head * headDim, _norms?.Query ?? Tensor.None, cosines, sines);
        (int block, int offset) = Math.DivRem(slot, _blockSize);
        for (int head = 0; head < _shape.KvHeads; head++)
        {
            NormalizeAndRotate(k + head * headDim, _norms?.Key ?? Tensor.None, cosines, sines);
            nint at = (nint)(block * _keys.RowBytes) + (nint)(head * _blockSize + offset) * headDim * _keys.Type.ByteSize();
            ElementConversion.Narrow(k + head * headDim, (byte*)_keys.Address + at, _keys.Type, headDim);
            ElementConversion.Narrow(v + head * headDim, (byte*)_values.Address + at, _values.Type, headDim);
        }
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
