using System.Runtime.InteropServices;

namespace HShare.AI.Engine.Cache;

/// <summary>The cache blocks of one sequence in order: block i holds the tokens from i · block size on.</summary>
internal sealed class BlockTable
{
    private readonly List<int> _blocks = [];

    /// <summary>An empty table.</summary>
    /// <param name="blockSize">Tokens of one block.</param>
    public BlockTable(int blockSize) => BlockSize = blockSize;

    /// <summary>Tokens of one block.</summary>
    public int BlockSize { get; }

    /// <summary>The block numbers.</summary>
    public ReadOnlySpan<int> Blocks => CollectionsMarshal.AsSpan(_blocks);

    /// <summary>Tokens the blocks have room for.</summary>
    public int Capacity => _blocks.Count * BlockSize;

    /// <summary>Where the key and value of a position go: block number times block size plus offset.</summary>
    public int SlotOf(int position) => _blocks[position / BlockSize] * BlockSize + position % BlockSize;

    /// <summary>How many blocks are missing to hold so many tokens.</summary>
    public int Missing(int tokens) => Math.Max(0, (tokens + BlockSize - 1) / BlockSize - _blocks.Count);

    /// <summary>Appends a block.</summary>
    public void Add(int block) => _blocks.Add(block);

    /// <summary>Gives all blocks back to their pool, the last one first.</summary>
    public void ReleaseTo(BlockPool pool)
    {
        for (int i = _blocks.Count - 1; i >= 0; i--)
            pool.Release(_blocks[i]);
        _blocks.Clear();
    }
}
