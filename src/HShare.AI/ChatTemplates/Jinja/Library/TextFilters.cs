using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>Filters on text; other values are turned into text first.</summary>
internal static class TextFilters
{
    public static Value Trim(Value input, CallArguments arguments) => input.ToText().Trim(arguments.Bind("chars").Text(0)?.Content);

    public static Value Replace(Value input, CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind("old", "new", "count");
        int count = bound[2] is null or None ? -1 : bound.Integer(2, -1);
        return StringMethods.Replace(input.ToText(), bound.Require(0).ToText(), bound.Require(1).ToText(), count);
    }

    /// <summary>Puts blanks before each line; before the first and before empty ones only on request.</summary>
    public static Value Indent(Value input, CallArguments arguments)
    {
        BoundArguments bound = arguments.Bind("width", "first", "blank");
        Text indentation = bound[0] as Text ?? Text.FromTemplate(new string(' ', Math.Clamp(bound.Integer(0, 4), 0, 1000)));
        bool first = bound.Flag(1, otherwise: false);
        bool blank = bound.Flag(2, otherwise: false);
        Text text = new TextBuilder().Append(input.ToText()).Append("\n").ToText();
        TextBuilder output = new();
        int index = 0;
        foreach (Text line in Splitting.Lines(text, keepEnds: false).Items.Cast<Text>())
        {
            if (index > 0)
                output.Append("\n");
            if (index++ == 0 ? first : blank || line.IsTrue)
                output.Append(indentation);
            output.Append(line);
        }

        return output.ToText();
    }
}
