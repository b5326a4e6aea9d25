using System.Collections.Frozen;
using HShare.AI.ChatTemplates.Jinja.Values;

namespace HShare.AI.ChatTemplates.Jinja.Library;

/// <summary>The methods of Python's <c>str</c>.</summary>
internal static class StringMethods
{
    private static readonly FrozenDictionary<string, Func<Text, CallArguments, Value>> Methods =
        new Dictionary<string, Func<Text, CallArguments, Value>>
        {
            ["upper"] = (text, _) => Letters.Upper(text),
            ["lower"] = (text, _) => Letters.Lower(text),
            ["casefold"] = (text, _) => Letters.Lower(text),
            ["capitalize"] = (text, _) => Letters.Capitalize(text),
            ["title"] = (text, _) => Letters.Title(text),
            ["strip"] = (text, arguments) => text.Trim(Characters(arguments)),
            ["lstrip"] = (text, arguments) => text.Trim(Characters(arguments), end: false),
            ["rstrip"] = (text, arguments) => text.Trim(Characters(arguments), start: false),
            ["removeprefix"] = (text, arguments) => RemovePrefix(text, arguments.Bind("prefix").RequireText(0).Content),
            ["removesuffix"] = (text, arguments) => RemoveSuffix(text, arguments.Bind("suffix").RequireText(0).Content),
            ["startswith"] = (text, arguments) => Matches(arguments.Bind("prefix").Require(0), text.Content.StartsWith),
            ["endswith"] = (text, arguments) => Matches(arguments.Bind("suffix").Require(0), text.Content.EndsWith),
            ["split"] = (text, arguments) => Split(text, arguments, fromEnd: false),
            ["rsplit"] = (text, arguments) => Split(text, arguments, fromEnd: true),
            ["splitlines"] = (text, arguments) => Splitting.Lines(text, arguments.Bind("keepends").Flag(0, otherwise: false)),
            ["partition"] = (text, arguments) => Splitting.Partition(text, arguments.Bind("sep").RequireText(0), last: false),
            ["rpartition"] = (text, arguments) => Splitting.Partition(text, arguments.Bind("sep").RequireText(0), last: true),
            ["join"] = (text, arguments) => Join(text, arguments.Bind("iterable").Require(0)),
            ["replace"] = (text, arguments) => Replace(text, arguments.Bind("old", "new", "count")),
            ["find"] = (text, arguments) => Find(text, arguments.Bind("sub").RequireText(0), last: false),
            ["rfind"] = (text, arguments) => Find(text, arguments.Bind("sub").RequireText(0), last: true),
            ["index"] = (text, arguments) => Index(text, arguments.Bind("sub").RequireText(0)),
            ["count"] = (text, arguments) => Count(text, arguments.Bind("sub").RequireText(0).Content),
            ["zfill"] = (text, arguments) => ZeroFill(text, arguments.Bind("width").Integer(0, 0)),
            ["isdigit"] = (text, _) => All(text, char.IsDigit),
            ["isnumeric"] = (text, _) => All(text, char.IsNumber),
            ["isalpha"] = (text, _) => All(text, char.IsLetter),
            ["isalnum"] = (text, _) => All(text, char.IsLetterOrDigit),
            ["isspace"] = (text, _) => All(text, Whitespace.Is),
            ["isupper"] = (text, _) => Bool.From(Letters.IsUpper(text.Content)),
            ["islower"] = (text, _) => Bool.From(Letters.IsLower(text.Content)),
        }.ToFrozenDictionary();

    public static Func<Text, CallArguments, Value>? Find(string name) => Methods.GetValueOrDefault(name);

    /// <summary>The texts of an iterable with <paramref name="separator"/> between them.</summary>
    public static Text Join(Text separator, IEnumerable<Text> texts)
    {
        TextBuilder output = new();
        bool first = true;
        foreach (Text text in texts)
        {
            if (!first)
                output.Append(separator);
            output.Append(text);
            first = false;
        }

        return output.ToText();
    }

    /// <summary>The text with the first <paramref name="count"/> (negative: all) occurrences of <paramref name="old"/> replaced.</summary>
    public static Text Replace(Text text, Text old, Text replacement, int count)
    {
        if (old.Content.Length > 0)
            return Join(replacement, Splitting.By(text, old.Content, count).Items.Cast<Text>());
        // As in Python, nothing is found before each character and at the end.
        TextBuilder output = new();
        int left = count < 0 ? int.MaxValue : count;
        foreach (Text character in text.Elements.Cast<Text>().Append(Text.Empty))
        {
            if (left-- > 0)
                output.Append(replacement);
            output.Append(character);
        }

        return output.ToText();
    }

    private static string? Characters(CallArguments arguments) => arguments.Bind("chars").Text(0)?.Content;

    private static Text RemovePrefix(Text text, string prefix) =>
        text.Content.StartsWith(prefix, StringComparison.Ordinal) ? text.Slice(prefix.Length) : text;

    private static Text RemoveSuffix(Text text, string suffix) =>
        text.Content.EndsWith(suffix, StringComparison.Ordinal) ? text.Slice(0, text.Content.Length - suffix.Length) : text;

    private static Bool Matches(Value affix, Func<string, StringComparison, bool> matches) => affix switch
    {
        Text text => Bool.From(matches(text.Content, StringComparison.Ordinal)),
        Sequence { Kind: SequenceKind.Tuple } any => Bool.From(any.Items.Any(item => Matches(item, matches).IsTrue)),
        Undefined undefined => throw undefined.Error(),
        _ => throw new EvaluationException($"a string starts or ends with a string, not with a value of type '{affix.TypeName}'"),
    };

    private static Sequence Split(Text text, CallArguments arguments, bool fromEnd)
    {
        BoundArguments bound = arguments.Bind("sep", "maxsplit");
        int limit = bound.Integer(1, -1);
        if (bound.Text(0) is not { } separator)
            return fromEnd && limit >= 0 ? Splitting.ByWhitespaceFromEnd(text, limit) : Splitting.ByWhitespace(text, limit);
        return fromEnd ? Splitting.FromEnd(text, separator.Content, limit) : Splitting.By(text, separator.Content, limit);
    }

    private static Text Join(Text separator, Value iterable)
    {
        return Join(separator, Selections.Elements(iterable).Select(item => item as Text
            ?? throw new EvaluationException($"join puts strings together, not a value of type '{item.TypeName}'")));
    }

    private static Text Replace(Text text, BoundArguments arguments) =>
        Replace(text, arguments.RequireText(0), arguments.RequireText(1), arguments.Integer(2, -1));

    private static Integer Find(Text text, Text part, bool last)
    {
        int offset = last
            ? text.Content.LastIndexOf(part.Content, StringComparison.Ordinal)
            : text.Content.IndexOf(part.Content, StringComparison.Ordinal);
        return new Integer(offset < 0 ? -1 : text.Slice(0, offset).Length!.Value);
    }

    private static Integer Index(Text text, Text part)
    {
        Integer index = Find(text, part, last: false);
        return index.Number >= 0 ? index : throw new EvaluationException($"{part.Quoted()} is not in the string");
    }

    private static Integer Count(Text text, string part) => new(Splitting.By(text, part, limit: -1).Items.Count - 1);

    private static Text ZeroFill(Text text, int width)
    {
        int sign = text.Content is ['-' or '+', ..] ? 1 : 0;
        string zeros = new('0', Math.Clamp(width - text.Length!.Value, 0, Limits.Characters));
        return new TextBuilder().Append(text.Slice(0, sign)).Append(zeros).Append(text.Slice(sign)).ToText();
    }

    private static Bool All(Text text, Func<char, bool> predicate) => Bool.From(text.IsTrue && text.Content.All(predicate));
}
