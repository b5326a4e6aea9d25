namespace HShare.AI.Engine.Cache;

/// <summary>Which block holds the keys and values of which tokens: <see cref="BlockKey"/> to block number, and back.</summary>
internal sealed class PrefixIndex
{
    private readonly Dictionary<BlockKey, int> _blocks;
    private readonly BlockKey?[] _keys; // [blocks]

    /// <summary>An empty index.</summary>
    /// <param name="blockCount">Blocks in the pool.</param>
    public PrefixIndex(int blockCount)
    {
        _blocks = new Dictionary<BlockKey, int>(blockCount); // never grows
        _keys = new BlockKey?[blockCount];
    }

    /// <summary>Finds the block of a key.</summary>
    public bool TryFind(BlockKey key, out int block) => _blocks.TryGetValue(key, out block);

    /// <summary>Whether a block can be found by a key.</summary>
    public bool Holds(int block) => _keys[block] is not null;

    /// <summary>
    /// Makes a block findable. Where another block holds the same tokens already, that one stays and this one is not added.
    /// </summary>
    public void Add(BlockKey key, int block)
    {
        if (_blocks.TryAdd(key, block))
            _keys[block] = key;
    }

    /// <summary>Forgets a block, if it is here.</summary>
    public void Remove(int block)
    {
        if (_keys[block] is not { } key)
            return;

        _blocks.Remove(key);
        _keys[block] = null;
    }
}
