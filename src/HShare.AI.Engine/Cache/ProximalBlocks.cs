using System.Runtime.InteropServices;

namespace HShare.AI.Engine.Cache;

/// <summary>
/// The blocks that hold one sequence's proximal keys (PoD): those with its first tokens and those with its most recent ones. What leaves
/// the window is
/// given back, but stays findable until somebody takes it, so that a prompt's end can be gone on from.
/// </summary>
internal sealed class ProximalBlocks
{
    private const int GivenBack = -1;

    private readonly List<int> _blocks = []; // by place in the sequence
    private readonly BlockPool _pool;
    private readonly KeySharing _sharing;
    private readonly int _blockSize;
    private int _firstRecent; // blocks before this one hold sinks, or were given back

    /// <summary>No blocks yet.</summary>
    public ProximalBlocks(BlockPool pool, KeySharing sharing, int blockSize)
    {
        _pool = pool;
        _sharing = sharing;
        _blockSize = blockSize;
        _firstRecent = SinkBlocks;
    }

    /// <summary>Blocks held.</summary>
    public int HeldCount => _blocks.Count(block => block != GivenBack);

    private int SinkBlocks => _sharing.SinkBlocks(_blockSize);

    /// <summary>Where the key of a position goes: block number times block size plus offset.</summary>
    public int SlotOf(int position) => _blocks[position / _blockSize] * _blockSize + position % _blockSize;

    /// <summary>Writes the block numbers by place; those given back are written as 0, whose keys are finite, and masked.</summary>
    public void CopyTo(Span<int> table)
    {
        for (int i = 0; i < _blocks.Count; i++)
            table[i] = Math.Max(0, _blocks[i]);
    }

    /// <summary>Blocks by place that were ever taken.</summary>
    public int Count => _blocks.Count;

    /// <summary>Takes blocks until so many tokens have room.</summary>
    public void Grow(int tokens)
    {
        while (_blocks.Count * _blockSize < tokens)
            _blocks.Add(_pool.Take());
    }

    /// <summary>Gives back blocks that no query from a position on sees.</summary>
    /// <param name="position">The next query's position.</param>
    public void Trim(int position)
    {
        int first = Math.Max(SinkBlocks, (position - _sharing.Recent + 1) / _blockSize);
        for (; _firstRecent < Math.Min(first, _blocks.Count); _firstRecent++)
        {
            if (_blocks[_firstRecent] == GivenBack)
                continue;
            _pool.Release(_blocks[_firstRecent]);
            _blocks[_firstRecent] = GivenBack;
        }
    }

    /// <summary>Makes the block at a place findable, if it is held.</summary>
    public void Publish(int place, BlockKey key)
    {
        if (_blocks[place] != GivenBack)
            _pool.Publish(_blocks[place], key);
    }

    /// <summary>Whether a sequence can go on behind a cached prefix of so many blocks: sinks and recent tokens are still there.</summary>
    /// <param name="count">Blocks of the prefix.</param>
    /// <param name="keyOf">Keys of its blocks.</param>
    public bool CanAdopt(int count, Func<int, BlockKey> keyOf)
    {
        for (int place = 0; place < count; place++)
        {
            if (IsNeeded(place, count) && place >= _blocks.Count && !_pool.TryFind(keyOf(place), out _))
                return false;
        }

        return true;
    }

    /// <summary>Takes the needed blocks of a cached prefix of so many blocks as the next ones.</summary>
    /// <inheritdoc cref="CanAdopt"/>
    public void Adopt(int count, Func<int, BlockKey> keyOf)
    {
        for (int place = _blocks.Count; place < count; place++)
        {
            if (!IsNeeded(place, count))
            {
                _blocks.Add(GivenBack);
                continue;
            }

            _pool.TryFind(keyOf(place), out int block);
            _pool.Share(block);
            _blocks.Add(block);
        }

        Trim(count * _blockSize);
    }

    /// <summary>Gives all blocks back.</summary>
    public void Release()
    {
        for (int place = _blocks.Count - 1; place >= 0; place--) // the sinks last: without them nothing of the prefix is of use
        {
            if (_blocks[place] != GivenBack)
                _pool.Release(_blocks[place]);
        }

        _blocks.Clear();
        _firstRecent = SinkBlocks;
    }

    /// <summary>Makes all blocks unfindable: what they hold is not to be trusted.</summary>
    public void Unpublish()
    {
        foreach (int block in CollectionsMarshal.AsSpan(_blocks))
        {
            if (block != GivenBack)
                _pool.Unpublish(block);
        }
    }

    private bool IsNeeded(int place, int count) =>
        place < SinkBlocks || place >= (count * _blockSize - _sharing.Recent + 1) / _blockSize;
}
