using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>HTML escapes, as the <c>escape</c> filter writes them.</summary>
internal static class Html
{
    /// <summary>The text with its markup characters escaped; text that is markup already stays.</summary>
    public static Text Escape(Text text)
    {
        if (text.IsMarkup)
            return text;
        TextBuilder output = new();
        foreach (Text character in text.Elements.Cast<Text>())
        {
            bool fromInput = !character.InputRanges.IsEmpty;
            output.Append(
                character.Content switch
                {
                    "&" => "&amp;",
                    "<" => "&lt;",
                    ">" => "&gt;",
                    "'" => "&#39;",
                    "\"" => "&#34;",
                    _ => character.Content,
                },
                fromInput);
        }

        return output.ToText().AsMarkup();
    }
}
