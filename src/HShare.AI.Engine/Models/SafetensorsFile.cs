using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Models;

/// <summary>
/// One safetensors file, mapped into memory: 8 bytes of header length, the header, the data. Pages are read when they are touched,
/// so that opening a file costs no more than its header.
/// </summary>
internal sealed unsafe class SafetensorsFile : IDisposable
{
    private const int PrefixBytes = sizeof(ulong);
    private const ulong MaxHeaderBytes = 100_000_000; // the format's own limit

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _data;

    private SafetensorsFile(string path, MemoryMappedFile file, MemoryMappedViewAccessor view, long length)
    {
        Path = path;
        _file = file;
        _view = view;
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            start += view.PointerOffset;
            int headerBytes = ReadHeaderLength(path, new ReadOnlySpan<byte>(start, PrefixBytes), length);
            _data = start + PrefixBytes + headerBytes;
            ReadOnlySpan<byte> header = new(start + PrefixBytes, headerBytes);
            Tensors = SafetensorsHeader.Parse(path, header, length - PrefixBytes - headerBytes);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Path of the file.</summary>
    public string Path { get; }

    /// <summary>Its tensors by name.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors { get; }

    /// <summary>Maps a file and reads its header.</summary>
    /// <exception cref="ModelLoadException">It is missing, unreadable, or damaged.</exception>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            long length = new FileInfo(path).Length;
            if (length < PrefixBytes)
                throw new ModelLoadException(path, $"The file has {length} bytes. It is truncated, or no safetensors file.");

            var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
            return new SafetensorsFile(path, file, file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read), length);
        }
        catch (FileNotFoundException e)
        {
            throw new ModelLoadException(path, "The file is missing.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelLoadException(path, $"The file could not be read: {e.Message}", e);
        }
    }

    /// <summary>The elements of a tensor of this file, readable until the file is closed. They need not be aligned.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>, its shape checked: a vector, taken as one row, or a matrix.</param>
    /// <exception cref="ModelLoadException">Its element type is not one that weights can have.</exception>
    public Tensor View(StoredTensor tensor)
    {
        DType type = FloatType(tensor.Type)
            ?? throw new ModelLoadException(Path, $"{tensor.Name} has elements of type {tensor.Type}; supported are BF16, F16 and F32.");
        (int rows, int columns) = tensor.Shape is [long r, long c] ? ((int)r, (int)c) : (1, (int)tensor.Shape[0]);
        return new Tensor((nint)(_data + tensor.Begin), type, rows, columns);
    }

    /// <summary>Unmaps the file.</summary>
    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    private static int ReadHeaderLength(string path, ReadOnlySpan<byte> prefix, long fileLength)
    {
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > (ulong)(fileLength - PrefixBytes))
        {
            throw new ModelLoadException(
                path,
                $"The header is said to have {length} bytes, but the file has {fileLength}. It is truncated, or no safetensors file.");
        }

        return length <= MaxHeaderBytes
            ? (int)length
            : throw new ModelLoadException(path, $"The header is said to have {length} bytes; the format allows {MaxHeaderBytes}.");
    }

    private static DType? FloatType(string type) => type switch
    {
        "F32" => DType.Float32,
        "F16" => DType.Float16,
        "BF16" => DType.BFloat16,
        _ => null,
    };
}
