using System.Runtime.InteropServices;

namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>
/// Follows texts through a grammar, all readings at once, and remembers where each step led: the deterministic automaton as far as texts
/// have gone. Not thread-safe.
/// </summary>
internal sealed class GrammarMatcher
{
    /// <summary>
    /// Readings that are followed at most. A grammar that is still more ambiguous loses some of them, and with them some texts; those that
    /// remain are texts of the grammar as before.
    /// </summary>
    private const int MaxReadings = 8192;

    /// <summary>
    /// What is remembered at most, counted in readings and steps of all states; then all is forgotten, and made again where it is needed.
    /// </summary>
    private const int MaxRemembered = 4_000_000;

    private readonly Grammar _grammar;
    private readonly Dictionary<GrammarState, GrammarState> _states = [];
    private readonly HashSet<GrammarReading> _seen = [];
    private readonly Stack<GrammarReading> _open = new();
    private readonly List<GrammarReading> _readings = [];
    private bool _complete;
    private int _remembered;

    /// <summary>A matcher at the beginning of a text.</summary>
    public GrammarMatcher(Grammar grammar)
    {
        _grammar = grammar;
        Begin();
        Follow(grammar.Start, null);
        Start = Settle();
    }

    /// <summary>Where every text begins.</summary>
    public GrammarState Start { get; }

    /// <summary>The state behind a symbol; a dead one where the symbol is not allowed.</summary>
    /// <param name="state">The state before it.</param>
    /// <param name="symbol">A byte, or 256 + the index of a token.</param>
    public GrammarState Step(GrammarState state, int symbol)
    {
        GrammarState?[] next = state.Next ??= new GrammarState?[_grammar.ClassCount];
        ref GrammarState? known = ref next[_grammar.ClassOf(symbol)];
        return known ??= Find(state, symbol);
    }

    /// <summary>The state behind several bytes.</summary>
    public GrammarState Step(GrammarState state, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
            state = Step(state, (int)value);
        return state;
    }

    /// <summary>A state that the next <see cref="GrammarBuilder.Horizon"/> bytes cannot tell from this one, the same for many.</summary>
    public GrammarState Representative(GrammarState state)
    {
        if (!_grammar.HasEquivalents)
            return state;

        Begin();
        _complete = state.IsComplete;
        foreach ((int at, GrammarStack? stack) in state.Readings)
            _readings.Add(new GrammarReading(_grammar.EquivalentOf(at), Representative(stack)));
        return Settle();
    }

    private GrammarStack? Representative(GrammarStack? stack)
    {
        if (stack is null)
            return null;
        (int at, GrammarStack? parent) = (_grammar.EquivalentOf(stack.ReturnState), Representative(stack.Parent));
        return at == stack.ReturnState && ReferenceEquals(parent, stack.Parent) ? stack : new GrammarStack(at, parent);
    }

    private GrammarState Find(GrammarState state, int symbol)
    {
        Begin();
        foreach (GrammarReading reading in state.Readings)
        {
            foreach (GrammarEdge edge in _grammar.EdgesOf(reading.State))
            {
                if (edge.Takes(symbol))
                    Follow(edge.Target, reading.Stack);
            }
        }

        return Settle();
    }

    private void Begin()
    {
        _seen.Clear();
        _readings.Clear();
        _complete = false;
    }

    /// <summary>Collects the readings from a state on, through everything that takes no symbol.</summary>
    private void Follow(int first, GrammarStack? firstStack)
    {
        _open.Push(new GrammarReading(first, firstStack));
        while (_open.TryPop(out GrammarReading reading))
        {
            (int state, GrammarStack? stack) = reading;
            if (GrammarStack.DepthOf(stack) + _grammar.DepthOf(state) > Grammar.MaxDepth || !_seen.Add(reading))
                continue;
            if (_grammar.IsEnd(state))
            {
                if (stack is null)
                    _complete = true;
                else
                    _open.Push(new GrammarReading(stack.ReturnState, stack.Parent));
                continue;
            }

            FollowEdges(reading);
        }
    }

    private void FollowEdges(GrammarReading reading)
    {
        bool consumes = false;
        ReadOnlySpan<GrammarEdge> edges = _grammar.EdgesOf(reading.State);
        for (int i = edges.Length - 1; i >= 0; i--) // the first comes off the stack first
        {
            GrammarEdge edge = edges[i];
            consumes |= edge.IsConsuming;
            if (edge.IsEmpty)
                _open.Push(reading with { State = edge.Target });
            else if (edge.IsCall && GrammarStack.DepthOf(reading.Stack) + _grammar.DepthOf(edge.Target) <= Grammar.MaxDepth)
                _open.Push(new GrammarReading(edge.Rule, new GrammarStack(edge.Target, reading.Stack)));
        }

        if (consumes && _readings.Count < MaxReadings)
            _readings.Add(reading);
    }

    private GrammarState Settle()
    {
        var state = new GrammarState([.. _readings], _complete);
        ref GrammarState? known = ref CollectionsMarshal.GetValueRefOrAddDefault(_states, state, out _);
        if (known is not null)
            return known;

        known = state;
        _remembered += _readings.Count + _grammar.ClassCount;
        if (_remembered > MaxRemembered)
            Forget(except: state);
        return state;
    }

    /// <summary>Forgets all states and steps but one; the states that are still in use are made again where they are needed.</summary>
    private void Forget(GrammarState except)
    {
        // Their steps as well, or the forgotten would keep each other alive.
        foreach (GrammarState forgotten in _states.Keys)
            (forgotten.Next, forgotten.Mask) = (null, null);
        _states.Clear();
        _states.Add(except, except);
        _remembered = 0;
    }
}
