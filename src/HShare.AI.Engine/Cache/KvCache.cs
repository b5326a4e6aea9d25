using HShare.AI.Engine.Compute;

namespace HShare.AI.Engine.Cache;

/// <summary>Sizes of a paged KV cache.</summary>
/// <param name="Layers">Transformer layers.</param>
/// <param name="KvHeads">Key/value heads of a layer.</param>
/// <param name="HeadDim">Elements of one head.</param>
/// <param name="BlockSize">Tokens of one block.</param>
/// <param name="BlockCount">Blocks in the pool.</param>
/// <param name="Type">float32, float16 or bfloat16.</param>
public sealed record KvCacheShape(int Layers, int KvHeads, int HeadDim, int BlockSize, int BlockCount, DType Type)
{
    /// <summary>Bytes of keys and values that one token takes over all layers.</summary>
    public long BytesPerToken => 2L * Layers * KvHeads * HeadDim * Type.ByteSize();

    /// <summary>Bytes of the whole pool.</summary>
    public long ByteCount => BytesPerToken * BlockSize * BlockCount;
}

/// <summary>
/// One layer's keys and values. Each row is one block [kv_heads, block_size, head_dim]: a head's tokens lie behind each other,
/// so that a scan over a block is one stream and a single token's key is one short row.
/// </summary>
/// <param name="Keys">[blocks, kv_heads * block_size * head_dim], rotated.</param>
/// <param name="Values">[blocks, kv_heads * block_size * head_dim].</param>
/// <param name="BlockSize">Tokens of one block.</param>
public sealed record KvLayer(Tensor Keys, Tensor Values, int BlockSize);

/// <summary>The memory of a paged KV cache: the same block numbers in every layer.</summary>
public sealed class KvCache
{
    private readonly KvLayer[] _layers;

    /// <summary>Allocates the pool.</summary>
    /// <exception cref="InsufficientMemoryException">The backend has no room for it.</exception>
    public KvCache(Backend backend, KvCacheShape shape)
    {
        Shape = shape;
        int columns = shape.KvHeads * shape.BlockSize * shape.HeadDim;
        _layers = new KvLayer[shape.Layers];
        for (int i = 0; i < _layers.Length; i++)
        {
            Tensor keys = backend.Allocate(shape.Type, shape.BlockCount, columns);
            Tensor values = backend.Allocate(shape.Type, shape.BlockCount, columns);
            _layers[i] = new KvLayer(keys, values, shape.BlockSize);
        }
    }

    /// <summary>Its sizes.</summary>
    public KvCacheShape Shape { get; }

    /// <summary>The keys and values of a layer.</summary>
    public KvLayer this[int layer] => _layers[layer];
}
