using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Syntax;

/// <summary>
/// Cuts a template into tokens, with the whitespace rules that chat templates are written for: <c>trim_blocks</c> (the newline behind a
/// block or comment goes) and <c>lstrip_blocks</c> (so do the blanks before one that starts its line); <c>-</c> and <c>+</c> overrule.
/// </summary>
internal sealed class Lexer
{
    private readonly SourceText _source;
    private readonly string _text;
    private readonly List<Token> _tokens = [];
    private int _at;

    private Lexer(SourceText source)
    {
        _source = source;
        _text = source.Characters;
    }

    public static IReadOnlyList<Token> Tokenize(string source)
    {
        Lexer lexer = new(new SourceText(source));
        lexer.ReadTemplate();
        return lexer._tokens;
    }

    private void ReadTemplate()
    {
        while (FindTag() is int tag and >= 0)
        {
            bool strippable = _text[tag + 1] != '{';
            AddData(_at, tag, strippable, SignAt(tag + 2));
            _at = tag;
            switch (_text[tag + 1])
            {
                case '#': SkipComment(); break;
                case '{': ReadTag(TokenKind.OutputBegin, TokenKind.OutputEnd, "}}"); break;
                case '%' when FindRawEnd("raw", tag) is int body and >= 0: ReadRaw(body); break;
                default: ReadTag(TokenKind.BlockBegin, TokenKind.BlockEnd, "%}"); break;
            }
        }

        AddData(_at, _text.Length, strippable: false, sign: ' ');
        Add(TokenKind.End, "", _text.Length);
    }

    private int FindTag()
    {
        for (int open = _text.IndexOf('{', _at); open >= 0 && open + 1 < _text.Length; open = _text.IndexOf('{', open + 1))
        {
            if (_text[open + 1] is '{' or '%' or '#')
                return open;
        }

        return -1;
    }

    private char SignAt(int offset) => offset < _text.Length && _text[offset] is '-' or '+' ? _text[offset] : ' ';

    private void AddData(int start, int end, bool strippable, char sign)
    {
        int stop = end;
        if (sign == '-')
        {
            while (stop > start && Whitespace.Is(_text[stop - 1]))
                stop--;
        }
        else if (sign == ' ' && strippable)
        {
            int blank = end;
            while (blank > start && _text[blank - 1] != '\n' && Whitespace.Is(_text[blank - 1]))
                blank--;
            if (blank == 0 || _text[blank - 1] == '\n')
                stop = blank;
        }

        if (stop > start)
            Add(TokenKind.Data, _text[start..stop], start);
    }

    private void SkipComment()
    {
        int body = SignAt(_at + 2) == ' ' ? _at + 2 : _at + 3;
        int end = body <= _text.Length ? _text.IndexOf("#}", body, StringComparison.Ordinal) : -1;
        if (end < 0)
            throw _source.At(_at).Error("the comment is not closed; write '#}' behind it.");
        CloseTag(end, trimNewline: true, body);
    }

    /// <summary>Steps over a closing mark and the whitespace that it eats.</summary>
    private void CloseTag(int mark, bool trimNewline, int earliestSign)
    {
        char sign = mark > earliestSign ? SignAt(mark - 1) : ' ';
        _at = mark + 2;
        if (sign == '-')
            SkipWhitespace();
        else if (sign == ' ' && trimNewline && _at < _text.Length && _text[_at] == '\n')
            _at++;
    }

    private void SkipWhitespace()
    {
        while (_at < _text.Length && Whitespace.Is(_text[_at]))
            _at++;
    }

    /// <summary>If a tag <c>{% keyword %}</c> starts here, the offset of its <c>%}</c>; otherwise -1.</summary>
    private int FindRawEnd(string keyword, int tag)
    {
        int at = SignAt(tag + 2) == ' ' ? tag + 2 : tag + 3;
        while (at < _text.Length && Whitespace.Is(_text[at]))
            at++;
        if (string.CompareOrdinal(_text, at, keyword, 0, keyword.Length) != 0)
            return -1;
        at += keyword.Length;
        while (at < _text.Length && Whitespace.Is(_text[at]))
            at++;
        at = SignAt(at) == ' ' ? at : at + 1;
        return string.CompareOrdinal(_text, at, "%}", 0, 2) == 0 ? at : -1;
    }

    private void ReadRaw(int rawMark)
    {
        int opened = _at;
        CloseTag(rawMark, trimNewline: false, earliestSign: _at + 2);
        for (int tag = FindBlock(_at); tag >= 0; tag = FindBlock(tag + 2))
        {
            if (FindRawEnd("endraw", tag) is not (int mark and >= 0))
                continue;
            AddData(_at, tag, strippable: true, SignAt(tag + 2));
            CloseTag(mark, trimNewline: true, earliestSign: tag + 3);
            return;
        }

        throw _source.At(opened).Error("the raw block is not closed; write '{% endraw %}' behind it.");
    }

    private int FindBlock(int from) => _text.IndexOf("{%", from, StringComparison.Ordinal);

    private void ReadTag(TokenKind begin, TokenKind end, string endMark)
    {
        int opened = _at;
        Add(begin, "", _at);
        _at += SignAt(_at + 2) == ' ' ? 2 : 3;
        // Inside brackets '}}' closes two dictionaries, not the tag.
        Stack<char> brackets = [];
        while (true)
        {
            SkipWhitespace();
            if (_at >= _text.Length)
                throw _source.At(opened).Error($"the tag is not closed; write '{endMark}' behind it.");
            if (brackets.Count == 0 && FindEndMark(endMark) is int mark and >= 0)
            {
                Add(end, "", mark);
                CloseTag(mark, trimNewline: end == TokenKind.BlockEnd, earliestSign: _at);
                return;
            }

            ReadExpressionToken(brackets);
        }
    }

    private int FindEndMark(string endMark)
    {
        int mark = SignAt(_at) == ' ' ? _at : _at + 1;
        return string.CompareOrdinal(_text, mark, endMark, 0, 2) == 0 ? mark : -1;
    }

    private void ReadExpressionToken(Stack<char> brackets)
    {
        int start = _at;
        char first = _text[start];
        if (char.IsLetter(first) || first == '_')
        {
            while (_at < _text.Length && (char.IsLetterOrDigit(_text[_at]) || _text[_at] == '_'))
                _at++;
            Add(TokenKind.Name, _text[start.._at], start);
        }
        else if (char.IsAsciiDigit(first))
        {
            Add(NumberLiteral.Read(_text, ref _at), _text[start.._at].Replace("_", ""), start);
        }
        else if (first is '\'' or '"')
        {
            int end = StringLiteral.FindEnd(_text, start);
            if (end < 0)
                throw _source.At(start).Error("the string is not closed.");
            Add(TokenKind.String, StringLiteral.Unescape(_text.AsSpan(start + 1, end - start - 1)), start);
            _at = end + 1;
        }
        else
        {
            ReadSymbol(brackets);
        }
    }

    private void ReadSymbol(Stack<char> brackets)
    {
        int start = _at;
        ReadOnlySpan<char> pair = _text.AsSpan(start, Math.Min(2, _text.Length - start));
        if (pair is "==" or "!=" or "<=" or ">=" or "//" or "**")
        {
            _at += 2;
            Add(TokenKind.Symbol, pair.ToString(), start);
            return;
        }

        char symbol = _text[_at++];
        if (!"+-*/%~<>=.,:|()[]{}".Contains(symbol))
            throw _source.At(start).Error($"unexpected character '{symbol}'.");
        if (symbol is '(' or '[' or '{')
            brackets.Push(symbol is '(' ? ')' : symbol is '[' ? ']' : '}');
        else if (symbol is ')' or ']' or '}' && (!brackets.TryPop(out char expected) || expected != symbol))
            throw _source.At(start).Error($"unexpected '{symbol}'.");
        Add(TokenKind.Symbol, symbol.ToString(), start);
    }

    private void Add(TokenKind kind, string value, int offset) => _tokens.Add(new Token(kind, value, _source.At(offset)));
}
