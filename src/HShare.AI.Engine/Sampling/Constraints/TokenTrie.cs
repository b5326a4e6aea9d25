using HShare.AI.Engine.Tokenization;

namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>
/// The tokens of a vocabulary by their bytes: a tree in which those with a common beginning share its nodes, so that one walk tells which
/// of them a grammar allows. Added tokens are in no tree. Immutable.
/// </summary>
public sealed class TokenTrie
{
    private readonly byte[] _bytes;  // of all tokens, one behind the other
    private readonly int[] _starts;  // [vocabulary + 1]
    private readonly byte[] _labels; // [nodes], each before those below it
    private readonly byte[] _depths; // [nodes]: bytes up to and with the node's
    private readonly int[] _ends;    // [nodes]: the node behind all that are below
    private readonly int[] _firstTokens; // [nodes + 1], into _tokens
    private readonly int[] _tokens;  // ids, by node

    /// <summary>Makes the tree.</summary>
    /// <param name="tokens">By id the bytes that each token adds to a text; empty for one that no grammar may use.</param>
    public TokenTrie(IReadOnlyList<ReadOnlyMemory<byte>> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        _starts = new int[tokens.Count + 1];
        for (int id = 0; id < tokens.Count; id++)
            _starts[id + 1] = _starts[id] + tokens[id].Length;
        _bytes = new byte[_starts[^1]];
        for (int id = 0; id < tokens.Count; id++)
            tokens[id].CopyTo(_bytes.AsMemory(_starts[id]));

        // A longer token than a byte can count is left out: white space or dashes in a row, which shorter ones write as well.
        _tokens = [.. Enumerable.Range(0, tokens.Count).Where(id => BytesOf(id).Length is > 0 and <= byte.MaxValue)];
        Array.Sort(_tokens, (a, b) => BytesOf(a).SequenceCompareTo(BytesOf(b)) is var order and not 0 ? order : a.CompareTo(b));
        (_labels, _depths, _ends, _firstTokens) = Build();
    }

    /// <summary>One more than the largest id.</summary>
    public int VocabularySize => _starts.Length - 1;

    /// <summary>The tree of a tokenizer's vocabulary.</summary>
    public static TokenTrie Of(Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return new TokenTrie([.. Enumerable.Range(0, tokenizer.VocabularySize).Select(
            id => tokenizer.IsAdded(id) ? ReadOnlyMemory<byte>.Empty : tokenizer.BytesOf(id).ToArray())]);
    }

    /// <summary>The bytes of a token; none where no grammar may use it.</summary>
    internal ReadOnlySpan<byte> BytesOf(int id) => _bytes.AsSpan(_starts[id].._starts[id + 1]);

    /// <summary>Marks the tokens whose bytes a grammar allows behind a state.</summary>
    /// <param name="matcher">Follows the grammar.</param>
    /// <param name="start">The state.</param>
    /// <param name="mask">[vocabulary / 32] words, a bit for each token; those allowed are set.</param>
    internal void Mark(GrammarMatcher matcher, GrammarState start, Span<uint> mask)
    {
        var path = new GrammarState[byte.MaxValue + 1]; // by depth
        path[0] = start;
        for (int node = 0; node < _labels.Length;)
        {
            int depth = _depths[node];
            GrammarState state = matcher.Step(path[depth - 1], (int)_labels[node]);
            if (state.IsDead)
            {
                node = _ends[node];
                continue;
            }

            path[depth] = state;
            for (int i = _firstTokens[node]; i < _firstTokens[node + 1]; i++)
                mask[_tokens[i] >> 5] |= 1u << _tokens[i];
            node++;
        }
    }

    private (byte[] Labels, byte[] Depths, int[] Ends, int[] FirstTokens) Build()
    {
        List<byte> labels = [], depths = [];
        List<int> ends = [], firstTokens = [], path = []; // path: the nodes of the latest token
        ReadOnlySpan<byte> latest = [];
        for (int i = 0; i < _tokens.Length; i++)
        {
            ReadOnlySpan<byte> bytes = BytesOf(_tokens[i]);
            Leave(latest.CommonPrefixLength(bytes));
            while (path.Count < bytes.Length)
            {
                path.Add(labels.Count);
                labels.Add(bytes[path.Count - 1]);
                depths.Add((byte)path.Count);
                ends.Add(0);
                firstTokens.Add(i);
            }

            latest = bytes;
        }

        Leave(0);
        firstTokens.Add(_tokens.Length);
        return ([.. labels], [.. depths], [.. ends], [.. firstTokens]);

        void Leave(int depth)
        {
            foreach (int node in path[depth..])
                ends[node] = labels.Count;
            path.RemoveRange(depth, path.Count - depth);
        }
    }
}
