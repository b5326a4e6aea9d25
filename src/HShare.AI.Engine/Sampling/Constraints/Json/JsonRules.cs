using HShare.AI.Engine.Sampling.Constraints.Patterns;

namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>The parts of JSON that schemas share: strings, numbers and the white space between.</summary>
internal sealed class JsonRules
{
    /// <summary>Digits of an integer, and before the point of a number: all of them fit in 64 bits.</summary>
    public const int MaxIntegerDigits = 18;

    private readonly GrammarBuilder _builder;
    private readonly CharacterRules _inString;
    private readonly CharacterRules _inKey;
    private readonly Dictionary<string, int> _rules = []; // first states by what they are for

    /// <summary>The parts for one grammar; each is added when it is first used.</summary>
    public JsonRules(GrammarBuilder builder)
    {
        _builder = builder;
        _inString = new CharacterRules(builder, inJson: true);
        _inKey = new CharacterRules(builder, inJson: false);
    }

    /// <summary>Adds a colon and, perhaps, a space.</summary>
    public void AddColon(int from, int to) => AddSeparator(from, to, ':');

    /// <summary>Adds a comma and, perhaps, a space.</summary>
    public void AddComma(int from, int to) => AddSeparator(from, to, ',');

    /// <summary>Adds any string.</summary>
    public void AddString(int from, int to) => Call(from, to, "string", (begin, end) =>
    {
        int inside = _builder.AddState();
        _builder.AddByte(begin, inside, '"');
        _inString.Add(inside, inside, CharacterSet.All);
        _builder.AddByte(inside, end, '"');
    });

    /// <summary>Adds strings of an automaton.</summary>
    public void AddString(int from, int to, CharacterAutomaton automaton)
    {
        int begin = _builder.AddState(), end = _builder.AddState();
        _builder.AddByte(from, begin, '"');
        _inString.Add(begin, end, automaton);
        _builder.AddByte(end, to, '"');
    }

    /// <summary>Adds strings of so many characters.</summary>
    /// <param name="from">The state before them.</param>
    /// <param name="to">The state behind them.</param>
    /// <param name="least">Characters at least.</param>
    /// <param name="most">Characters at most; null = any number.</param>
    public void AddString(int from, int to, int least, int? most)
    {
        int length = most ?? least;
        var states = new int[length + 1];
        for (int i = 0; i <= length; i++)
        {
            states[i] = _builder.AddState();
            if (i > 0)
                _inString.Add(states[i - 1], states[i], CharacterSet.All);
            if (i >= least)
                _builder.AddByte(states[i], to, '"');
        }

        if (most is null)
            _inString.Add(states[^1], states[^1], CharacterSet.All);
        MarkEquivalents(states, 0, least, most);
        _builder.AddByte(from, states[0], '"');
    }

    /// <summary>Adds the key of a property that is none of some, with nothing in it that needs an escape.</summary>
    public void AddOtherKey(int from, int to, IEnumerable<string> names)
    {
        int begin = _builder.AddState(), end = _builder.AddState();
        _builder.AddByte(from, begin, '"');
        _inKey.Add(begin, end, CharacterAutomaton.OfOtherThan(names).Within(CharacterSet.Unescaped));
        _builder.AddByte(end, to, '"');
    }

    /// <summary>Adds any number: up to 18 digits, a point and up to 17, an exponent of up to two. All of them are finite as 64-bit floats.
    /// </summary>
    public void AddNumber(int from, int to) => Call(from, to, "number", (begin, end) => _inKey.Add(begin, end, PatternParser.Parse(
        $"-?(0|[1-9]\\d{{0,{MaxIntegerDigits - 1}}})(\\.\\d{{1,{DecimalRange.MaxFractionDigits}}})?([eE][+-]?\\d{{1,2}})?",
        isAnchored: true)));

    /// <summary>Adds any integer of up to 18 digits.</summary>
    public void AddInteger(int from, int to) => Call(from, to, "integer", (begin, end) => _inKey.Add(begin, end, PatternParser.Parse(
        $"0|-?[1-9]\\d{{0,{MaxIntegerDigits - 1}}}", isAnchored: true)));

    /// <summary>
    /// Says of the states of a count which of them look alike from up to <see cref="GrammarBuilder.Horizon"/> bytes before the next limit.
    /// </summary>
    /// <param name="states">[most or least + 1], by the number counted.</param>
    /// <param name="first">The number from which on all that is counted is the same.</param>
    /// <param name="least">The number from which on the count may end.</param>
    /// <param name="most">The number at which it must; null = none.</param>
    public void MarkEquivalents(ReadOnlySpan<int> states, int first, int least, int? most)
    {
        for (int i = first + 1; i < least - GrammarBuilder.Horizon; i++)
            _builder.MarkEquivalent(states[i], states[first]);
        int last = Math.Max(first, least);
        for (int i = last + 1; i < (most ?? 0) - GrammarBuilder.Horizon; i++)
            _builder.MarkEquivalent(states[i], states[last]);
    }

    private void AddSeparator(int from, int to, char separator)
    {
        int behind = _builder.AddState();
        _builder.AddByte(from, behind, separator);
        _builder.AddByte(behind, to, ' ');
        _builder.AddEmpty(behind, to);
    }

    private void Call(int from, int to, string name, Action<int, int> emit)
    {
        if (!_rules.TryGetValue(name, out int rule))
        {
            (rule, int end) = _builder.AddRule();
            _rules.Add(name, rule);
            emit(rule, end);
        }

        _builder.AddCall(from, to, rule);
    }
}
