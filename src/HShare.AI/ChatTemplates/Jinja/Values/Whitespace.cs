namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>Which characters Python counts as whitespace and as line ends.</summary>
internal static class Whitespace
{
    public static bool Is(char character) => char.IsWhiteSpace(character) || character is >= '\x1c' and <= '\x1f';

    public static bool IsLineEnd(char character) =>
        character is >= '\n' and <= '\r' or >= '\x1c' and <= '\x1e' or '\x85' or '\u2028' or '\u2029';
}
