namespace HShare.AI.ChatTemplates.Jinja.Syntax;

/// <summary>Number literals: <c>12</c>, <c>1_000</c>, <c>1.5</c>, <c>2e-3</c>.</summary>
internal static class NumberLiteral
{
    /// <summary>Steps over a literal that starts with a digit.</summary>
    public static TokenKind Read(string text, ref int at)
    {
        TokenKind kind = TokenKind.Integer;
        SkipDigits(text, ref at);
        if (at < text.Length && text[at] == '.' && IsDigit(text, at + 1))
        {
            kind = TokenKind.Float;
            at++;
            SkipDigits(text, ref at);
        }

        int exponent = at + 1;
        if (at < text.Length && text[at] is 'e' or 'E')
        {
            if (exponent < text.Length && text[exponent] is '+' or '-')
                exponent++;
            if (IsDigit(text, exponent))
            {
                kind = TokenKind.Float;
                at = exponent;
                SkipDigits(text, ref at);
            }
        }

        return kind;
    }

    private static void SkipDigits(string text, ref int at)
    {
        while (IsDigit(text, at) || (at < text.Length && text[at] == '_' && IsDigit(text, at + 1)))
            at++;
    }

    private static bool IsDigit(string text, int at) => at < text.Length && char.IsAsciiDigit(text[at]);
}
