namespace HShare.AI.ChatTemplates.Jinja.Syntax;

/// <summary>Goes over a template's tokens.</summary>
internal sealed class TokenReader(IReadOnlyList<Token> tokens)
{
    private int _at;

    public Token Current => tokens[_at];

    public Token Next => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public Token Take() => tokens[_at < tokens.Count - 1 ? _at++ : _at];

    public bool TrySymbol(string symbol) => TryTake(Current.IsSymbol(symbol));

    public bool TryName(string name) => TryTake(Current.IsName(name));

    public Token Expect(TokenKind kind, string what) => Current.Kind == kind ? Take() : throw Unexpected(what);

    public Token ExpectSymbol(string symbol) => Current.IsSymbol(symbol) ? Take() : throw Unexpected($"'{symbol}'");

    public Token ExpectName(string name) => Current.IsName(name) ? Take() : throw Unexpected($"'{name}'");

    public ChatTemplateException Unexpected(string expected) => Current.Position.Error($"expected {expected}, found {Current}.");

    private bool TryTake(bool matches)
    {
        if (matches)
            Take();
        return matches;
    }
}
