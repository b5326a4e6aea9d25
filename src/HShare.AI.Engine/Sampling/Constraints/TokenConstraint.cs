namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>How far one request has come in its grammar. What has been generated moves it, whatever becomes of the cache.</summary>
internal sealed class TokenConstraint
{
    private readonly TokenGrammar _grammar;
    private readonly int[] _stopIds;
    private readonly uint[] _mask; // [vocabulary / 32]
    private GrammarState _state;

    /// <summary>A constraint at the beginning of the output.</summary>
    /// <param name="grammar">What the output must be.</param>
    /// <param name="stopIds">The tokens that end it; allowed where it is complete, and nowhere else.</param>
    public TokenConstraint(TokenGrammar grammar, int[] stopIds)
    {
        _grammar = grammar;
        _stopIds = stopIds;
        _mask = new uint[(Math.Max(grammar.VocabularySize, stopIds.Max() + 1) + 31) / 32];
        _state = grammar.Start;
    }

    /// <summary>Whether the output may end here.</summary>
    public bool IsComplete => _state.IsComplete;

    /// <summary>Whether no token is allowed at all.</summary>
    public bool IsStuck => !Allowed().AsSpan().ContainsAnyExcept(0u);

    /// <summary>The tokens that may come next, a bit for each; valid until the next call.</summary>
    public uint[] Allowed()
    {
        _mask.AsSpan().Clear();
        _grammar.MaskOf(_state).CopyTo(_mask.AsSpan());
        foreach (int id in _stopIds)
        {
            uint bit = 1u << id;
            _mask[id >> 5] = _state.IsComplete ? _mask[id >> 5] | bit : _mask[id >> 5] & ~bit;
        }

        return _mask;
    }

    /// <summary>Moves on behind a token that was allowed and does not end the output.</summary>
    public void Advance(int token) => _state = _grammar.Step(_state, token);
}
