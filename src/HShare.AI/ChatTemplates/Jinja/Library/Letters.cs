using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>Upper and lower case, one character to one character (Python turns a few, such as ß, into two).</summary>
internal static class Letters
{
    public static Text Upper(Text text) => text.WithContent(text.Content.ToUpperInvariant());

    public static Text Lower(Text text) => text.WithContent(text.Content.ToLowerInvariant());

    public static Text Capitalize(Text text) => Map(text, (at, _) => at == 0);

    /// <summary>Python's <c>str.title</c>: a letter is upper case where none stands before it.</summary>
    public static Text Title(Text text) => Map(text, (at, content) => at == 0 || !char.IsLetter(content[at - 1]));

    /// <summary>Jinja's <c>title</c> filter: a letter is upper case behind blanks, hyphens and opening brackets only.</summary>
    public static Text TitleWords(Text text) =>
        Map(text, (at, content) => at == 0 || content[at - 1] is '-' or '(' or '{' or '[' or '<' || Whitespace.Is(content[at - 1]));

    public static bool IsUpper(string text) => text.Any(char.IsUpper) && !text.Any(char.IsLower);

    public static bool IsLower(string text) => text.Any(char.IsLower) && !text.Any(char.IsUpper);

    private static Text Map(Text text, Func<int, string, bool> isUpper) => text.WithContent(string.Create(
        text.Content.Length,
        (text.Content, isUpper),
        static (mapped, state) =>
        {
            for (int at = 0; at < mapped.Length; at++)
            {
                char character = state.Content[at];
                mapped[at] = state.isUpper(at, state.Content) ? char.ToUpperInvariant(character) : char.ToLowerInvariant(character);
            }
        }));
}
