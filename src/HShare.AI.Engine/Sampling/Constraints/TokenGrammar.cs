namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>
/// A grammar over a vocabulary: what <see cref="Scheduling.GenerationRequest.Constraint"/> takes. It remembers which tokens are allowed
/// where, so keep it for further requests with the same grammar. Thread-safe.
/// </summary>
public sealed class TokenGrammar
{
    /// <summary>Memory for remembered masks; beyond it the oldest are forgotten.</summary>
    private const long MaxMaskBytes = 32L << 20;

    private readonly Lock _gate = new();
    private readonly Grammar _grammar;
    private readonly TokenTrie _vocabulary;
    private readonly GrammarMatcher _matcher;
    private readonly Queue<GrammarState> _masked = new(); // states with a mask of their own

    /// <summary>Lays a vocabulary over a grammar.</summary>
    public TokenGrammar(Grammar grammar, TokenTrie vocabulary)
    {
        ArgumentNullException.ThrowIfNull(grammar);
        ArgumentNullException.ThrowIfNull(vocabulary);
        _grammar = grammar;
        _vocabulary = vocabulary;
        _matcher = new GrammarMatcher(grammar);
    }

    /// <summary>Where every text begins.</summary>
    internal GrammarState Start => _matcher.Start;

    /// <summary>Tokens of the vocabulary.</summary>
    internal int VocabularySize => _vocabulary.VocabularySize;

    /// <summary>The state behind a token; a dead one where it is not allowed.</summary>
    internal GrammarState Step(GrammarState state, int token)
    {
        lock (_gate)
        {
            for (int i = 0; i < _grammar.Tokens.Count; i++)
            {
                if (_grammar.Tokens[i] == token)
                    return _matcher.Step(state, 256 + i);
            }

            return _matcher.Step(state, _vocabulary.BytesOf(token));
        }
    }

    /// <summary>The tokens that may come next, [vocabulary / 32] words, a bit for each; not to be changed.</summary>
    internal uint[] MaskOf(GrammarState state)
    {
        lock (_gate)
            return state.Mask ??= _matcher.Representative(state) is var same && same != state ? MaskOf(same) : ComputeMask(state);
    }

    private uint[] ComputeMask(GrammarState state)
    {
        var mask = new uint[(_vocabulary.VocabularySize + 31) / 32];
        _vocabulary.Mark(_matcher, state, mask);
        for (int i = 0; i < _grammar.Tokens.Count; i++)
        {
            int token = _grammar.Tokens[i];
            if (!_matcher.Step(state, 256 + i).IsDead)
                mask[token >> 5] |= 1u << token;
        }

        _masked.Enqueue(state);
        if (_masked.Count * (long)mask.Length * sizeof(uint) > MaxMaskBytes)
            _masked.Dequeue().Mask = null;
        return mask;
    }
}
