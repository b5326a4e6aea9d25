using System.Runtime.Intrinsics;
using HShare.AI.Engine.Cache;

namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>Where one KV head's keys and values of a sequence lie: which blocks, which part of each, and which tokens are read.</summary>
internal readonly unsafe struct KeyValueSource
{
    private readonly TokenRows _keys;
    private readonly TokenRows _values;
    private readonly ReadList _list;

    private KeyValueSource(TokenRows keys, TokenRows values, ReadList list, DType type)
    {
        _keys = keys;
        _values = values;
        _list = list;
        Type = type;
    }

    /// <summary>Element type of keys and values.</summary>
    public DType Type { get; }

    /// <summary>Tokens that can be read.</summary>
    public int Count => _list.Count;

    /// <summary>A head's own keys and values. Of a follower (PoD) these are the proximal ones.</summary>
    public static KeyValueSource Own(KvLayer cache, AttentionShape shape, int kvHead, StepTensors step, int sequence, ReadList list)
    {
        int* table = (int*)step.BlockTables.Slice(sequence, 1).Address;
        TokenRows values = new(cache.Values, kvHead, cache.BlockSize, shape.HeadDim, table);
        if (cache.Distant is { } distant && distant.IsFollower(kvHead))
        {
            int* proximal = (int*)step.ProximalTables.Slice(sequence, 1).Address;
            TokenRows keys = new(distant.ProximalKeys, distant.KeyPlaces[kvHead], cache.BlockSize, shape.HeadDim, proximal);
            return new KeyValueSource(keys, values, list, cache.Values.Type);
        }

        return new KeyValueSource(
            new TokenRows(cache.Keys, cache.KeyPlaceOf(kvHead), cache.BlockSize, shape.HeadDim, table), values, list, cache.Values.Type);
    }

    /// <summary>A follower's distant tokens (PoD): its leader's keys, its own values.</summary>
    public static KeyValueSource Shared(KvLayer cache, AttentionShape shape, int kvHead, StepTensors step, int sequence, ReadList list)
    {
        int* table = (int*)step.BlockTables.Slice(sequence, 1).Address;
        KvLayer leader = cache.Distant!.Leaders[kvHead]!;
        return new KeyValueSource(
            new TokenRows(leader.Keys, leader.KeyPlaceOf(kvHead), cache.BlockSize, shape.HeadDim, table),
            new TokenRows(cache.Values, kvHead, cache.BlockSize, shape.HeadDim, table),
            list,
            cache.Values.Type);
    }

    /// <summary>Addresses of the keys and values at some successive places of the list.</summary>
    public void Locate(int place, int count, byte** keys, byte** values)
    {
        for (int run; count > 0; place += run, count -= run, keys += run, values += run)
        {
            run = _list.RunAt(place, count, out int token);
            _keys.Locate(token, run, keys);
            _values.Locate(token, run, values);
        }
    }

    // One head's rows in the blocks of a sequence.
    private readonly struct TokenRows
    {
        private readonly byte* _head;
        private readonly long _blockBytes;
        private readonly int* _table;
        private readonly int _rowBytes;
        private readonly int _blockSize;

        public TokenRows(Tensor blocks, int place, int blockSize, int headDim, int* table)
        {
            _rowBytes = headDim * blocks.Type.ByteSize();
            _head = (byte*)blocks.Address + (nint)place * blockSize * _rowBytes;
            _blockBytes = blocks.RowBytes;
            _blockSize = blockSize;
            _table = table;
        }

        // Block by block, four addresses at a time.
        public void Locate(int token, int count, byte** addresses)
        {
            Vector256<long> steps = Vector256.Create(0L, 1, 2, 3) * _rowBytes;
            while (count > 0)
            {
                (int block, int offset) = Math.DivRem(token, _blockSize);
                int run = Math.Min(count, _blockSize - offset), i = 0;
                byte* address = _head + _table[block] * _blockBytes + (nint)offset * _rowBytes;
                for (; i <= run - 4; i += 4, address += 4 * _rowBytes)
                    (Vector256.Create((long)address) + steps).Store((long*)(addresses + i));
                for (; i < run; i++, address += _rowBytes)
                    addresses[i] = address;
                token += run;
                count -= run;
                addresses += run;
            }
        }
    }
}
