namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>
/// A recursive transition network over bytes: states and edges, some of which call rules, so that a text may nest. Immutable, and without
/// a vocabulary; <see cref="TokenGrammar"/> lays one over it.
/// </summary>
public sealed class Grammar
{
    /// <summary>How deep calls of rules may nest; so no JSON text nests deeper than System.Text.Json reads by default.</summary>
    internal const int MaxDepth = 64;

    /// <summary>The depth of a state from which no end can be reached.</summary>
    internal const int Endless = MaxDepth + 1;

    private readonly GrammarEdge[] _edges;
    private readonly int[] _firstEdges;  // [states + 1]
    private readonly bool[] _ends;       // [states]
    private readonly int[] _depths;      // [states]
    private readonly int[] _equivalents; // [states]
    private readonly int[] _classes;     // [256 + tokens]

    internal Grammar(
        int start, GrammarEdge[] edges, int[] firstEdges, bool[] ends, int[] depths, int[] equivalents, IReadOnlyList<int> tokens)
    {
        Start = start;
        _edges = edges;
        _firstEdges = firstEdges;
        _ends = ends;
        _depths = depths;
        _equivalents = equivalents;
        HasEquivalents = equivalents.Index().Any(entry => entry.Index != entry.Item);
        Tokens = tokens;
        _classes = Classes(edges, 256 + tokens.Count);
        ClassCount = _classes.Max() + 1;
    }

    /// <summary>Compiles a description.</summary>
    /// <exception cref="NotSupportedException">
    /// A JSON schema or a pattern asks for what cannot be enforced while a text is written, or is too large; the message names the keyword
    /// and where it stands.
    /// </exception>
    /// <exception cref="ArgumentException">A JSON schema is damaged, or no value satisfies it.</exception>
    public static Grammar Compile(GrammarPart part)
    {
        ArgumentNullException.ThrowIfNull(part);
        var builder = new GrammarBuilder();
        var compiler = new PartCompiler(builder);
        (int start, int end) = builder.AddRule();
        compiler.Emit(start, end, part);
        Grammar grammar = builder.Build(start);
        if (grammar.DepthOf(start) > MaxDepth)
            throw compiler.Unsatisfiable();
        return grammar;
    }

    /// <summary>Where a text begins.</summary>
    internal int Start { get; }

    /// <summary>States of all rules.</summary>
    internal int StateCount => _ends.Length;

    /// <summary>The ids of the tokens that are symbols of their own: symbol 256 + i is the token [i].</summary>
    internal IReadOnlyList<int> Tokens { get; }

    /// <summary>How many classes there are of symbols that no edge tells apart.</summary>
    internal int ClassCount { get; }

    /// <summary>The class of a symbol.</summary>
    internal int ClassOf(int symbol) => _classes[symbol];

    /// <summary>The ways out of a state.</summary>
    internal ReadOnlySpan<GrammarEdge> EdgesOf(int state) => _edges.AsSpan(_firstEdges[state].._firstEdges[state + 1]);

    /// <summary>Whether a state ends its rule.</summary>
    internal bool IsEnd(int state) => _ends[state];

    /// <summary>How deep calls must nest at least on the way from a state to the end of its rule.</summary>
    internal int DepthOf(int state) => _depths[state];

    /// <summary>Whether <see cref="EquivalentOf"/> is another state for some.</summary>
    internal bool HasEquivalents { get; }

    /// <summary>
    /// A state that the next <see cref="GrammarBuilder.Horizon"/> bytes cannot tell from this one: what counts far-off limits looks alike
    /// until one of them comes near.
    /// </summary>
    internal int EquivalentOf(int state) => _equivalents[state];

    private static int[] Classes(GrammarEdge[] edges, int symbols)
    {
        var begins = new bool[symbols + 1];
        foreach (GrammarEdge edge in edges)
        {
            if (edge.IsConsuming)
                begins[edge.Low] = begins[edge.High + 1] = true;
        }

        var classes = new int[symbols];
        for (int symbol = 1; symbol < symbols; symbol++)
            classes[symbol] = classes[symbol - 1] + (begins[symbol] || symbol >= 256 ? 1 : 0);
        return classes;
    }
}
