using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace HShare.AI.Engine.Tokenization;

/// <summary>Remembers how words were encoded; a bounded number of them. Thread-safe.</summary>
internal sealed class WordCache
{
    private const int MaxWords = 1 << 16;

    // Longer words hardly come twice, and the bound on words is meant as a bound on memory.
    private const int MaxLength = 64;

    private ConcurrentDictionary<string, int[]> _words = new(StringComparer.Ordinal);
    private int _count;

    /// <summary>Looks a word up.</summary>
    public bool TryGet(ReadOnlySpan<char> word, [NotNullWhen(true)] out int[]? ids)
    {
        ids = null;
        return word.Length <= MaxLength && Volatile.Read(ref _words).GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(word, out ids);
    }

    /// <summary>Remembers a word; when there are too many, all earlier ones are forgotten.</summary>
    public void Add(ReadOnlySpan<char> word, ReadOnlySpan<int> ids)
    {
        if (word.Length > MaxLength)
            return;
        if (Interlocked.Increment(ref _count) > MaxWords)
        {
            Volatile.Write(ref _words, new(StringComparer.Ordinal));
            Volatile.Write(ref _count, 0);
        }

        Volatile.Read(ref _words).TryAdd(word.ToString(), ids.ToArray());
    }
}
