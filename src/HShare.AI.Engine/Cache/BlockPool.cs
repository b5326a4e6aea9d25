namespace HShare.AI.Engine.Cache;

/// <summary>
/// Who uses which block of the KV cache: reference counts, and one list of the free blocks in the order they are taken again.
/// Free blocks that hold nothing findable stand in front; those that still hold a prefix stand behind them, longest unused first.
/// Knows block numbers only, neither tensors nor sequences.
/// </summary>
internal sealed class BlockPool
{
    private readonly PrefixIndex _index;
    private readonly int[] _references; // [blocks]: how many sequences use each
    private readonly int[] _next;       // [blocks + 1]: doubly linked list of the free blocks,
    private readonly int[] _previous;   // [blocks + 1]: closed to a ring by one extra entry, the anchor
    private readonly int _anchor;

    /// <summary>A pool whose blocks are all free.</summary>
    public BlockPool(int blockCount)
    {
        _index = new PrefixIndex(blockCount);
        _references = new int[blockCount];
        _next = new int[blockCount + 1];
        _previous = new int[blockCount + 1];
        _anchor = blockCount;
        _next[_anchor] = _previous[_anchor] = _anchor;
        for (int block = 0; block < blockCount; block++)
            LinkBefore(_anchor, block);
    }

    /// <summary>Blocks in the pool.</summary>
    public int Count => _references.Length;

    /// <summary>Blocks no sequence uses.</summary>
    public int FreeCount { get; private set; }

    /// <summary>Free blocks that still hold a findable prefix.</summary>
    public int CachedCount { get; private set; }

    /// <summary>How many sequences use a block.</summary>
    public int ReferencesTo(int block) => _references[block];

    /// <summary>Takes a free block for one sequence; a prefix it held is forgotten.</summary>
    /// <exception cref="InvalidOperationException">None is free.</exception>
    public int Take()
    {
        int block = _next[_anchor];
        if (block == _anchor)
            throw new InvalidOperationException("No cache block is free.");

        Unlink(block);
        _index.Remove(block);
        _references[block] = 1;
        return block;
    }

    /// <summary>Finds the block that holds a prefix, used or free.</summary>
    public bool TryFind(BlockKey key, out int block) => _index.TryFind(key, out block);

    /// <summary>Lets one more sequence use a block that was found by its key.</summary>
    public void Share(int block)
    {
        if (_references[block]++ == 0)
            Unlink(block);
    }

    /// <summary>Makes a full block findable.</summary>
    public void Publish(int block, BlockKey key) => _index.Add(key, block);

    /// <summary>Makes a block that is in use unfindable again.</summary>
    public void Unpublish(int block) => _index.Remove(block);

    /// <summary>
    /// Ends one sequence's use of a block. Release a sequence's blocks last one first: the end of a prefix is worth least.
    /// </summary>
    public void Release(int block)
    {
        if (--_references[block] > 0)
            return;

        LinkBefore(_index.Holds(block) ? _anchor : _next[_anchor], block);
    }

    private void LinkBefore(int successor, int block)
    {
        int predecessor = _previous[successor];
        _next[predecessor] = _previous[successor] = block;
        _previous[block] = predecessor;
        _next[block] = successor;
        FreeCount++;
        if (_index.Holds(block))
            CachedCount++;
    }

    private void Unlink(int block)
    {
        _next[_previous[block]] = _next[block];
        _previous[_next[block]] = _previous[block];
        FreeCount--;
        if (_index.Holds(block))
            CachedCount--;
    }
}
