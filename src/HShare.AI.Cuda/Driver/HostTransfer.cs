namespace HShare.AI.Cuda.Driver;

/// <summary>
/// Copies between pageable host memory and the device through page-locked memory. A small upload goes through a ring and returns at once;
/// a large one through two buffers in turn, of which the host fills one while the GPU empties the other.
/// </summary>
internal sealed unsafe class HostTransfer(CudaRuntime cuda) : IDisposable
{
    /// <summary>Uploads up to this size do not wait.</summary>
    public const int SmallBytes = 64 << 10;

    private const int Alignment = 256;
    private const int HalfBytes = 512 << 10;   // of the ring; a half is reused when the copies out of it are done
    private const int ChunkBytes = 16 << 20;
    private const int PieceBytes = 2 << 20;    // what one thread copies at a time: one thread alone is slower than the bus

    private readonly PinnedBuffer?[] _chunks = new PinnedBuffer?[2];
    private readonly CudaEvent?[] _chunkDone = new CudaEvent?[2];
    private readonly CudaEvent?[] _halfDone = new CudaEvent?[2];
    private PinnedBuffer? _ring;
    private PinnedBuffer? _small;
    private int _half;
    private int _used;

    /// <summary>Copies to the device in the stream's order; the source is no longer needed when the call returns.</summary>
    public void Upload(nint destination, nint source, long bytes)
    {
        if (bytes <= 0)
            return;
        if (bytes <= SmallBytes)
        {
            nint staged = Stage((int)bytes);
            Buffer.MemoryCopy((void*)source, (void*)staged, bytes, bytes);
            Send(destination, staged, bytes);
            return;
        }

        int turn = 0;
        for (long start = 0; start < bytes; start += ChunkBytes, turn ^= 1)
        {
            long count = Math.Min(ChunkBytes, bytes - start);
            nint staged = Chunk(turn);
            _chunkDone[turn]!.Wait();
            CopyByPieces(source + (nint)start, staged, count);
            Send(destination + (nint)start, staged, count);
            _chunkDone[turn]!.Record();
        }
    }

    /// <summary>Copies to the host, after all work before it.</summary>
    public void Download(nint destination, nint source, long bytes)
    {
        if (bytes <= 0)
        {
            cuda.Synchronize();
            return;
        }

        if (bytes <= SmallBytes)
        {
            _small ??= new PinnedBuffer(cuda, SmallBytes);
            Receive(_small.Address, source, bytes);
            cuda.Synchronize();
            Buffer.MemoryCopy((void*)_small.Address, (void*)destination, bytes, bytes);
            return;
        }

        int turn = 0;
        for (long start = 0; start < bytes + ChunkBytes; start += ChunkBytes, turn ^= 1)
        {
            if (start < bytes)
            {
                Receive(Chunk(turn), source + (nint)start, Math.Min(ChunkBytes, bytes - start));
                _chunkDone[turn]!.Record();
            }

            long before = start - ChunkBytes;
            if (before >= 0)
            {
                _chunkDone[turn ^ 1]!.Wait();
                CopyByPieces(Chunk(turn ^ 1), destination + (nint)before, Math.Min(ChunkBytes, bytes - before));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable? owned in (IDisposable?[])[.. _chunks, .. _chunkDone, .. _halfDone, _ring, _small])
            owned?.Dispose();
    }

    // A place in the ring. Leaving a half marks what was copied out of it; entering one waits for the mark of the last time.
    private nint Stage(int bytes)
    {
        if (_ring is null)
        {
            _halfDone[0] ??= new CudaEvent(cuda);
            _halfDone[1] ??= new CudaEvent(cuda);
            _ring = new PinnedBuffer(cuda, 2 * HalfBytes);
        }

        if (_used + bytes > HalfBytes)
        {
            _halfDone[_half]!.Record();
            _half ^= 1;
            _used = 0;
            _halfDone[_half]!.Wait();
        }

        nint place = _ring.Address + _half * HalfBytes + _used;
        _used += (bytes + Alignment - 1) & -Alignment;
        return place;
    }

    private nint Chunk(int turn)
    {
        _chunkDone[turn] ??= new CudaEvent(cuda);
        return (_chunks[turn] ??= new PinnedBuffer(cuda, ChunkBytes)).Address;
    }

    private static void CopyByPieces(nint source, nint destination, long bytes)
    {
        int pieces = (int)((bytes + PieceBytes - 1) / PieceBytes);
        if (pieces == 1)
        {
            Buffer.MemoryCopy((void*)source, (void*)destination, bytes, bytes);
            return;
        }

        Parallel.For(0, pieces, piece =>
        {
            nint start = (nint)piece * PieceBytes;
            long count = Math.Min(PieceBytes, bytes - start);
            Buffer.MemoryCopy((void*)(source + start), (void*)(destination + start), count, count);
        });
    }

    private void Send(nint destination, nint host, long bytes) => DriverStatus.Check(
        DriverApi.MemcpyHtoDAsync(destination, host, (nuint)bytes, cuda.Stream), "Copying to the GPU");

    private void Receive(nint host, nint source, long bytes) => DriverStatus.Check(
        DriverApi.MemcpyDtoHAsync(host, source, (nuint)bytes, cuda.Stream), "Copying from the GPU");
}
