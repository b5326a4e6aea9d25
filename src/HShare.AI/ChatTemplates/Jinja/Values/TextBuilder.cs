using System.Text;

namespace HShare.AI.ChatTemplates.Jinja.Values;

/// <summary>Puts a <see cref="Text"/> together, keeping which characters came from the conversation.</summary>
internal sealed class TextBuilder
{
    private readonly StringBuilder _content = new();
    private readonly List<TextRange> _input = [];

    /// <summary>Appends text of the template.</summary>
    public TextBuilder Append(string template)
    {
        return Append(template, fromInput: false);
    }

    public TextBuilder Append(Text text)
    {
        foreach (TextRange range in text.InputRanges)
            AddRange(_content.Length + range.Start, _content.Length + range.End);
        return Append(text.Content, fromInput: false);
    }

    /// <summary>Appends characters that stand for others, and came from where those came from.</summary>
    public TextBuilder Append(ReadOnlySpan<char> content, bool fromInput)
    {
        Limits.CheckCharacters((long)_content.Length + content.Length);
        if (fromInput && content.Length > 0)
            AddRange(_content.Length, _content.Length + content.Length);
        _content.Append(content);
        return this;
    }

    public Text ToText() => Text.FromRanges(_content.ToString(), [.. _input]);

    private void AddRange(int start, int end)
    {
        if (_input.Count > 0 && _input[^1].End == start)
            _input[^1] = new TextRange(_input[^1].Start, end);
        else
            _input.Add(new TextRange(start, end));
    }
}
