using System.Globalization;
using System.Text;

namespace HShare.AI.Engine.Sampling.Constraints.Patterns;

/// <summary>
/// Reads regular expressions as JSON schemas have them (ECMA-262), as far as they are regular: characters, escapes, classes, groups,
/// alternatives, quantifiers, and <c>^</c> and <c>$</c> at the borders. Anything else is refused by name.
/// </summary>
internal sealed class PatternParser
{
    private const int MaxNesting = 100;

    private static readonly CharacterSet LineEnds = CharacterSet.Of("\n\r\u2028\u2029");

    private readonly int[] _characters;
    private int _at;
    private int _nesting;

    private PatternParser(string text) => _characters = [.. text.EnumerateRunes().Select(rune => rune.Value)];

    private bool IsAtEnd => _at == _characters.Length;

    private int Next => IsAtEnd ? -1 : _characters[_at];

    /// <summary>The strings that hold a match.</summary>
    /// <param name="pattern">The expression.</param>
    /// <param name="isAnchored">Whether the string must match as a whole in any case.</param>
    /// <exception cref="NotSupportedException">The expression uses something else than what is read here.</exception>
    /// <exception cref="FormatException">It is damaged.</exception>
    /// <exception cref="GrammarSizeException">It is too large.</exception>
    public static CharacterAutomaton Parse(string pattern, bool isAnchored = false)
    {
        var parser = new PatternParser(pattern);
        PatternNode node = parser.ReadAlternatives();
        if (!parser.IsAtEnd)
            throw Damaged("has a ')' without a '('");

        var automaton = new CharacterAutomaton();
        foreach (PatternNode alternative in node is PatternNode.Alternatives several ? several.Nodes : [node])
            Emit(automaton, alternative is PatternNode.Sequence sequence ? sequence.Nodes : [alternative], isAnchored);
        return automaton;
    }

    private static void Emit(CharacterAutomaton automaton, IReadOnlyList<PatternNode> nodes, bool isAnchored)
    {
        List<PatternNode> rest = [.. nodes];
        int begin = automaton.AddState(), end = automaton.AddState();
        automaton.AddEmpty(automaton.Start, begin);
        automaton.AddEmpty(end, automaton.End);
        if (rest is [PatternNode.Anchor { IsStart: true }, ..])
            rest.RemoveAt(0);
        else if (!isAnchored)
            automaton.Add(begin, begin, CharacterSet.All);
        if (rest is [.., PatternNode.Anchor { IsStart: false }])
            rest.RemoveAt(rest.Count - 1);
        else if (!isAnchored)
            automaton.Add(end, end, CharacterSet.All);
        if (rest.Any(HasAnchor))
            throw Unsupported("an anchor elsewhere than at the beginning or the end");

        int first = automaton.AddState(), last = automaton.AddState(); // of their own, behind the loops
        automaton.AddEmpty(begin, first);
        automaton.AddEmpty(last, end);
        new PatternNode.Sequence(rest).Emit(automaton, first, last);
    }

    private static bool HasAnchor(PatternNode node) => node switch
    {
        PatternNode.Anchor => true,
        PatternNode.Sequence sequence => sequence.Nodes.Any(HasAnchor),
        PatternNode.Alternatives alternatives => alternatives.Nodes.Any(HasAnchor),
        PatternNode.Repetition repetition => HasAnchor(repetition.Node),
        _ => false,
    };

    private PatternNode ReadAlternatives()
    {
        List<PatternNode> alternatives = [ReadSequence()];
        while (Take('|'))
            alternatives.Add(ReadSequence());
        return alternatives.Count == 1 ? alternatives[0] : new PatternNode.Alternatives(alternatives);
    }

    private PatternNode.Sequence ReadSequence()
    {
        List<PatternNode> nodes = [];
        while (Next is not (-1 or '|' or ')'))
        {
            PatternNode node = ReadAtom();
            nodes.Add(ReadQuantifier(node));
        }

        return new PatternNode.Sequence(nodes);
    }

    private PatternNode ReadAtom()
    {
        int character = _characters[_at++];
        return character switch
        {
            '^' => new PatternNode.Anchor(true),
            '$' => new PatternNode.Anchor(false),
            '.' => new PatternNode.Character(LineEnds.Complement()),
            '(' => ReadGroup(),
            '[' => new PatternNode.Character(ReadClass()),
            '\\' => new PatternNode.Character(ReadEscape(inClass: false)),
            '*' or '+' or '?' => throw Damaged("has a quantifier with nothing before it"),
            _ => new PatternNode.Character(CharacterSet.Of((character, character))),
        };
    }

    private PatternNode ReadQuantifier(PatternNode node)
    {
        (int Least, int? Most)? quantifier =
            Take('*') ? (0, null)
            : Take('+') ? (1, null)
            : Take('?') ? (0, 1)
            : ReadBraces();
        if (quantifier is not var (least, most))
            return node;

        Take('?'); // how much a quantifier takes first makes no difference to what matches
        if (Next is '*' or '+' or '?')
            throw Unsupported("a quantifier behind a quantifier");
        if (HasAnchor(node))
            throw Unsupported("a quantifier behind an anchor");
        if (most < least)
            throw Damaged($"repeats {least} to {most} times");
        return new PatternNode.Repetition(node, least, most);
    }

    private (int Least, int? Most)? ReadBraces()
    {
        int begin = _at;
        if (!Take('{'))
            return null;
        if (ReadNumber() is { } least)
        {
            int? most = least;
            if (Take(','))
                most = ReadNumber();
            if (Take('}'))
                return (least, most);
        }

        _at = begin;
        throw Damaged("has a '{' that begins no quantifier; write \\{ for the character");
    }

    private int? ReadNumber()
    {
        int begin = _at, number = 0;
        while (Next is >= '0' and <= '9')
        {
            number = number * 10 + _characters[_at++] - '0';
            if (number > CharacterAutomaton.MaxStates)
                throw new GrammarSizeException();
        }

        return _at > begin ? number : null;
    }

    private PatternNode ReadGroup()
    {
        if (++_nesting > MaxNesting)
            throw Unsupported($"groups nested more than {MaxNesting} deep");
        if (Take('?'))
        {
            if (Next == '=' || Next == '!')
                throw Unsupported("a lookahead");
            if (Take('<'))
            {
                if (Next == '=' || Next == '!')
                    throw Unsupported("a lookbehind");
                while (!IsAtEnd && Next != '>')
                    _at++;
                if (!Take('>'))
                    throw Damaged("has a group whose name does not end");
            }
            else if (!Take(':'))
            {
                throw Unsupported("a group with options");
            }
        }

        PatternNode node = ReadAlternatives();
        if (!Take(')'))
            throw Damaged("has a '(' without a ')'");
        _nesting--;
        return node;
    }

    private CharacterSet ReadClass()
    {
        bool negated = Take('^');
        List<(int, int)> ranges = [];
        while (!Take(']'))
        {
            CharacterSet first = ReadClassCharacter();
            if (Next != '-' || _at + 1 == _characters.Length || _characters[_at + 1] == ']')
            {
                ranges.AddRange(first.Ranges);
                continue;
            }

            _at++;
            CharacterSet last = ReadClassCharacter();
            if (Single(first) is not { } low || Single(last) is not { } high || low > high)
                throw Damaged("has a class with a range that is none");
            ranges.Add((low, high));
        }

        var set = CharacterSet.Of(ranges);
        return negated ? set.Complement() : set;

        static int? Single(CharacterSet set) => set.Ranges is [var (low, high)] && low == high ? low : null;
    }

    private CharacterSet ReadClassCharacter()
    {
        if (IsAtEnd)
            throw Damaged("has a class that does not end");
        int character = _characters[_at++];
        return character == '\\' ? ReadEscape(inClass: true) : CharacterSet.Of((character, character));
    }

    private CharacterSet ReadEscape(bool inClass)
    {
        if (IsAtEnd)
            throw Damaged("ends with a backslash");
        int character = _characters[_at++];
        return character switch
        {
            'd' => Digits,
            'D' => Digits.Complement(),
            'w' => WordCharacters,
            'W' => WordCharacters.Complement(),
            's' => WhiteSpace,
            'S' => WhiteSpace.Complement(),
            'n' => CharacterSet.Of("\n"),
            'r' => CharacterSet.Of("\r"),
            't' => CharacterSet.Of("\t"),
            'f' => CharacterSet.Of("\f"),
            'v' => CharacterSet.Of("\v"),
            'b' when inClass => CharacterSet.Of("\b"),
            'b' or 'B' => throw Unsupported("a word border (\\b)"),
            'p' or 'P' => throw Unsupported("a Unicode property (\\p)"),
            'k' or (>= '1' and <= '9') => throw Unsupported("a reference to a group"),
            '0' => CharacterSet.Of((0, 0)),
            'x' => ReadCodePoint(2),
            'u' when Take('{') => ReadBracedCodePoint(),
            'u' => ReadCodePoint(4),
            _ when character < 128 && char.IsLetterOrDigit((char)character) => throw Unsupported($"the escape \\{(char)character}"),
            _ => CharacterSet.Of((character, character)),
        };
    }

    private static CharacterSet Digits { get; } = CharacterSet.Of(('0', '9'));

    private static CharacterSet WordCharacters { get; } = CharacterSet.Of(('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_'));

    private static CharacterSet WhiteSpace { get; } =
        CharacterSet.Of("\t\n\v\f\r \u00A0\u1680\u2028\u2029\u202F\u205F\u3000\uFEFF").Union(CharacterSet.Of((0x2000, 0x200A)));

    private CharacterSet ReadBracedCodePoint()
    {
        int end = Array.IndexOf(_characters, '}', _at);
        CharacterSet set = ReadCodePoint(Math.Max(0, end - _at));
        _at++;
        return set;
    }

    private CharacterSet ReadCodePoint(int digits)
    {
        int end = Math.Min(_at + digits, _characters.Length);
        string hex = string.Concat(_characters[_at..end].Select(character => new Rune(character)));
        _at = end;
        if (hex.Length != digits || !int.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value)
            || !Rune.IsValid(value))
            throw Damaged("has an escape that names no character");
        return CharacterSet.Of((value, value));
    }

    private bool Take(int character)
    {
        if (Next != character)
            return false;
        _at++;
        return true;
    }

    private static NotSupportedException Unsupported(string what) => new($"uses {what}, which cannot be enforced while a text is written");

    private static FormatException Damaged(string what) => new(what);
}
