using HShare.AI.Engine.Sampling.Constraints.Patterns;

namespace HShare.AI.Engine.Sampling.Constraints;

/// <summary>Writes automata over characters into a grammar over bytes, either as plain text or as the inside of a JSON string.</summary>
/// <param name="builder">The grammar.</param>
/// <param name="inJson">Whether characters that JSON strings cannot hold are written as their escapes.</param>
internal sealed class CharacterRules(GrammarBuilder builder, bool inJson)
{
    private const string HexDigits = "0123456789abcdef";

    private readonly Dictionary<string, int> _rules = []; // first states by the key of the set

    /// <summary>Adds ways that take a string of an automaton.</summary>
    public void Add(int from, int to, CharacterAutomaton automaton)
    {
        var states = new int[automaton.StateCount];
        for (int i = 0; i < states.Length; i++)
            states[i] = builder.AddState();
        builder.AddEmpty(from, states[automaton.Start]);
        builder.AddEmpty(states[automaton.End], to);
        for (int i = 0; i < states.Length; i++)
        {
            foreach ((CharacterSet? set, int target) in automaton.EdgesOf(i))
            {
                if (set is null)
                    builder.AddEmpty(states[i], states[target]);
                else
                    Add(states[i], states[target], set);
            }
        }
    }

    /// <summary>Adds ways that take one character of a set; large sets become rules, as they tend to occur often.</summary>
    public void Add(int from, int to, CharacterSet set)
    {
        bool isSmall = set.Ranges.Count <= 3 && set.Ranges[^1].High < 0x7F
            && (!inJson || set.Intersect(CharacterSet.Unescaped).Key == set.Key);
        if (isSmall)
        {
            Utf8Ranges.Add(builder, from, to, set);
            return;
        }

        if (!_rules.TryGetValue(set.Key, out int rule))
        {
            (rule, int end) = builder.AddRule();
            _rules.Add(set.Key, rule);
            AddCharacter(rule, end, set);
        }

        builder.AddCall(from, to, rule);
    }

    private void AddCharacter(int from, int to, CharacterSet set)
    {
        if (!inJson)
        {
            Utf8Ranges.Add(builder, from, to, set);
            return;
        }

        Utf8Ranges.Add(builder, from, to, set.Intersect(CharacterSet.Unescaped));
        int escape = builder.AddState();
        builder.AddByte(from, escape, '\\');
        if (set.Key == CharacterSet.All.Key)
            AddAnyEscape(escape, to);
        else
            AddEscapes(escape, to, set.Intersect(CharacterSet.Unescaped.Complement()));
    }

    /// <summary>Behind a backslash: the escape of each character that needs one.</summary>
    private void AddEscapes(int from, int to, CharacterSet set)
    {
        foreach ((int low, int high) in set.Ranges)
        {
            for (int character = low; character <= high; character++)
            {
                string escape = character switch
                {
                    '"' => "\"",
                    '\\' => "\\",
                    '\b' => "b",
                    '\t' => "t",
                    '\n' => "n",
                    '\f' => "f",
                    '\r' => "r",
                    _ => $"u00{HexDigits[character >> 4]}{HexDigits[character & 15]}",
                };
                builder.AddText(from, to, escape);
            }
        }
    }

    /// <summary>Behind a backslash: any escape of JSON; surrogates in pairs only, for a lone one is no character.</summary>
    private void AddAnyEscape(int from, int to)
    {
        foreach (char letter in "\"\\/bfnrt")
            builder.AddByte(from, to, letter);

        int digits = builder.AddState();
        builder.AddByte(from, digits, 'u');
        int two = builder.AddState(), one = builder.AddState(), three = builder.AddState();
        AddHexDigits(digits, three, "0123456789abcefABCEF");
        AddHexDigits(three, two, HexDigits + "ABCDEF");
        int behindD = builder.AddState();
        AddHexDigits(digits, behindD, "dD");
        AddHexDigits(behindD, two, "01234567");
        AddHexDigits(two, one, HexDigits + "ABCDEF");
        AddHexDigits(one, to, HexDigits + "ABCDEF");
        AddSurrogates(behindD, to);
    }

    private void AddSurrogates(int behindD, int to)
    {
        int[] path = [behindD, .. Enumerable.Range(0, 8).Select(_ => builder.AddState()), to];
        AddHexDigits(path[0], path[1], "89abAB");
        AddHexDigits(path[1], path[2], HexDigits + "ABCDEF");
        AddHexDigits(path[2], path[3], HexDigits + "ABCDEF");
        builder.AddByte(path[3], path[4], '\\');
        builder.AddByte(path[4], path[5], 'u');
        AddHexDigits(path[5], path[6], "dD");
        AddHexDigits(path[6], path[7], "cdefCDEF");
        AddHexDigits(path[7], path[8], HexDigits + "ABCDEF");
        AddHexDigits(path[8], path[9], HexDigits + "ABCDEF");
    }

    private void AddHexDigits(int from, int to, string digits)
    {
        foreach (char digit in digits)
            builder.AddByte(from, to, digit);
    }
}
