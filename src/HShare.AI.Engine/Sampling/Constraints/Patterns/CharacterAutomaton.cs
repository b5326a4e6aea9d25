namespace HShare.AI.Engine.Sampling.Constraints.Patterns;

/// <summary>
/// A nondeterministic automaton over characters, from state <see cref="Start"/> to <see cref="End"/>: what a pattern, a length or a set
/// of forbidden words make of a string.
/// </summary>
internal sealed class CharacterAutomaton
{
    /// <summary>States that one may have.</summary>
    public const int MaxStates = 100_000;

    private readonly List<List<(CharacterSet? Set, int Target)>> _edges = []; // without a set, an edge takes nothing

    /// <summary>An automaton without an edge.</summary>
    public CharacterAutomaton() => (Start, End) = (AddState(), AddState());

    /// <summary>Where a string begins.</summary>
    public int Start { get; }

    /// <summary>Where it may end.</summary>
    public int End { get; }

    /// <summary>States so far.</summary>
    public int StateCount => _edges.Count;

    /// <summary>Strings of so many characters.</summary>
    /// <param name="least">At least.</param>
    /// <param name="most">At most; null = any number.</param>
    public static CharacterAutomaton OfLength(int least, int? most)
    {
        var automaton = new CharacterAutomaton();
        int state = automaton.Start;
        for (int i = 0; i < (most ?? least); i++)
        {
            if (i >= least)
                automaton.AddEmpty(state, automaton.End);
            int next = automaton.AddState();
            automaton.Add(state, next, CharacterSet.All);
            state = next;
        }

        if (most is null)
            automaton.Add(state, state, CharacterSet.All);
        automaton.AddEmpty(state, automaton.End);
        return automaton;
    }

    /// <summary>Strings of at least one character that are none of some.</summary>
    public static CharacterAutomaton OfOtherThan(IEnumerable<string> words)
    {
        var automaton = new CharacterAutomaton();
        int free = automaton.AddState();
        automaton.Add(free, free, CharacterSet.All);
        automaton.AddEmpty(free, automaton.End);

        Dictionary<int, Dictionary<int, int>> children = new() { [automaton.Start] = [] }; // by state and character
        HashSet<int> forbidden = [automaton.Start];
        foreach (string word in words)
        {
            int state = automaton.Start;
            foreach (int character in word.EnumerateRunes().Select(rune => rune.Value))
            {
                if (!children[state].TryGetValue(character, out int next))
                {
                    children[state][character] = next = automaton.AddState();
                    children[next] = [];
                }

                state = next;
            }

            forbidden.Add(state);
        }

        foreach ((int state, Dictionary<int, int> next) in children)
        {
            foreach ((int character, int target) in next)
                automaton.Add(state, target, CharacterSet.Of((character, character)));
            automaton.Add(state, free, CharacterSet.Of(next.Keys.Select(character => (character, character))).Complement());
            if (!forbidden.Contains(state))
                automaton.AddEmpty(state, automaton.End);
        }

        return automaton;
    }

    /// <summary>Texts that end with the first occurrence of another.</summary>
    public static CharacterAutomaton Until(string ending)
    {
        int[] characters = [.. ending.EnumerateRunes().Select(rune => rune.Value)];
        var automaton = new CharacterAutomaton();
        int[] states = [automaton.Start, .. characters.Skip(1).Select(_ => automaton.AddState()), automaton.End];
        for (int matched = 0; matched < characters.Length; matched++)
        {
            CharacterSet others = CharacterSet.All;
            foreach (int character in characters.Distinct())
            {
                int then = Overlap([.. characters.Take(matched), character]);
                CharacterSet one = CharacterSet.Of((character, character));
                automaton.Add(states[matched], states[then], one);
                others = others.Intersect(one.Complement());
            }

            automaton.Add(states[matched], states[0], others);
        }

        return automaton;

        int Overlap(int[] text)
        {
            for (int length = Math.Min(text.Length, characters.Length); ; length--)
            {
                if (text.AsSpan()[^length..].SequenceEqual(characters.AsSpan(0, length)))
                    return length;
            }
        }
    }

    /// <summary>Adds a state.</summary>
    /// <exception cref="GrammarSizeException">There are too many.</exception>
    public int AddState()
    {
        if (_edges.Count == MaxStates)
            throw new GrammarSizeException();
        _edges.Add([]);
        return _edges.Count - 1;
    }

    /// <summary>Adds an edge that takes a character of a set.</summary>
    public void Add(int from, int to, CharacterSet set)
    {
        if (!set.IsEmpty)
            _edges[from].Add((set, to));
    }

    /// <summary>Adds an edge that takes nothing.</summary>
    public void AddEmpty(int from, int to) => _edges[from].Add((null, to));

    /// <summary>The ways out of a state; without a set, one takes nothing.</summary>
    public IReadOnlyList<(CharacterSet? Set, int Target)> EdgesOf(int state) => _edges[state];

    /// <summary>The strings of both.</summary>
    public CharacterAutomaton Intersect(CharacterAutomaton other)
    {
        var product = new CharacterAutomaton();
        Dictionary<(int, int), int> states = new() { [(Start, other.Start)] = product.Start, [(End, other.End)] = product.End };
        Queue<(int Mine, int Its)> open = new([(Start, other.Start)]);
        while (open.TryDequeue(out (int Mine, int Its) pair))
        {
            int from = states[pair];
            foreach ((CharacterSet? set, int target) in _edges[pair.Mine])
            {
                if (set is null)
                    product.AddEmpty(from, StateOf((target, pair.Its)));
                else
                    other.AddCommon(pair.Its, set, (common, its) => product.Add(from, StateOf((target, its)), common));
            }

            foreach ((CharacterSet? set, int target) in other._edges[pair.Its])
            {
                if (set is null)
                    product.AddEmpty(from, StateOf((pair.Mine, target)));
            }
        }

        return product;

        int StateOf((int, int) pair)
        {
            if (!states.TryGetValue(pair, out int state))
            {
                states[pair] = state = product.AddState();
                open.Enqueue(pair);
            }

            return state;
        }
    }

    /// <summary>Those strings that hold characters of a set only.</summary>
    public CharacterAutomaton Within(CharacterSet set)
    {
        foreach (List<(CharacterSet? Set, int Target)> edges in _edges)
        {
            for (int i = edges.Count - 1; i >= 0; i--)
            {
                CharacterSet? left = edges[i].Set?.Intersect(set);
                if (left?.IsEmpty == true)
                    edges.RemoveAt(i);
                else
                    edges[i] = edges[i] with { Set = left };
            }
        }

        return this;
    }

    /// <summary>Whether a string is one of its own.</summary>
    public bool Matches(string text)
    {
        HashSet<int> states = Closure([Start]);
        foreach (int character in text.EnumerateRunes().Select(rune => rune.Value))
        {
            states = Closure(states.SelectMany(state => _edges[state])
                .Where(edge => edge.Set?.Contains(character) == true).Select(edge => edge.Target));
        }

        return states.Contains(End);
    }

    private void AddCommon(int state, CharacterSet set, Action<CharacterSet, int> add)
    {
        foreach ((CharacterSet? its, int target) in _edges[state])
        {
            if (its?.Intersect(set) is { IsEmpty: false } common)
                add(common, target);
        }
    }

    private HashSet<int> Closure(IEnumerable<int> states)
    {
        HashSet<int> seen = [.. states];
        Stack<int> open = new(seen);
        while (open.TryPop(out int state))
        {
            foreach ((CharacterSet? set, int target) in _edges[state])
            {
                if (set is null && seen.Add(target))
                    open.Push(target);
            }
        }

        return seen;
    }
}
