namespace HShare.AI.Engine.Sampling.Constraints.Json;

/// <summary>
/// States inside an object or array by how many elements it has so far: exactly up to a limit, or up to a number and more.
/// </summary>
internal sealed class CountedStates
{
    private readonly GrammarBuilder _builder;
    private readonly bool _isLimited;
    private int[] _states; // [counts]

    /// <summary>States that count to a limit or, without one, to a number from which on it makes no difference.</summary>
    public CountedStates(GrammarBuilder builder, int enough, int? most)
    {
        _builder = builder;
        _isLimited = most is not null;
        _states = AddRow(most ?? enough);
    }

    /// <summary>The states behind so many elements: [0] behind none; the last one also behind more, where there is no limit.</summary>
    public ReadOnlySpan<int> States => _states;

    /// <summary>Adds the bracket that opens.</summary>
    public void Begin(int from, char bracket) => _builder.AddByte(from, _states[0], bracket);

    /// <summary>Adds the bracket that closes, from so many elements on.</summary>
    public void End(int to, char bracket, int least)
    {
        for (int count = least; count < _states.Length; count++)
            _builder.AddByte(_states[count], to, bracket);
    }

    /// <summary>Adds the separator before an element. Returns the states behind it, [1] for the first element and so on.</summary>
    public int[] Separate(JsonRules json)
    {
        int[] entries = AddRow(_states.Length - 1);
        for (int count = 1; count < entries.Length; count++)
        {
            if (count == 1)
                _builder.AddEmpty(_states[0], entries[1]);
            else
                json.AddComma(_states[count - 1], entries[count]);
        }

        if (!_isLimited)
            json.AddComma(_states[^1], entries[^1]);
        return entries;
    }

    /// <summary>Goes on to new states, reached from the present ones by nothing where the element between is optional.</summary>
    public void Advance(bool isOptional)
    {
        int[] before = _states;
        _states = AddRow(before.Length - 1);
        for (int count = 0; isOptional && count < before.Length; count++)
            _builder.AddEmpty(before[count], _states[count]);
    }

    private int[] AddRow(int most)
    {
        var row = new int[most + 1];
        for (int count = 0; count < row.Length; count++)
            row[count] = _builder.AddState();
        return row;
    }
}
