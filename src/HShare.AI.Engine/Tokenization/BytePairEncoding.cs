using System.Buffers;
using System.Text;

namespace HShare.AI.Engine.Tokenization;

/// <summary>
/// Encodes words by merging neighbouring tokens, the preferred pair first, until no pair merges. A word starts as its bytes (byte-level
/// vocabularies) or as its characters, those unknown as byte tokens <c>&lt;0xE2&gt;</c> or as the unknown token. Thread-safe.
/// </summary>
/// <remarks>
/// What can be written in none of these ways is left out, as everywhere with such a vocabulary: it has no token at all for it.
/// </remarks>
internal sealed class BytePairEncoding
{
    // U+2581, with which SentencePiece writes a space.
    private const char SpaceMark = '\u2581';

    private const int None = -1;

    private readonly Vocabulary _vocabulary;
    private readonly MergeTable _merges;
    private readonly WordCache _cache = new();
    private readonly int[] _byteIds;
    private readonly bool _byteLevel;
    private readonly bool _wholeWordsFirst;
    private readonly bool _fuseUnknown;
    private readonly bool _marksStartWords;
    private readonly int _unknown = None;

    /// <summary>Reads <c>model</c>.</summary>
    /// <param name="model">The part.</param>
    /// <param name="vocabulary">Its tokens, and the added ones.</param>
    /// <param name="byteLevel">Whether the vocabulary is written in <see cref="ByteAlphabet"/>.</param>
    public BytePairEncoding(JsonPart model, Vocabulary vocabulary, bool byteLevel)
    {
        foreach (string name in (ReadOnlySpan<string>)["dropout", "continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (model.Optional(name) is { } option && option.Element.ToString() is not ("" or "0" or "0.0"))
                throw option.Unsupported($"the value {option.Element}");
        }

        _vocabulary = vocabulary;
        _byteLevel = byteLevel;
        _merges = MergeTable.Read(model, vocabulary);
        _wholeWordsFirst = model.Flag("ignore_merges");
        _fuseUnknown = model.Flag("fuse_unk");
        if (model.Optional("unk_token") is not null)
            _unknown = vocabulary.Find(model.Text("unk_token")) ?? throw model.Member("unk_token").Damaged("is not in the vocabulary");
        _byteIds = ByteIds(vocabulary, byteLevel, model.Flag("byte_fallback"));

        // Without a pre-tokenizer a whole text is one word. Where no merge reaches over the border before a mark, its parts merge alike
        // alone, and then the cache helps.
        _marksStartWords = !byteLevel && !_wholeWordsFirst && vocabulary.Find([SpaceMark]) is not null
            && !_merges.Crosses(SpaceMark, vocabulary);
    }

    private struct Symbol
    {
        public int Id;
        public int Previous;
        public int Next;
    }

    /// <summary>Encodes a word and adds its ids to <paramref name="ids"/>.</summary>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (_marksStartWords)
        {
            for (int at = 1; at < word.Length; at++)
            {
                if (word[at] == SpaceMark && word[at - 1] != SpaceMark)
                {
                    EncodeWord(word[..at], ids);
                    word = word[at..];
                    at = 0;
                }
            }
        }

        EncodeWord(word, ids);
    }

    private void EncodeWord(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.IsEmpty)
            return;
        if (!_cache.TryGet(word, out int[]? known))
        {
            int before = ids.Count;
            Merge(word, ids);
            _cache.Add(word, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ids)[before..]);
        }
        else
        {
            ids.AddRange(known);
        }
    }

    private void Merge(ReadOnlySpan<char> word, List<int> ids)
    {
        if (_wholeWordsFirst && WholeWord(word) is int whole)
        {
            ids.Add(whole);
            return;
        }

        Symbol[]? rented = null;
        int most = Encoding.UTF8.GetMaxByteCount(word.Length);
        Span<Symbol> symbols = most <= 256 ? stackalloc Symbol[256] : rented = ArrayPool<Symbol>.Shared.Rent(most);
        symbols = symbols[..(_byteLevel ? SplitBytes(word, symbols) : SplitCharacters(word, symbols))];
        MergeSymbols(symbols);
        for (int at = 0; at < symbols.Length && at != None; at = symbols[at].Next)
            ids.Add(symbols[at].Id);
        if (rented is not null)
            ArrayPool<Symbol>.Shared.Return(rented);
    }

    private void MergeSymbols(Span<Symbol> symbols)
    {
        // Ordered by rank, then by place. An entry is stale if its place holds another pair by now.
        PriorityQueue<(int Rank, int Place), ulong> queue = new();
        for (int at = 0; at < symbols.Length; at++)
        {
            symbols[at].Previous = at - 1;
            symbols[at].Next = at + 1 < symbols.Length ? at + 1 : None;
            Propose(symbols, at, queue);
        }

        while (queue.TryDequeue(out (int Rank, int Place) best, out _))
        {
            ref Symbol left = ref symbols[best.Place];
            if (left.Id == None || left.Next == None || _merges.Rank(left.Id, symbols[left.Next].Id) != best.Rank)
                continue;
            ref Symbol right = ref symbols[left.Next];
            left.Id = _merges.Result(best.Rank);
            left.Next = right.Next;
            right.Id = None;
            if (left.Next != None)
            {
                symbols[left.Next].Previous = best.Place;
                Propose(symbols, best.Place, queue);
            }

            if (left.Previous != None)
                Propose(symbols, left.Previous, queue);
        }
    }

    private void Propose(Span<Symbol> symbols, int place, PriorityQueue<(int Rank, int Place), ulong> queue)
    {
        int next = symbols[place].Next;
        int rank = next == None ? -1 : _merges.Rank(symbols[place].Id, symbols[next].Id);
        if (rank >= 0)
            queue.Enqueue((rank, place), (ulong)rank << 32 | (uint)place);
    }

    private int SplitBytes(ReadOnlySpan<char> word, Span<Symbol> symbols)
    {
        int count = 0;
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in word.EnumerateRunes())
        {
            foreach (byte value in utf8[..rune.EncodeToUtf8(utf8)])
            {
                int id = _byteIds[value] != None ? _byteIds[value] : _unknown;
                bool fused = id == _unknown && _fuseUnknown && count > 0 && symbols[count - 1].Id == _unknown;
                if (id != None && !fused)
                    symbols[count++].Id = id;
            }
        }

        return count;
    }

    private int SplitCharacters(ReadOnlySpan<char> word, Span<Symbol> symbols)
    {
        int count = 0;
        Span<char> utf16 = stackalloc char[2];
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in word.EnumerateRunes())
        {
            if (_vocabulary.Find(utf16[..rune.EncodeToUtf16(utf16)]) is int id)
            {
                symbols[count++].Id = id;
                continue;
            }

            ReadOnlySpan<byte> bytes = utf8[..rune.EncodeToUtf8(utf8)];
            if (HasAll(bytes))
            {
                foreach (byte value in bytes)
                    symbols[count++].Id = _byteIds[value];
            }
            else if (_unknown != None && !(_fuseUnknown && count > 0 && symbols[count - 1].Id == _unknown))
            {
                symbols[count++].Id = _unknown;
            }
        }

        return count;
    }

    private bool HasAll(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            if (_byteIds[value] == None)
                return false;
        }

        return true;
    }

    // A special token is no word: a user's text must not become one.
    private int? WholeWord(ReadOnlySpan<char> word)
    {
        if (!_byteLevel)
            return _vocabulary.Find(word) is int token && !_vocabulary.IsSpecial(token) ? token : null;
        int most = Encoding.UTF8.GetMaxByteCount(word.Length);
        Span<byte> bytes = most <= 512 ? stackalloc byte[512] : new byte[most];
        Span<char> characters = most <= 512 ? stackalloc char[512] : new char[most];
        int count = Encoding.UTF8.GetBytes(word, bytes);
        for (int i = 0; i < count; i++)
            characters[i] = ByteAlphabet.Character(bytes[i]);
        return _vocabulary.Find(characters[..count]) is int id && !_vocabulary.IsSpecial(id) ? id : null;
    }

    private static int[] ByteIds(Vocabulary vocabulary, bool byteLevel, bool byteFallback)
    {
        int[] ids = new int[256];
        for (int value = 0; value < ids.Length; value++)
        {
            ids[value] = byteLevel ? vocabulary.Find([ByteAlphabet.Character((byte)value)]) ?? None
                : byteFallback ? vocabulary.Find($"<0x{value:X2}>") ?? None
                : None;
        }

        return ids;
    }
}
