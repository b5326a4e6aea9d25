using System.Text;

namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>Puts a <see cref="Grammar"/> together.</summary>
internal sealed class GrammarBuilder
{
    /// <summary>States a grammar may have: a schema that needs more is refused.</summary>
    public const int MaxStates = 400_000;

    /// <summary>The longest token, in bytes, for which <see cref="MarkEquivalent"/> holds.</summary>
    public const int Horizon = 256;

    private readonly List<int> _lastEdges = []; // by state: its latest edge, or -1
    private readonly List<(GrammarEdge Edge, int Previous)> _edges = [];
    private readonly List<int> _equivalents = [];
    private readonly HashSet<int> _ends = [];
    private readonly List<int> _tokens = [];

    /// <summary>States so far.</summary>
    public int StateCount => _lastEdges.Count;

    /// <summary>Adds a state.</summary>
    /// <exception cref="GrammarSizeException">There are too many.</exception>
    public int AddState()
    {
        if (StateCount == MaxStates)
            throw new GrammarSizeException();
        _lastEdges.Add(-1);
        _equivalents.Add(StateCount - 1);
        return StateCount - 1;
    }

    /// <summary>Adds the first and the last state of a rule. No edge may leave the last one.</summary>
    public (int Start, int End) AddRule()
    {
        (int start, int end) = (AddState(), AddState());
        _ends.Add(end);
        return (start, end);
    }

    /// <summary>Adds an edge that takes a byte of a range.</summary>
    public void AddBytes(int from, int to, int low, int high) => Add(from, GrammarEdge.Take(low, high, to));

    /// <summary>Adds an edge that takes a byte.</summary>
    public void AddByte(int from, int to, int value) => AddBytes(from, to, value, value);

    /// <summary>Adds an edge that takes nothing.</summary>
    public void AddEmpty(int from, int to) => Add(from, GrammarEdge.Empty(to));

    /// <summary>Adds an edge through a rule.</summary>
    /// <param name="from">The state before it.</param>
    /// <param name="to">The state behind it.</param>
    /// <param name="rule">The rule's first state.</param>
    public void AddCall(int from, int to, int rule) => Add(from, GrammarEdge.Call(rule, to));

    /// <summary>Adds an edge that takes a token by its id.</summary>
    public void AddToken(int from, int to, int id)
    {
        int index = _tokens.IndexOf(id);
        if (index < 0)
        {
            index = _tokens.Count;
            _tokens.Add(id);
        }

        AddBytes(from, to, 256 + index, 256 + index);
    }

    /// <summary>Adds a way that takes a text.</summary>
    public void AddText(int from, int to, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int i = 0; i < bytes.Length; i++)
        {
            int next = i == bytes.Length - 1 ? to : AddState();
            AddByte(from, next, bytes[i]);
            from = next;
        }

        if (bytes.Length == 0)
            AddEmpty(from, to);
    }

    /// <summary>Adds ways that take one of many texts; those with a common beginning share its states.</summary>
    public void AddTexts(int from, int to, IEnumerable<string> texts)
    {
        byte[][] sorted = [.. texts.Distinct().Select(Encoding.UTF8.GetBytes)];
        Array.Sort(sorted, static (a, b) => a.AsSpan().SequenceCompareTo(b));
        List<int> path = [from]; // the states of the latest text
        byte[] latest = [];
        foreach (byte[] text in sorted)
        {
            int common = latest.AsSpan().CommonPrefixLength(text);
            path.RemoveRange(common + 1, path.Count - common - 1);
            for (int i = common; i < text.Length; i++)
            {
                path.Add(AddState());
                AddByte(path[^2], path[^1], text[i]);
            }

            AddEmpty(path[^1], to);
            latest = text;
        }
    }

    /// <summary>Says that a state takes the same texts of up to <see cref="Horizon"/> bytes as another.</summary>
    public void MarkEquivalent(int state, int other) => _equivalents[state] = other;

    /// <summary>Makes the grammar.</summary>
    /// <param name="start">The first state of the rule for the whole text.</param>
    public Grammar Build(int start)
    {
        var edges = new GrammarEdge[_edges.Count];
        var firstEdges = new int[StateCount + 1];
        for (int state = 0, count = 0; state < StateCount; state++)
        {
            int first = count;
            for (int edge = _lastEdges[state]; edge >= 0; edge = _edges[edge].Previous)
                edges[count++] = _edges[edge].Edge;
            edges.AsSpan(first..count).Reverse(); // in the order of adding
            firstEdges[state + 1] = count;
        }

        var ends = new bool[StateCount];
        foreach (int end in _ends)
            ends[end] = true;
        return new Grammar(
            start, edges, firstEdges, ends, GrammarDepths.Of(edges, firstEdges, ends), [.. _equivalents], [.. _tokens]);
    }

    private void Add(int from, GrammarEdge edge)
    {
        _edges.Add((edge, _lastEdges[from]));
        _lastEdges[from] = _edges.Count - 1;
    }
}

/// <summary>A grammar would have too many states. Caught where it is known what asked for them.</summary>
internal sealed class GrammarSizeException : Exception;
