namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// Scores of query rows on the tokens they read, left by one attention for another: by a leader for its followers (PoD), or for the
/// attention
/// mass that is worked out once a row's maximum and sum are known.
/// </summary>
/// <param name="from">Where the first row's scores are taken from, instead of being computed; null = they are computed.</param>
/// <param name="to">Where they are left; null = nowhere.</param>
/// <param name="stride">Floats from one row to the next.</param>
internal readonly unsafe struct ScoreExchange(float* from, float* to, int stride)
{
    /// <summary>Where the first row's scores are taken from; null = they are computed.</summary>
    public float* From { get; } = from;

    /// <summary>Whether scores are neither taken nor left.</summary>
    public bool IsNone => From is null && to is null;

    /// <summary>Takes or leaves one row's scores on a tile.</summary>
    /// <param name="row">The row.</param>
    /// <param name="start">The tile's first place.</param>
    /// <param name="first">First column of the tile that the row sees.</param>
    /// <param name="end">Column behind the last one.</param>
    /// <param name="scores">The row's scores on the tile.</param>
    public void Exchange(int row, int start, int first, int end, float* scores)
    {
        if (first >= end)
            return;

        nint at = (nint)row * stride + start + first;
        int bytes = (end - first) * sizeof(float);
        if (From is not null)
            Buffer.MemoryCopy(From + at, scores + first, bytes, bytes);
        if (to is not null)
            Buffer.MemoryCopy(scores + first, to + at, bytes, bytes);
    }
}
