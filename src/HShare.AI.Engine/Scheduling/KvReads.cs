namespace HShare.AI.Engine.Scheduling;

/// <summary>What decode steps have read of the KV cache.</summary>
/// <param name="Steps">Decode steps.</param>
/// <param name="Bytes">Bytes of keys and values read, selection included.</param>
/// <param name="FullBytes">Bytes that full attention would have read.</param>
/// <param name="Tokens">Tokens read by each head, summed over the steps.</param>
/// <param name="Refreshes">Steps in which the leaders chose anew.</param>
public readonly record struct KvReads(long Steps, long Bytes, long FullBytes, long Tokens, long Refreshes)
{
    /// <summary>Bytes read as a share of what full attention would have read; 1 where nothing was read.</summary>
    public double Ratio => FullBytes == 0 ? 1 : (double)Bytes / FullBytes;

    /// <summary>Both together.</summary>
    public static KvReads operator +(KvReads a, KvReads b) => new(
        a.Steps + b.Steps, a.Bytes + b.Bytes, a.FullBytes + b.FullBytes, a.Tokens + b.Tokens, a.Refreshes + b.Refreshes);
}
