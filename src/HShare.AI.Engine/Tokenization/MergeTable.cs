using System.Numerics;
using System.Text.Json;

namespace HShare.AI.Engine.Tokenization;

/// <summary>The merges of a byte-pair encoding: which two neighbouring tokens become which third, in order of preference.</summary>
/// <remarks>
/// An open-addressing table of its own: encoding is mostly looking up pairs that are not there, and the hash of a <c>(int, int)</c> key or
/// of a <see cref="ulong"/> in a <see cref="Dictionary{TKey, TValue}"/> clusters badly on token ids.
/// </remarks>
internal sealed class MergeTable
{
    private const ulong Empty = ulong.MaxValue;

    private readonly ulong[] _pairs;
    private readonly int[] _ranks;
    private readonly int[] _results;
    private readonly int _shift;

    private MergeTable(int count)
    {
        int bits = BitOperations.Log2((uint)Math.Max(count, 1)) + 2;
        _pairs = new ulong[1 << bits];
        _pairs.AsSpan().Fill(Empty);
        _ranks = new int[1 << bits];
        _results = new int[count];
        _shift = 64 - bits;
    }

    /// <summary>
    /// Whether some merge joins a text before a <paramref name="mark"/> with the mark behind it. If none does, what a mark starts never
    /// merges with what stands before it.
    /// </summary>
    public bool Crosses(char mark, Vocabulary vocabulary)
    {
        foreach (ulong pair in _pairs)
        {
            if (pair != Empty && vocabulary.Token((int)(uint)pair)![0] == mark && vocabulary.Token((int)(pair >> 32))![^1] != mark)
                return true;
        }

        return false;
    }

    /// <summary>Reads <c>model.merges</c>. Merges that would make a special token are left out: no plain text may become one.</summary>
    public static MergeTable Read(JsonPart model, Vocabulary vocabulary)
    {
        JsonPart merges = model.Member("merges");
        merges.Expect(JsonValueKind.Array);
        MergeTable table = new(merges.Element.GetArrayLength());
        int rank = 0;
        foreach (JsonElement merge in merges.Element.EnumerateArray())
        {
            JsonPart part = new(merges.File, $"{merges.Place}[{rank}]", merge);
            (int left, int right, int result) = merge.ValueKind == JsonValueKind.Array ? Pair(part, vocabulary) : Line(part, vocabulary);
            if (!vocabulary.IsSpecial(result))
                table.Add(left, right, rank, result);
            rank++;
        }

        return table;
    }

    /// <summary>The rank of a pair (smaller goes first), or -1 if the two do not merge.</summary>
    public int Rank(int left, int right)
    {
        int slot = Slot((ulong)(uint)left << 32 | (uint)right);
        return _pairs[slot] == Empty ? -1 : _ranks[slot];
    }

    /// <summary>The token that the merge with a rank makes.</summary>
    public int Result(int rank) => _results[rank];

    private void Add(int left, int right, int rank, int result)
    {
        ulong pair = (ulong)(uint)left << 32 | (uint)right;
        int slot = Slot(pair);
        _pairs[slot] = pair;
        _ranks[slot] = rank;
        _results[rank] = result;
    }

    // Where the pair is, or the empty slot where it would be.
    private int Slot(ulong pair)
    {
        int slot = (int)(pair * 0x9E3779B97F4A7C15UL >> _shift);
        while (_pairs[slot] != pair && _pairs[slot] != Empty)
            slot = (slot + 1) & (_pairs.Length - 1);
        return slot;
    }

    private static (int Left, int Right, int Result) Pair(JsonPart part, Vocabulary vocabulary)
    {
        if (part.Element.GetArrayLength() != 2 || part.Element.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
            throw part.Damaged("is not a pair of tokens");
        string left = part.Element[0].GetString()!;
        string right = part.Element[1].GetString()!;
        return Find(left, right, vocabulary)
            ?? throw part.Damaged($"merges \"{left}\" and \"{right}\", but these or \"{left + right}\" are not in the vocabulary");
    }

    // "a b". Tokens may hold spaces themselves: the space that parts the two is one that leaves known tokens on both sides.
    private static (int Left, int Right, int Result) Line(JsonPart part, Vocabulary vocabulary)
    {
        part.Expect(JsonValueKind.String);
        string line = part.Element.GetString()!;
        for (int space = line.IndexOf(' '); space >= 0; space = line.IndexOf(' ', space + 1))
        {
            if (Find(line.AsSpan(0, space), line.AsSpan(space + 1), vocabulary) is { } merge)
                return merge;
        }

        throw part.Damaged($"is the merge \"{line}\", but its parts or what they make are not in the vocabulary");
    }

    private static (int Left, int Right, int Result)? Find(ReadOnlySpan<char> left, ReadOnlySpan<char> right, Vocabulary vocabulary)
    {
        Span<char> joined = left.Length + right.Length <= 256 ? stackalloc char[256] : new char[left.Length + right.Length];
        left.CopyTo(joined);
        right.CopyTo(joined[left.Length..]);
        return vocabulary.Find(left) is int first && vocabulary.Find(right) is int second && !left.IsEmpty && !right.IsEmpty
            && vocabulary.Find(joined[..(left.Length + right.Length)]) is int result
                ? (first, second, result)
                : null;
    }
}
