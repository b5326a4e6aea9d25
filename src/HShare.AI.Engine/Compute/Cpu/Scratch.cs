namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>Working memory of one thread or one operation. It grows to the largest request ever made and is reused from then on.</summary>
internal sealed unsafe class Scratch : IDisposable
{
    private AlignedMemory? _memory;

    /// <summary>Room for so many floats; what it holds is undefined.</summary>
    public float* Reserve(long count)
    {
        long byteCount = count * sizeof(float);
        if (_memory is null || _memory.ByteCount < byteCount)
        {
            _memory?.Dispose();
            _memory = null;
            _memory = new AlignedMemory((UInt128)byteCount);
        }

        return (float*)_memory.Address;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory?.Dispose();
}
