namespace HShare.AI.Engine.Sampling;

/// <summary>How often each token occurred in a request's prompt and output.</summary>
public sealed class TokenCounts
{
    private readonly Dictionary<int, int> _counts = [];

    /// <summary>Each token seen with its count.</summary>
    public IReadOnlyDictionary<int, int> Counts => _counts;

    /// <summary>Counts one more occurrence.</summary>
    public void Add(int tokenId) =>
        System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_counts, tokenId, out _)++;
}
