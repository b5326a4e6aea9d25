using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace HShare.AI.Engine.Cache;

/// <summary>
/// What identifies a full cache block: a hash over its tokens, everything before them and who may share them. Half of a SHA-256,
/// because a prompt's author must not be able to forge a collision and so read along in somebody else's context.
/// </summary>
/// <param name="Value">128 bits of the hash.</param>
internal readonly record struct BlockKey(UInt128 Value)
{
    private const int KeyBytes = 16;

    /// <summary>Where the chain of blocks starts that everybody shares.</summary>
    public static BlockKey SharedRoot => default;

    /// <summary>Where the chain of blocks starts that only requests with this cache key share.</summary>
    public static BlockKey RootOf(string cacheKey) =>
        new BlockKey(UInt128.MaxValue).Chain(MemoryMarshal.AsBytes(cacheKey.AsSpan())); // no block has this parent

    /// <summary>The key of the block that follows this one.</summary>
    /// <param name="tokens">The block's tokens, as many as a block holds.</param>
    public BlockKey Next(ReadOnlySpan<int> tokens) => Chain(MemoryMarshal.AsBytes(tokens));

    private BlockKey Chain(ReadOnlySpan<byte> content)
    {
        int length = KeyBytes + content.Length;
        Span<byte> message = length <= 4096 + KeyBytes ? stackalloc byte[length] : new byte[length];
        BinaryPrimitives.WriteUInt128LittleEndian(message, Value);
        content.CopyTo(message[KeyBytes..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(message, hash);
        return new BlockKey(BinaryPrimitives.ReadUInt128LittleEndian(hash));
    }
}
