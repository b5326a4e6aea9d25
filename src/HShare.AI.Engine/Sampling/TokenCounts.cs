using System.Runtime.InteropServices;

namespace HShare.AI.Engine.Sampling;

/// <summary>How often each token occurred in a request's prompt and output.</summary>
public sealed class TokenCounts
{
    private readonly Dictionary<int, int> _counts = [];

    /// <summary>Counts one more occurrence.</summary>
    public void Add(int tokenId) => CollectionsMarshal.GetValueRefOrAddDefault(_counts, tokenId, out _)++;

    /// <summary>Goes through the tokens seen with their counts, without allocating.</summary>
    public Dictionary<int, int>.Enumerator GetEnumerator() => _counts.GetEnumerator();
}
