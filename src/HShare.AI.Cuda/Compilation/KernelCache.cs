using System.Buffers.Binary;
using System.Security.Cryptography;

namespace HShare.AI.Cuda.Compilation;

/// <summary>
/// Compiled kernels in a folder, one file each, named by a hash of all that they were made from. Several processes may share the folder; it
/// may be deleted at any time. One that cannot be read or written is as good as an empty one.
/// </summary>
/// <remarks>File: "HSKERN01", length of the image (int64, little-endian), image, SHA-256 of all before it.</remarks>
internal sealed class KernelCache
{
    /// <summary>Environment variable with the folder.</summary>
    public const string Variable = "HSHARE_KERNEL_CACHE";

    private const int HeaderBytes = 16;

    /// <summary>Opens a folder; it need not exist yet.</summary>
    /// <param name="folder">The folder; null or empty = that of the environment variable, or of the user's local application data.</param>
    public KernelCache(string? folder) => Folder = string.IsNullOrEmpty(folder) ? DefaultFolder() : folder;

    /// <summary>The folder, or null where the user has no place for it.</summary>
    public string? Folder { get; }

    private static ReadOnlySpan<byte> Magic => "HSKERN01"u8;

    /// <summary>Reads an image. A damaged file is deleted.</summary>
    /// <returns>The image, or null where there is none.</returns>
    public byte[]? Read(string key)
    {
        if (Folder is null)
            return null;
        string path = PathOf(key);
        try
        {
            byte[] file = File.ReadAllBytes(path);
            if (IsWhole(file))
                return file[HeaderBytes..^SHA256.HashSizeInBytes];
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }

        return null;
    }

    /// <summary>Keeps an image, unless the folder cannot be written. Readers see the whole file or none.</summary>
    public void Write(string key, ReadOnlySpan<byte> image)
    {
        if (Folder is null)
            return;
        byte[] file = new byte[HeaderBytes + image.Length + SHA256.HashSizeInBytes];
        Magic.CopyTo(file);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(Magic.Length), image.Length);
        image.CopyTo(file.AsSpan(HeaderBytes));
        SHA256.HashData(file.AsSpan(0, HeaderBytes + image.Length), file.AsSpan(HeaderBytes + image.Length));
        string temporary = PathOf(key) + "." + Guid.NewGuid().ToString("N") + ".tmp";
        try
        {
            Directory.CreateDirectory(Folder);
            File.WriteAllBytes(temporary, file);
            File.Move(temporary, PathOf(key), overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
        }
    }

    private string PathOf(string key) => Path.Combine(Folder!, key + ".kernel");

    private static bool IsWhole(ReadOnlySpan<byte> file)
    {
        if (file.Length < HeaderBytes + SHA256.HashSizeInBytes || !file.StartsWith(Magic))
            return false;
        ReadOnlySpan<byte> content = file[..^SHA256.HashSizeInBytes];
        return BinaryPrimitives.ReadInt64LittleEndian(file[Magic.Length..]) == content.Length - HeaderBytes
            && SHA256.HashData(content).AsSpan().SequenceEqual(file[content.Length..]);
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static string? DefaultFolder()
    {
        string? named = Environment.GetEnvironmentVariable(Variable);
        if (!string.IsNullOrEmpty(named))
            return named;
        string data = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return data.Length == 0 ? null : Path.Combine(data, "HShare.AI", "kernels");
    }
}
