namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>
/// Everything that a text may be in the midst of: a state of the deterministic automaton, made when a text first gets there.
/// </summary>
internal sealed class GrammarState(GrammarReading[] readings, bool isComplete) : IEquatable<GrammarState>
{
    private readonly int _hash = Hash(readings, isComplete);

    /// <summary>The readings that go on.</summary>
    public ReadOnlySpan<GrammarReading> Readings => readings;

    /// <summary>Whether the text may end here.</summary>
    public bool IsComplete => isComplete;

    /// <summary>Whether nothing goes on from here and nothing ends.</summary>
    public bool IsDead => readings.Length == 0 && !isComplete;

    /// <summary>By class of the next symbol the state behind it, or null where nobody asked yet; null as a whole at first.</summary>
    public GrammarState?[]? Next { get; set; }

    /// <summary>The tokens that may come next, [vocabulary / 32] words, or null where nobody asked yet.</summary>
    public uint[]? Mask { get; set; }

    /// <inheritdoc/>
    public bool Equals(GrammarState? other) =>
        other is not null && _hash == other._hash && IsComplete == other.IsComplete && Readings.SequenceEqual(other.Readings);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GrammarState);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;

    private static int Hash(GrammarReading[] readings, bool isComplete)
    {
        HashCode hash = default;
        hash.Add(isComplete);
        foreach (GrammarReading reading in readings)
            hash.Add(reading);
        return hash.ToHashCode();
    }
}
