namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>
/// A string that knows which of its characters came from the conversation (messages, tools, variables) and not from the template itself.
/// Every operation carries the knowledge along, so that a special token that a user wrote, or forged from parts, is told from one that
/// the template wrote. Lengths and indices that templates see count code points, as in Python.
/// </summary>
internal sealed class Text : Value, IComparable<Text>
{
    private readonly TextRange[] _input;
    private int _length = -1;

    private Text(string content, TextRange[] input, bool isMarkup = false)
    {
        Content = content;
        _input = input;
        IsMarkup = isMarkup;
    }

    public static Text Empty { get; } = FromTemplate("");

    public string Content { get; }

    /// <summary>The characters that came from the conversation: ascending ranges that do not touch.</summary>
    public ReadOnlySpan<TextRange> InputRanges => _input;

    /// <summary>Whether the <c>safe</c> filter marked it: <c>+</c> then escapes the other string for HTML.</summary>
    public bool IsMarkup { get; }

    public override string TypeName => "str";

    public override bool IsTrue => Content.Length > 0;

    public override int? Length => _length >= 0 ? _length : _length = CountCodePoints();

    public override IEnumerable<Value> Elements
    {
        get
        {
            for (int at = 0; at < Content.Length;)
            {
                int width = char.IsSurrogatePair(Content, at) ? 2 : 1;
                yield return Slice(at, width);
                at += width;
            }
        }
    }

    /// <summary>Text of the template, or text that is trusted like it.</summary>
    public static Text FromTemplate(string content) => new(content, []);

    /// <summary>Text of the conversation.</summary>
    public static Text FromInput(string content) => new(content, content.Length == 0 ? [] : [new TextRange(0, content.Length)]);

    public static Text FromRanges(string content, TextRange[] input) => new(content, input);

    public Text AsMarkup() => new(Content, _input, isMarkup: true);

    /// <summary>A part, by UTF-16 offset and length.</summary>
    public Text Slice(int start, int length)
    {
        if (start == 0 && length == Content.Length)
            return this;
        string part = Content.Substring(start, length);
        return new Text(part, TextRange.Slice(_input, start, length), IsMarkup);
    }

    public Text Slice(int start) => Slice(start, Content.Length - start);

    /// <summary>The same text with each character replaced by one other.</summary>
    public Text WithContent(string content)
    {
        if (content.Length != Content.Length)
            throw new ArgumentException("The content must have the same length.", nameof(content));
        return new Text(content, _input, IsMarkup);
    }

    /// <summary>Without the characters of <paramref name="strip"/> (null: whitespace) at its ends.</summary>
    public Text Trim(string? strip, bool start = true, bool end = true)
    {
        int from = 0, to = Content.Length;
        while (start && from < to && Strips(Content[from]))
            from++;
        while (end && to > from && Strips(Content[to - 1]))
            to--;
        return Slice(from, to - from);

        bool Strips(char character) => strip is null ? Whitespace.Is(character) : strip.Contains(character);
    }

    /// <summary>UTF-16 offset of a code point, which may be the one behind the last.</summary>
    public int OffsetOf(int codePoint)
    {
        if (Length == Content.Length)
            return codePoint;
        int offset = 0;
        for (; codePoint > 0; codePoint--)
            offset += char.IsSurrogatePair(Content, offset) ? 2 : 1;
        return offset;
    }

    public override Value? FindItem(Value key)
    {
        if (!Number.TryIndex(key, Length!.Value, out int index))
            return null;
        int offset = OffsetOf(index);
        return Slice(offset, char.IsSurrogatePair(Content, offset) ? 2 : 1);
    }

    public override Value? FindAttribute(string name) =>
        Library.StringMethods.Find(name) is { } method ? new Function(name, arguments => method(this, arguments)) : null;

    public override void Write(TextBuilder output) => output.Append(this);

    public override void WriteQuoted(TextBuilder output) => QuotedText.WritePython(this, output);

    public int CompareTo(Text? other) => string.CompareOrdinal(Content, other?.Content);

    public override bool Equals(object? obj) => obj is Text other && Content == other.Content;

    public override int GetHashCode() => Content.GetHashCode();

    private int CountCodePoints()
    {
        if (!Content.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return Content.Length;
        int count = 0;
        for (int at = 0; at < Content.Length; count++)
            at += char.IsSurrogatePair(Content, at) ? 2 : 1;
        return count;
    }
}
